"""A policy document, parsed; what this broker does not know, it refuses to load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from broker.core.conditions import CONDITIONS, KNOWN, Argument
from broker.core.evidence import TAGS
from broker.core.match import PolicyRef
from broker.errors import PolicyDefect

#: What a permit rests on. Only the first three permit a match; ``terms`` permits what needs no ground of its own.
BASES = ("consent", "user_provided", "public", "terms")
_GROUND: Mapping[str, Argument] = {
    "purpose-expected": True,
    "person-objected": False,
    "person-said-no": False,
    "pair-tainted": False,
    "account-gone": False,
}
#: What is asked of public data besides: a protected account has made its own private.
_PUBLIC: Mapping[str, Argument] = {"account-protected": False}
_TAG: Mapping[str, Argument] = {
    "provenance-origin": ("direct",),
    "evidence-complete": True,
    "expectation-stated": True,
    "pair-tainted": False,
}
#: What may be permitted on which basis, and the least that a clause must ask for it.
PERMITS: Mapping[str, Mapping[str, Mapping[str, Argument]]] = {
    "match": {
        "consent": {
            "consent-status": ("given",),
            "consent-covers-purpose": True,
            "association-recorded": True,
            "account-gone": False,
        },
        **{tag: {"ground": (tag,), **_GROUND, **(_PUBLIC if tag == "public" else {})} for tag in TAGS},
    },
    "associate": {tag: {"provenance-tag": (tag,), **_TAG} for tag in TAGS},
    "contact": {"consent": {"contact-consented": True, "account-gone": False}},
    "redistribute": {"terms": {"agreements-complete": True}},
    "hydrate": {"terms": {"agreements-complete": True, "by": ("person",), "destination-public": False}},
    "report": {"terms": {"cohort-reached": True}},
}
REASONS = (
    "no_basis",
    "purpose_not_granted",
    "notice_changed",
    "purpose_prohibited",
    "purpose_not_declared",
    "withdrawn",
    "expired",
    "provenance_rejected",
    "suspended",
)
_CLAUSE_ID = re.compile(r"[A-Z]+-[0-9]+(?:[a-z][0-9]*)?(?:\.[a-z-]+)?")
_CLAUSE_KEYS = {"id", "effect", "says", "source", "when"}
_POLICY_KEYS = {"id", "version", "platform", "title", "limits", "clause"}
#: The numbers in the terms, by the act that each counts; a document states those of the acts that it permits.
LIMITS: Mapping[str, tuple[str, ...]] = {
    "redistribute": ("ids-per-recipient-30-days",),
    "hydrate": ("hydrated-per-recipient-day",),
    "report": ("report-cohort",),
    "contact": ("contacts-per-minute", "contact-accounts-per-day", "repeated-content-accounts"),
}


class Effect(StrEnum):
    """What a clause does when its conditions hold. Forbids win; silence means no."""

    PERMIT = "permit"
    FORBID = "forbid"


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One clause: permits give their ``basis``, forbids their ``reason``."""

    id: str
    effect: Effect
    says: str
    source: str
    when: tuple[tuple[str, Argument], ...]
    basis: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The terms of one platform, in the order they are looked at."""

    ref: PolicyRef
    platform: str
    title: str
    limits: Mapping[str, int]
    clauses: tuple[Clause, ...]

    @cached_property
    def _of_acts(self) -> Mapping[str, tuple[Clause, ...]]:
        acts = {act for clause in self.clauses for act in _acts(dict(clause.when))}
        return {act: tuple(it for it in self.clauses if act in _acts(dict(it.when))) for act in acts}

    def about(self, act: str) -> tuple[Clause, ...]:
        """The clauses that speak of an act, in their order. The others hold of none of its cases: most speak of few."""
        return self._of_acts.get(act, ())

    def limit(self, name: str) -> int:
        """A number of the terms; nothing at all where the document permits no act that it counts."""
        return self.limits.get(name, 0)

    @property
    def signalled(self) -> frozenset[str]:
        """The purposes that a browser's signal speaks against; none where the terms do not heed it."""
        heeding = [when for clause in self.clauses if (when := dict(clause.when)).get("person-signalled") is True]
        return frozenset(purpose for when in heeding for purpose in _words_of(when.get("purpose")))

    @property
    def heeds_signal(self) -> bool:
        """Whether nobody is matched against their browser's signal: it is heeded, or consent is the only ground."""
        return bool(self.signalled) or not any(clause.basis in TAGS for clause in self.clauses)


def parse_policy(document: Mapping[str, object], *, digest: str) -> Policy:
    """Return the policy that *document* states, or raise :class:`PolicyDefect` naming what it does not know."""
    _only(document, _POLICY_KEYS, "the document")
    raw = document.get("clause")
    if not isinstance(raw, list) or not raw:
        raise PolicyDefect("a policy needs at least one [[clause]]")
    clauses = tuple(_clause(entry) for entry in raw)
    _distinct(clauses)
    ref = PolicyRef(id=_text(document, "id"), version=_text(document, "version"), digest=digest)
    return Policy(
        ref=ref,
        platform=_text(document, "platform"),
        title=_text(document, "title"),
        limits=_limits(document.get("limits"), clauses),
        clauses=clauses,
    )


def _limits(raw: object, clauses: tuple[Clause, ...]) -> Mapping[str, int]:
    acts = {act for clause in clauses if clause.effect is Effect.PERMIT for act in _acts(dict(clause.when))}
    needed = [name for act, names in LIMITS.items() if act in acts for name in names]
    given = {} if raw is None and not needed else raw
    if not isinstance(given, dict):
        raise PolicyDefect(f"a policy that permits what is counted needs its [limits]: {', '.join(needed)}")
    _only(given, set(needed), "[limits]")
    for name in needed:
        number = given.get(name)
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise PolicyDefect(f"[limits] must give {name}, a whole number of at least 1")
    return given


def _clause(raw: object) -> Clause:
    if not isinstance(raw, dict):
        raise PolicyDefect("each clause is a table")
    clause_id = _text(raw, "id")
    if not _CLAUSE_ID.fullmatch(clause_id):
        raise PolicyDefect(f"{clause_id!r} is not a clause id such as MATCH-2")
    effect = _one_of(raw, "effect", tuple(Effect), clause_id)
    verdict = "basis" if effect == Effect.PERMIT else "reason"
    _only(raw, _CLAUSE_KEYS | {verdict}, f"clause {clause_id}")
    grounds = _one_of(raw, verdict, BASES if verdict == "basis" else REASONS, clause_id)
    when = _when(raw.get("when"), clause_id)
    if effect == Effect.PERMIT:
        _check_permit(dict(when), grounds, clause_id)
    return Clause(
        id=clause_id,
        effect=Effect(effect),
        says=_text(raw, "says"),
        source=_text(raw, "source"),
        when=when,
        **{verdict: grounds},
    )


def _when(raw: object, clause_id: str) -> tuple[tuple[str, Argument], ...]:
    if not isinstance(raw, dict) or not raw:
        raise PolicyDefect(f"clause {clause_id} has an empty when: it would hold for everything")
    if "act" not in raw:
        raise PolicyDefect(f"clause {clause_id} does not say what it is about: when needs act")
    when = tuple((name, _argument(name, value, clause_id)) for name, value in raw.items())
    _check_known(dict(when), clause_id)
    return when


def _check_known(when: Mapping[str, Argument], clause_id: str) -> None:
    """Refuse a condition about what is not known of the act: it would hold for nothing, in silence."""
    asked = set(when) - {"act"}
    for act in _acts(when):
        if not any(asked <= known for known in KNOWN[act]):
            unknown = ", ".join(sorted(asked - frozenset().union(*KNOWN[act]))) or "all of its conditions at once"
            raise PolicyDefect(f"clause {clause_id}: of the act {act!r} it cannot be asked about {unknown}")


def _acts(when: Mapping[str, Argument]) -> tuple[str, ...]:
    acts = when["act"]
    return acts if isinstance(acts, tuple) else ()


def _check_permit(when: Mapping[str, Argument], basis: str, clause_id: str) -> None:
    """Refuse a permit that could let something through on less than its basis: of a match there are three grounds."""
    for act in _acts(when):
        needed = PERMITS.get(act, {}).get(basis)
        if needed is None:
            raise PolicyDefect(f"clause {clause_id}: {act!r} is not permitted on the basis {basis!r}")
        missing = [name for name, value in needed.items() if when.get(name) != value]
        if missing:
            raise PolicyDefect(f"clause {clause_id}: a permit of {act!r} on {basis!r} needs {missing[0]}")


def _argument(name: str, value: object, clause_id: str) -> Argument:
    condition = CONDITIONS.get(name)
    if condition is None:
        known = ", ".join(CONDITIONS)
        raise PolicyDefect(f"clause {clause_id} uses the unknown condition {name!r}; known are {known}")
    if condition.values is None:
        if not isinstance(value, bool):
            raise PolicyDefect(f"clause {clause_id}: {name} takes true or false")
        return value
    return _words(name, value, condition.values, clause_id)


def _words(name: str, value: object, known: frozenset[str], clause_id: str) -> tuple[str, ...]:
    # A word with a slip in it would make a forbid forbid nothing, in silence.
    words = value if isinstance(value, list) else []
    if not words or not all(isinstance(word, str) and word in known for word in words):
        raise PolicyDefect(f"clause {clause_id}: {name} takes a list of some of {', '.join(sorted(known))}")
    return tuple(words)


def _distinct(clauses: tuple[Clause, ...]) -> None:
    """A clause may be stated in several rules; the same rule twice is a slip of the pen."""
    seen: set[tuple[str, tuple[tuple[str, Argument], ...]]] = set()
    for clause in clauses:
        if (clause.id, clause.when) in seen:
            raise PolicyDefect(f"clause {clause.id} is stated twice with the same conditions")
        seen.add((clause.id, clause.when))


def _words_of(argument: Argument | None) -> tuple[str, ...]:
    return argument if isinstance(argument, tuple) else ()


def _only(raw: Mapping[str, object], known: set[str], where: str) -> None:
    unknown = sorted(set(raw) - known)
    if unknown:
        raise PolicyDefect(f"{where} has the unknown key {unknown[0]!r}")


def _text(raw: Mapping[str, object], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PolicyDefect(f"{key!r} must be given, as text")
    return value


def _one_of(raw: Mapping[str, object], key: str, known: tuple[str, ...], clause_id: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or value not in known:
        raise PolicyDefect(f"clause {clause_id}: {key} must be one of {', '.join(known)}")
    return value

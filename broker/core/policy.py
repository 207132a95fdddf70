"""A policy document, parsed; what this broker does not know, it refuses to load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broker.core.conditions import CONDITIONS, Argument
from broker.core.match import PolicyRef
from broker.errors import PolicyDefect

BASES = ("consent", "user_provided", "public")
REASONS = (
    "no_basis",
    "purpose_not_granted",
    "purpose_prohibited",
    "purpose_not_declared",
    "withdrawn",
    "expired",
    "provenance_rejected",
    "suspended",
)
_CLAUSE_ID = re.compile(r"[A-Z]+-[0-9]+(?:[a-z][0-9]*)?(?:\.[a-z-]+)?")
_CLAUSE_KEYS = {"id", "effect", "says", "source", "when"}
_POLICY_KEYS = {"id", "version", "platform", "title", "clause"}


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
    clauses: tuple[Clause, ...]

    def naming(self, condition: str, value: str) -> tuple[str, ...]:
        """The clauses that speak of *value* under *condition*, for what is refused before it is a case."""
        found = (
            clause.id
            for clause in self.clauses
            for name, argument in clause.when
            if name == condition and isinstance(argument, tuple) and value in argument
        )
        return tuple(dict.fromkeys(found))


def parse_policy(document: Mapping[str, object], *, digest: str) -> Policy:
    """Return the policy that *document* states, or raise :class:`PolicyDefect` naming what it does not know."""
    _only(document, _POLICY_KEYS, "the document")
    raw = document.get("clause")
    if not isinstance(raw, list) or not raw:
        raise PolicyDefect("a policy needs at least one [[clause]]")
    clauses = tuple(_clause(entry) for entry in raw)
    _distinct(clauses)
    ref = PolicyRef(id=_text(document, "id"), version=_text(document, "version"), digest=digest)
    return Policy(ref=ref, platform=_text(document, "platform"), title=_text(document, "title"), clauses=clauses)


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
    return Clause(
        id=clause_id,
        effect=Effect(effect),
        says=_text(raw, "says"),
        source=_text(raw, "source"),
        when=_when(raw.get("when"), clause_id),
        **{verdict: grounds},
    )


def _when(raw: object, clause_id: str) -> tuple[tuple[str, Argument], ...]:
    if not isinstance(raw, dict) or not raw:
        raise PolicyDefect(f"clause {clause_id} has an empty when: it would hold for everything")
    return tuple((name, _argument(name, value, clause_id)) for name, value in raw.items())


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

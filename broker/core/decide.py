"""The decision: forbids first, then permits, then no."""

from __future__ import annotations

from dataclasses import dataclass

from broker.core.case import Case
from broker.core.conditions import failure
from broker.core.consent import ConsentRecord
from broker.core.evidence import TAGS
from broker.core.match import Decision, Facts, Ground, MatchRequest, match_cases
from broker.core.policy import Clause, Effect, Policy


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What the terms say to one case, and the clauses that made it."""

    permitted: bool
    clauses: tuple[str, ...]
    basis: str | None = None
    reason: str | None = None


def decide(request: MatchRequest, facts: Facts, policy: Policy) -> Decision:
    """Answer a match; every answer names the clauses that made it. Any one ground that permits is enough."""
    denial: Decision | None = None
    for case, consent, ground in match_cases(request, facts):
        ruling = rule(case, policy)
        decision = as_decision(ruling, policy, consent=consent, ground=ground)
        if decision.permitted:
            return decision
        denial = denial or decision
    assert denial is not None  # noqa: S101 - there is always one case
    return denial


def as_decision(
    ruling: Ruling, policy: Policy, *, consent: ConsentRecord | None = None, ground: Ground | None = None
) -> Decision:
    """A ruling as the answer to a client, with the consent or the ground that it rests on."""
    return Decision(
        permitted=ruling.permitted,
        clauses=ruling.clauses,
        policy=policy.ref,
        basis=ruling.basis,
        reason=ruling.reason,
        consent=consent if ruling.basis == "consent" else None,
        ground=ground if ruling.basis in TAGS else None,
    )


def rule(case: Case, policy: Policy) -> Ruling:
    """Put *case* to the terms.

    1. A clause that forbids and holds: no, whatever else is true.
    2. A clause that permits and holds: yes, on its basis.
    3. Silence: no, in the name of the permit that came nearest.
    """
    return forbidden(case, policy) or _permitted(case, policy) or _silence(case, policy)


def forbidden(case: Case, policy: Policy) -> Ruling | None:
    """Return what forbids *case*, if anything does; acts that nobody needs leave for are put to this alone."""
    holding = [it for it in policy.about(case.act) if it.effect is Effect.FORBID and _failure(it, case) is None]
    if not holding:
        return None
    reason = holding[0].reason
    named = dict.fromkeys(clause.id for clause in holding if clause.reason == reason)
    return Ruling(permitted=False, reason=reason, clauses=tuple(named))


def _permitted(case: Case, policy: Policy) -> Ruling | None:
    for clause in _permits(case, policy):
        if _failure(clause, case) is None:
            return Ruling(permitted=True, basis=clause.basis, clauses=(clause.id,))
    return None


def _silence(case: Case, policy: Policy) -> Ruling:
    failures = [(clause.id, reason) for clause in _permits(case, policy) if (reason := _failure(clause, case))]
    nearest = next((entry for entry in failures if entry[1] != "no_basis"), failures[0] if failures else None)
    named, reason = nearest or ("", "no_basis")
    return Ruling(permitted=False, reason=reason, clauses=(named,) if named else ())


def _permits(case: Case, policy: Policy) -> list[Clause]:
    """The permits that speak of this act at all."""
    return [clause for clause in policy.about(case.act) if clause.effect is Effect.PERMIT]


def _failure(clause: Clause, case: Case) -> str | None:
    """The reason of the first condition that does not hold, or None."""
    reasons = (failure(name, argument, case) for name, argument in clause.when)
    return next((reason for reason in reasons if reason is not None), None)

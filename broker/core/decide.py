"""The decision: forbids first, then permits, then no."""

from __future__ import annotations

from broker.core.conditions import CONDITIONS
from broker.core.match import Case, Decision, Facts, MatchRequest, weigh
from broker.core.policy import Clause, Effect, Policy


def decide(request: MatchRequest, facts: Facts, policy: Policy) -> Decision:
    """Answer *request* from *facts* by *policy*; every answer names the clauses that made it.

    1. A clause that forbids and holds: no, whatever else is true.
    2. A clause that permits and holds: yes, on its basis.
    3. Silence: no, in the name of the permit that came nearest.
    """
    case = weigh(request, facts)
    forbidding = [clause for clause in policy.clauses if clause.effect is Effect.FORBID and _holds(clause, case)]
    if forbidding:
        return _denied(forbidding, policy, reason=forbidding[0].reason)
    for clause in _permits(policy):
        if _holds(clause, case):
            return Decision(
                permitted=True,
                basis=clause.basis,
                clauses=(clause.id,),
                policy=policy.ref,
                consent=case.consent,
            )
    return _silence(policy, case)


def _denied(clauses: list[Clause], policy: Policy, *, reason: str | None) -> Decision:
    named = dict.fromkeys(clause.id for clause in clauses if clause.reason == reason)
    return Decision(permitted=False, reason=reason, clauses=tuple(named), policy=policy.ref)


def _silence(policy: Policy, case: Case) -> Decision:
    failures = [(clause.id, failure) for clause in _permits(policy) if (failure := _failure(clause, case))]
    nearest = next((entry for entry in failures if entry[1] != "no_basis"), failures[0] if failures else None)
    named, reason = nearest or ("", "no_basis")
    return Decision(permitted=False, reason=reason, clauses=(named,) if named else (), policy=policy.ref)


def _permits(policy: Policy) -> list[Clause]:
    return [clause for clause in policy.clauses if clause.effect is Effect.PERMIT]


def _holds(clause: Clause, case: Case) -> bool:
    return _failure(clause, case) is None


def _failure(clause: Clause, case: Case) -> str | None:
    """The reason of the first condition that does not hold, or None."""
    reasons = (CONDITIONS[name].check(argument, case) for name, argument in clause.when)
    return next((reason for reason in reasons if reason is not None), None)

"""Two versions of one platform's terms, held against each other clause by clause."""

from __future__ import annotations

from collections.abc import Iterator

from broker.core.conditions import CONDITIONS
from broker.core.policy import Clause, Policy


def explain(clause: Clause) -> str:
    """What a clause decides, as one sentence."""
    verdict = f"permits, on {clause.basis}," if clause.basis else f"forbids ({clause.reason})"
    conditions = [CONDITIONS[name].explain(argument) for name, argument in clause.when if name != "act"]
    acts = ", ".join(acts_of(clause))
    return f"{verdict} {acts}{' where ' if conditions else ''}{' and '.join(conditions)}"


def acts_of(clause: Clause) -> tuple[str, ...]:
    """The acts that a clause is about."""
    argument = dict(clause.when)["act"]
    return argument if isinstance(argument, tuple) else ()


def differences(old: Policy, new: Policy) -> Iterator[str]:
    """What *new* adds (+), drops (-) and words differently (~), in the order of the documents."""
    before, after = _rules(old), _rules(new)
    for rule, clause in before.items():
        if rule not in after:
            yield f"- {clause.id}: {explain(clause)}"
    for rule, clause in after.items():
        if rule not in before:
            yield f"+ {clause.id}: {explain(clause)}"
        elif (clause.says, clause.source) != (before[rule].says, before[rule].source):
            yield f"~ {clause.id}: now says {clause.says!r}"
    for name, number in new.limits.items():
        if old.limits.get(name) != number:
            yield f"~ {name}: {old.limits.get(name, 'none')} becomes {number}"
    if [rule for rule in before if rule in after] != [rule for rule in after if rule in before]:
        yield "~ the clauses stand in another order: where several forbid, another may be the one that is cited"


def _rules(policy: Policy) -> dict[object, Clause]:
    """Each rule by what it decides; two that decide alike are one, whatever order their conditions stand in."""
    return {
        (clause.id, clause.effect, clause.basis, clause.reason, frozenset(clause.when)): clause
        for clause in policy.clauses
    }

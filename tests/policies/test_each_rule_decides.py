"""Each rule of the document changes an answer of the table: what could be taken away unnoticed is no rule."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from policies.table import TABLE
from policies.world import Answer, Row, play

from broker.core.policy import Clause, Policy
from broker.policies import load_policies
from broker.store.database import Database

TERMS = load_policies().governing("x")


def without(policy: Policy, clause: Clause) -> Policy:
    """Return the policy without one of its rules."""
    return replace(policy, clauses=tuple(other for other in policy.clauses if other is not clause))


def nearest_first(clause: Clause) -> list[Row]:
    """Return the table, the rows that are likeliest to depend on *clause* first."""
    return sorted(TABLE, key=lambda row: (clause.id not in row.clauses.split(), clause.id != row.id))


def changed(database: Database, policy: Policy, rows: Iterable[Row]) -> tuple[Row, Answer] | None:
    """Return the first row that *policy* answers otherwise, and its answer."""
    answers = ((row, play(row.acts, database, policy)) for row in rows)
    return next(((row, answer) for row, answer in answers if answer != row.expected), None)


@pytest.mark.parametrize(
    "clause", TERMS.clauses, ids=[f"rule {number}, {it.id}" for number, it in enumerate(TERMS.clauses)]
)
def test_without_this_rule_the_terms_would_say_something_else(database_of_worlds: Database, clause: Clause) -> None:
    assert changed(database_of_worlds, without(TERMS, clause), nearest_first(clause)) is not None


def test_a_rule_that_nothing_depends_on_would_be_noticed(database_of_worlds: Database) -> None:
    spare = replace(TERMS.clauses[0], when=(("act", ("hydrate",)), ("academic", True), ("within-rate", False)))
    wordy = replace(TERMS, clauses=(*TERMS.clauses, spare))
    assert changed(database_of_worlds, wordy, nearest_first(spare)[:20]) is None

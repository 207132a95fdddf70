"""What the terms ask, sentence by sentence, put to the broker's own verbs; and no sentence without a row."""

from collections import Counter
from collections.abc import Iterable

import pytest
from policies.table import IDS, TABLE
from policies.world import Row, play

from broker.policies import load_policies
from broker.store.database import Database

TERMS = load_policies().governing("x")


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.id}, {row.says}" for row in TABLE])
def test_the_terms_decide(database_of_worlds: Database, row: Row) -> None:
    assert row.expected == play(row.acts, database_of_worlds, TERMS)


def undecided(rows: Iterable[Row]) -> set[str]:
    """Return the ids that decide no row of their own."""
    return IDS - {row.id for row in rows if row.id in row.clauses.split() or is_let_through(row)}


def is_let_through(row: Row) -> bool:
    """Whether a row is a handover of ids: what permits it is answered with a number, and names no clause."""
    return row.id == "REDISTRIBUTE-1" and row.answer.endswith((" left", "uncounted"))


def test_every_clause_decides_a_row_of_its_own() -> None:
    assert set() == undecided(TABLE)


@pytest.mark.parametrize("gone", sorted(IDS))
def test_a_clause_without_a_row_would_be_noticed(gone: str) -> None:
    assert {gone} == undecided(row for row in TABLE if row.id != gone)


def test_the_document_has_these_clauses_and_no_others() -> None:
    assert {clause.id for clause in TERMS.clauses} == IDS


def test_no_row_is_of_another_clause_and_none_is_stated_twice() -> None:
    assert {row.id for row in TABLE} == IDS
    assert {name for row in TABLE for name in row.clauses.split()} <= IDS
    assert {} == {name: count for name, count in Counter((row.id, row.says) for row in TABLE).items() if count > 1}


def test_the_ceilings_are_those_of_the_platform() -> None:
    assert (50_000, 1_500_000, 20) == (
        TERMS.limits["hydrated-per-recipient-day"],
        TERMS.limits["ids-per-recipient-30-days"],
        TERMS.limits["report-cohort"],
    )

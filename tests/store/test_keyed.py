"""Rows of many keys: exactly those, and by statements of a few lengths, however many are asked about."""

from __future__ import annotations

import pytest
from builders import NOON
from sqlalchemy import event

from broker.store.database import Database
from broker.store.keyed import rows_of
from broker.store.log import Leaf, leave

LEAVES = [number.to_bytes(32) for number in range(1200)]
OF_KIND = "SELECT leaf FROM leaves WHERE kind = %s AND leaf"


@pytest.fixture
def filled(database: Database) -> Database:
    """Give a database with a few leaves of two kinds."""
    with database.transaction() as tx:
        for leaf in LEAVES[::40]:
            leave(tx, Leaf(leaf, "receipt", NOON))
        leave(tx, Leaf(LEAVES[1], "batch", NOON))
    return database


@pytest.mark.parametrize("number", [0, 1, 2, 15, 16, 17, 64, 65, 256, 257, 511, 512, 513, 1024, 1025, 1200])
def test_each_row_of_a_key_is_found_once_and_no_other(filled: Database, number: int) -> None:
    with filled.reading() as tx:
        found = [bytes(row.leaf) for row in rows_of(tx, OF_KIND, LEAVES[:number], "receipt")]
    assert sorted(found) == [leaf for leaf in LEAVES[:number] if leaf in LEAVES[::40]]


def test_what_is_asked_comes_in_a_few_lengths_only(filled: Database) -> None:
    asked: set[str] = set()
    event.listen(filled.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.add(statement))
    with filled.reading() as tx:
        for number in range(1, len(LEAVES), 7):
            rows_of(tx, OF_KIND, LEAVES[:number], "receipt")
    assert len({statement for statement in asked if "leaves" in statement}) <= 6


def test_more_keys_than_a_statement_takes_are_asked_about_in_some(own_sqlite: Database) -> None:
    keys = [number.to_bytes(32) for number in range(70_000)]
    with own_sqlite.transaction() as tx:
        for leaf in keys[:: len(keys) - 1]:
            leave(tx, Leaf(leaf, "receipt", NOON))
        assert [keys[0], keys[-1]] == [row.leaf for row in rows_of(tx, OF_KIND, keys, "receipt")]

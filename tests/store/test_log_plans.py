"""How SQLite finds the leaves that wait: by the index that holds only those, however many they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from builders import NOON
from sqlalchemy import Connection, event

from broker.store.database import Database
from broker.store.log import Leaf, index_leaves, indexed, leave, pending_leaves, waiting_since
from broker.store.transaction import Transaction

LOOKS: tuple[Callable[[Transaction], object], ...] = (
    lambda tx: pending_leaves(tx, limit=512, key=b"p" * 32),
    waiting_since,
)


def a_leaf(number: int) -> Leaf:
    return Leaf(number.to_bytes(32), "receipt", NOON + timedelta(seconds=number))


def plans(database: Database, look: Callable[[Transaction], object]) -> list[str]:
    """Return how SQLite goes about every statement of a look."""
    asked: list[tuple[str, object]] = []

    def note(_connection: Connection, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        asked.append((statement, values))

    with database.reading() as tx:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            look(tx)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
        explained = [tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values) for statement, values in asked]  # type: ignore[arg-type] # as the driver was given them
        return [step.detail for steps in explained for step in steps]


@pytest.mark.parametrize("analysed", [False, True])
def test_leaves_that_wait_are_read_in_order_and_never_sorted(own_sqlite: Database, *, analysed: bool) -> None:
    with own_sqlite.transaction() as tx:
        for number in range(40):
            leave(tx, a_leaf(number))
        index_leaves(tx, indexed(map(a_leaf, range(30)), first=0, key=b"p" * 32))
        if analysed:
            tx.exec_driver_sql("ANALYZE leaves")
    for look in LOOKS:
        steps = plans(own_sqlite, look)
        assert steps
        assert all("ix_leaves_pending" in step for step in steps), steps

"""Events get their places in the order of their commits, and each its delivery."""

from __future__ import annotations

from typing import Any

import pytest
from builders import NOON, all_at_once, seeded_random
from sqlalchemy import select

from broker.errors import Unavailable
from broker.store.database import Database
from broker.store.delivery_tables import DeliveryRow
from broker.store.events import queue_of, rename_queue, save_event
from broker.store.people import own_sealer
from broker.store.sealing import Sealer
from broker.store.tables import EventRow
from broker.store.transaction import Transaction
from broker.store.writing import add, table_of

JANE, JOHN = b"j" * 16, b"o" * 16


def left(tx: Transaction, event_id: str, account: bytes = JANE, client_id: str = "northwind") -> None:
    """Leave one event."""
    save_event(
        tx, event_id=event_id, account=account, client_id=client_id, kind="consent-granted", grant_id="a grant",
        receipt_id="a receipt", given_id="the given one", txn="a cause", now=NOON,
    )  # fmt: skip


def rows(database: Database, model: type) -> list[dict[str, Any]]:
    """Every row of a table, in the order of its places."""
    table = table_of(model)
    with database.reading() as tx:
        return [dict(row._mapping) for row in tx.execute(select(table).order_by(table.c.number))]  # noqa: SLF001


def test_an_event_is_left_with_its_cause_and_waits_for_its_client(database: Database) -> None:
    with database.transaction() as tx:
        left(tx, "an event")
    (event,), (delivery,) = rows(database, EventRow), rows(database, DeliveryRow)
    same = {"event_id": "an event", "client_id": "northwind", "number": 1, "occurred_at": NOON}
    about = {"grant_id": "a grant", "receipt_id": "a receipt"}
    assert {**same, **about, "account": JANE, "type": "consent-granted", "mac": event["mac"]} == event
    assert {
        **same, "queue": queue_of(JANE, "northwind"), "kind": "consent-granted", "txn": "a cause",
        "about": "the given one", "told": about, "state": "pending", "attempts": 0, "first_attempt_at": None,
        "next_attempt_at": NOON, "ended_at": None, "problem": None, "mac": delivery["mac"],
    } == delivery  # fmt: skip


def test_an_event_whose_cause_is_undone_was_never_left(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:  # noqa: PT012 - the second line fails
        left(tx, "an event")
        raise ZeroDivisionError
    assert ([], []) == (rows(database, EventRow), rows(database, DeliveryRow))


def test_each_account_counts_for_itself_and_for_each_client(database: Database) -> None:
    with database.transaction() as tx:
        left(tx, "one")
        left(tx, "two", client_id="contoso")
        left(tx, "three", JOHN)
        left(tx, "four")
    assert {("one", 1), ("two", 1), ("three", 1), ("four", 2)} == {
        (row["event_id"], row["number"]) for row in rows(database, EventRow)
    }


def test_events_of_one_account_at_once_get_places_in_a_row(database: Database) -> None:
    with database.transaction() as tx:
        own_sealer(tx, Sealer(b"s" * 32, seeded_random()), JANE, platform="x", now=NOON)

    def leave(number: int) -> None:
        with database.transaction() as tx:
            left(tx, f"event {number}")

    assert [None] * 8 == all_at_once(8, leave)
    assert list(range(1, 9)) == [row["number"] for row in rows(database, EventRow)]


def test_a_place_is_never_given_twice(database: Database) -> None:
    with database.transaction() as tx:
        left(tx, "one")
    taken = {"type": "consent-granted", "grant_id": "g", "receipt_id": "r", "occurred_at": NOON, "number": 1}
    with pytest.raises(Unavailable), database.transaction() as tx:
        add(tx, EventRow, account=JANE, event_id="two", client_id="northwind", **taken)


def test_two_clients_have_other_queues_of_one_account_and_a_new_name_keeps_the_order(database: Database) -> None:
    with database.transaction() as tx:
        for client_id in ("northwind", "contoso"):
            left(tx, f"first of {client_id}", client_id=client_id)
            left(tx, f"second of {client_id}", client_id=client_id)
        rename_queue(tx, "northwind", JANE, JOHN)
    queues = {row["event_id"]: (row["queue"], row["number"]) for row in rows(database, DeliveryRow)}
    assert queue_of(JANE, "northwind") != queue_of(JANE, "contoso")
    assert {
        "first of northwind": (queue_of(JOHN, "northwind"), 1), "second of northwind": (queue_of(JOHN, "northwind"), 2),
        "first of contoso": (queue_of(JANE, "contoso"), 1), "second of contoso": (queue_of(JANE, "contoso"), 2),
    } == queues  # fmt: skip

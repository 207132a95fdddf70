"""What the verbs say to a cluster: held on plain PostgreSQL, statement by statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from acts_of_platforms import seen
from acts_of_terms import objected, offered
from builders import Clock, an_account, asked, consented, refused
from lives import with_marks
from sqlalchemy import event
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.erase_person import Order, erase_person
from broker.actions.find_traces import traces_of_account
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.store.database import Database
from broker.store.deliveries import revive
from broker.store.spreading import BY
from broker.store.tables import ReceiptRow
from broker.store.trail import trail_of
from broker.store.writing import change, table_of, written_anew

pytestmark = pytest.mark.postgres
_CHANGED = re.compile(r"UPDATE (\w+) SET (.*?) WHERE ")
_LOCKED = re.compile(r"FROM (\w+)\s.*WHERE (.*) FOR (?:NO KEY )?(?:UPDATE|KEY SHARE|SHARE)", re.DOTALL)
#: Written anew in a cluster, where an update would have to carry the row to another node.
MOVED = {"receipts", "statements", "events"}


@contextmanager
def heard(database: Database) -> Iterator[list[str]]:
    """Give what is said to the database."""
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    event.remove(database.engine, "before_cursor_execute", hear)


def refused_by_citus(said: list[str]) -> set[str]:
    """Name what a cluster would refuse: a row carried elsewhere, a lock over several nodes."""
    moved = {
        f"{found[1]} is moved"
        for found in map(_CHANGED.match, said)
        if found and found[1] in BY and re.search(rf"\b{BY[found[1]]}=", found[2])
    }
    locked = {
        f"{found[1]} is locked at several places"
        for found in map(_LOCKED.search, said)
        if found and found[1] in BY and not re.search(rf"{found[1]}\.{BY[found[1]]} = %\(", found[2])
    }
    return moved | locked


@pytest.fixture
def database(postgres_database: WatchedDatabase) -> WatchedDatabase:
    """Give PostgreSQL: SQLite locks no rows."""
    return postgres_database


@pytest.fixture
def broker(broker: Broker, tmp_path: Path) -> Broker:
    """Give the broker with its folder of marks: somebody is erased."""
    return with_marks(broker, tmp_path / "marks")


@pytest.fixture
def said(broker: Broker, client: Client, clock: Clock) -> list[str]:
    """Let a person do all there is to do, be erased last, and return what was said to the database."""
    with heard(broker.database) as said:
        ended = consented(broker, client)
        asked(broker, client)
        seen(broker, handle="JaneMoved", protected=True)
        with broker.database.transaction() as tx:
            withdraw_consent(tx, broker, account=ended.account, grant_id=ended.grant_id)
        refused(broker, client)
        offered(broker, client)
        objected(broker)
        clock.passes(minutes=1)
        with broker.database.transaction() as tx:
            traces = traces_of_account(tx, broker, an_account().account)
            erase_person(tx, broker, traces, Order(erasure_id=broker.new_id()))
            revive(tx, client_id=None, event_id=None, now=clock())
    return said


def test_no_row_is_carried_elsewhere_and_no_lock_is_over_several_nodes(said: list[str]) -> None:
    assert len(said) > 100
    assert {f"{table} is moved" for table in MOVED} == refused_by_citus(said)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE receipts SET account=%(a)s WHERE x",
        "SELECT people.a FROM people WHERE people.generation = 1 FOR UPDATE",
        "SELECT a \nFROM handles \nWHERE handles.account = %(a)s FOR NO KEY UPDATE",
    ],
)  # fmt: skip
def test_what_a_cluster_would_refuse_is_named(statement: str) -> None:
    assert 1 == len(refused_by_citus([statement]))


def test_a_row_that_is_written_anew_reads_as_one_that_was_changed(broker: Broker, client: Client) -> None:
    consented(broker, client)
    found = []
    for carry in (change, written_anew):
        with pytest.raises(ZeroDivisionError), broker.database.transaction() as tx:  # noqa: PT012 - undone
            carry(tx, ReceiptRow, table_of(ReceiptRow).c.client_id == client.client_id, account=b"n" * 16)
            rows = [tuple(row) for row in tx.execute(table_of(ReceiptRow).select())]
            found.append((rows, [(table, row["account"]) for table, row in trail_of(tx).touched]))
            raise ZeroDivisionError
    assert found[0] == found[1]
    assert ("receipts", b"n" * 16) in found[0][1]

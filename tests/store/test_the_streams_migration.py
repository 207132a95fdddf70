"""From the third release's events to the streams': none is lost, each has its place, and each is to be delivered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from builders import NOON, a_pen, but_parts
from sqlalchemy import Column, Connection, MetaData, Table, select, text

from broker.store.auditing import Walk, check_rows
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.delivery_tables import DeliveryRow
from broker.store.events import queue_of
from broker.store.migrating import _config, migrate
from broker.store.row_mac import MAC, canonical, row_mac
from broker.store.tables import EventRow, ReceiptRow
from broker.store.trail import trail_of
from broker.store.writing import add, table_of

JANE, NOBODY = b"j" * 16, b"n" * 16
#: Account, event, type, receipt, and how many minutes after noon; written in another order than they happened.
HAPPENED = (
    (JANE, "withdrawn", "consent-withdrawn", "the end", 2),
    (JANE, "granted", "consent-granted", "given", 1),
    (NOBODY, "erased", "account-erased", "given once", 3),
    (NOBODY, "granted once", "consent-granted", "given once", 0),
)
#: The module of the migration, with the events as they were before it.
MIGRATION = ScriptDirectory.from_config(_config()).get_revision("0004").module


def to(database: Database, revision: str, *, up: bool = True) -> None:
    """Bring the database to one revision, with the pen in hand."""
    config = _config()
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def event_of(account: bytes, event_id: str, kind: str, receipt_id: str, minutes: int) -> dict[str, Any]:
    """An event as the third release wrote it."""
    return {
        "account": account, "event_id": event_id, "client_id": "northwind", "type": kind, "grant_id": "a grant",
        "receipt_id": receipt_id, "occurred_at": NOON + timedelta(minutes=minutes),
    }  # fmt: skip


def write(tx: Connection, event: dict[str, Any]) -> None:
    """Write an event with its MAC and its entry of the trail."""
    table, content = MIGRATION.BEFORE, canonical(MIGRATION.BEFORE, event)
    tx.execute(table.insert().values(**event, mac=row_mac(trail_of(tx).key, content)))
    trail_of(tx).note(table, event, content)


@pytest.fixture
def third_release(empty_url: str) -> Iterator[Database]:
    """Give a database of the third release, with what two people did; one of them was erased."""
    database = Database(empty_url, pen=a_pen())
    to(database, "0003")
    with database.transaction() as tx:
        for event in HAPPENED:
            write(tx, event_of(*event))
        for account, receipt_id, status in ((JANE, "given", "given"), (JANE, "the end", "withdrawn"),
                                            (NOBODY, "given once", "given")):  # fmt: skip
            add(tx, ReceiptRow, account=account, receipt_id=receipt_id, grant_id="a grant", client_id="northwind",
                status=status, issued_at=NOON, sealed_jwt=b"", sealed_disclosures=b"", leaf=b"", status_list=1,
                status_index=1)  # fmt: skip
    yield database
    database.close()


def rows(database: Database, model: type) -> dict[str, Any]:
    """Every row of a table by its event's id."""
    with database.reading() as tx:
        return {row.event_id: row for row in tx.execute(select(table_of(model)))}


def faults(database: Database) -> list[str]:
    """What the audit says of the rows."""
    found: list[str] = []
    with database.snapshot() as tx:
        check_rows(Walk(tx, database.row_key, lambda finding: found.append(str(finding))))
    return found


def test_every_event_gets_its_place_and_is_to_be_delivered(third_release: Database) -> None:
    migrate(third_release)
    events, deliveries = rows(third_release, EventRow), rows(third_release, DeliveryRow)
    expected = {"granted": 1, "withdrawn": 2, "granted once": 1, "erased": 2}
    assert expected == {name: row.number for name, row in events.items()}
    assert expected == {name: row.number for name, row in deliveries.items()}
    given = {"granted": "given", "withdrawn": "given", "granted once": "given once", "erased": "given once"}
    assert given == {name: row.about for name, row in deliveries.items()}
    for account, name, kind, receipt_id, minutes in HAPPENED:
        row, happened = deliveries[name], NOON + timedelta(minutes=minutes)
        assert (queue_of(account, "northwind"), kind, "pending", 0, happened, happened) == (
            row.queue, row.kind, row.state, row.attempts, row.occurred_at, row.next_attempt_at,
        )  # fmt: skip
        assert {"grant_id": "a grant", "receipt_id": receipt_id} == row.told
    assert [] == faults(third_release)


def test_what_the_broker_did_not_write_is_not_blessed_and_told_to_nobody(third_release: Database) -> None:
    with third_release.transaction() as tx:
        tx.execute(text("UPDATE events SET type = 'account-erased' WHERE event_id = 'granted'"))
    migrate(third_release)
    assert {"withdrawn", "erased", "granted once"} == rows(third_release, DeliveryRow).keys()
    assert ["its MAC is not that of what it holds"] == [
        wrong for fault in faults(third_release) if (wrong := fault.partition(": ")[2].partition(";")[0])
    ]


def test_an_older_row_that_was_put_back_is_not_blessed_either(third_release: Database) -> None:
    with third_release.transaction() as tx:
        old = tx.execute(select(MIGRATION.BEFORE).where(MIGRATION.BEFORE.c.event_id == "granted")).one()._asdict()
        newer = {**old, "receipt_id": "another"}
        content = canonical(MIGRATION.BEFORE, newer)
        trail_of(tx).note(MIGRATION.BEFORE, newer, content)
    migrate(third_release)
    assert "granted" not in rows(third_release, DeliveryRow)
    assert 1 == len(faults(third_release))


def test_what_lost_its_mac_is_told_to_nobody(third_release: Database) -> None:
    with third_release.transaction() as tx:
        tx.execute(text("UPDATE events SET mac = NULL WHERE event_id = 'granted'"))
    migrate(third_release)
    assert {"withdrawn", "erased", "granted once"} == rows(third_release, DeliveryRow).keys()
    assert rows(third_release, EventRow)["granted"].mac is None


def test_from_a_release_that_had_no_macs_every_event_is_to_be_delivered(empty_url: str) -> None:
    database = Database(empty_url, pen=a_pen())
    to(database, "0002")
    columns = [column for column in MIGRATION.BEFORE.columns if column.name != MAC]
    earlier = Table("events", MetaData(), *(Column(column.name, column.type) for column in columns))
    with database.transaction() as tx:
        tx.execute(earlier.insert(), [event_of(*event) for event in HAPPENED])
    migrate(database)
    assert {event[1] for event in HAPPENED} == rows(database, DeliveryRow).keys()
    assert [] == faults(database)
    database.close()


def test_the_way_down_keeps_every_event_and_the_way_up_brings_all_back(third_release: Database) -> None:
    migrate(third_release)
    before = rows(third_release, DeliveryRow)
    to(third_release, "0003", up=False)
    with third_release.transaction() as tx:
        kept = {row.event_id: row for row in tx.execute(select(MIGRATION.BEFORE))}
        assert {event[1]: event_of(*event) for event in HAPPENED} == {
            name: {column: value for column, value in row._mapping.items() if column != MAC}  # noqa: SLF001
            for name, row in kept.items()
        }
        for row in kept.values():
            assert row.mac == row_mac(trail_of(tx).key, canonical(MIGRATION.BEFORE, row._mapping))  # noqa: SLF001
    migrate(third_release)
    assert before == rows(third_release, DeliveryRow)
    assert [] == faults(third_release)
    with third_release.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": but_parts}
        context = MigrationContext.configure(connection, opts=opts)
        assert [] == compare_metadata(context, metadata)

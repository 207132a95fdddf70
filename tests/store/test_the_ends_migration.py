"""From the streams' release to the ends': every consent means what it meant, and is due as long before its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from builders import NOON, a_pen
from sqlalchemy import Connection, select, text

from broker.core.expiry import due_after
from broker.store.auditing import Walk, check_rows
from broker.store.database import Database
from broker.store.migrating import _config, migrate
from broker.store.row_mac import MAC, canonical, row_mac
from broker.store.tables import ConsentRow
from broker.store.trail import trail_of
from broker.store.writing import table_of

#: The module of the migration, with the consents as they were before it.
MIGRATION = ScriptDirectory.from_config(_config()).get_revision("0007").module
BEFORE, EARLIER = MIGRATION.BEFORE, MIGRATION.down_revision
#: Grant, status, and for how many days.
GIVEN = (("for a year", "given", 365), ("for ten days", "given", 10), ("taken back", "withdrawn", 365))


def to(database: Database, revision: str, *, up: bool = True) -> None:
    """Bring the database to one revision, with the pen in hand."""
    config = _config()
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def consent_of(grant_id: str, status: str, days: int) -> dict[str, Any]:
    """A consent as the release before wrote it."""
    ended = None if status == "given" else NOON + timedelta(days=1)
    return {
        "account": b"j" * 16, "client_id": "northwind", "identifier": b"i" * 16, "grant_id": grant_id, "kind": "person",
        "type": "email", "purposes": ["customer-care", "newsletter"], "brand": None, "status": status,
        "given_at": NOON, "valid_until": NOON + timedelta(days=days), "ended_at": ended,
        "ended_by": None if ended is None else "page:consents", "receipt_id": f"of {grant_id}", "sealed_details": b"s",
    }  # fmt: skip


def write(tx: Connection, row: dict[str, Any]) -> None:
    """Write a consent with its MAC and its entry of the trail."""
    content = canonical(BEFORE, row)
    tx.execute(BEFORE.insert().values(**row, mac=row_mac(trail_of(tx).key, content)))
    trail_of(tx).note(BEFORE, row, content)


@pytest.fixture
def earlier_release(empty_url: str) -> Iterator[Database]:
    """Give a database of the release before, with consents in it."""
    database = Database(empty_url, pen=a_pen())
    to(database, EARLIER)
    with database.transaction() as tx:
        for given in GIVEN:
            write(tx, consent_of(*given))
    yield database
    database.close()


def rows(database: Database) -> dict[str, Any]:
    """Every consent by its grant."""
    with database.reading() as tx:
        return {row.grant_id: row for row in tx.execute(select(table_of(ConsentRow)))}


def faults(database: Database) -> list[str]:
    """What the audit says of the rows."""
    found: list[str] = []
    with database.snapshot() as tx:
        check_rows(Walk(tx, database.row_key, lambda finding: found.append(str(finding))))
    return found


def test_every_consent_means_what_it_meant_at_first_and_those_that_stand_are_due(earlier_release: Database) -> None:
    migrate(earlier_release)
    kept = rows(earlier_release)
    assert {("1.1", "1.1")} == {tuple(row.meanings) for row in kept.values()}
    due = {
        grant_id: due_after(NOON, given_at=NOON, valid_until=NOON + timedelta(days=days))
        for grant_id, status, days in GIVEN
        if status == "given"
    }
    assert {**due, "taken back": None} == {grant_id: row.due_at for grant_id, row in kept.items()}
    assert [] == faults(earlier_release)


def test_what_the_broker_did_not_write_is_not_blessed(earlier_release: Database) -> None:
    with earlier_release.transaction() as tx:
        tx.execute(text("UPDATE consents SET status = 'given' WHERE grant_id = 'taken back'"))
    migrate(earlier_release)
    (fault,) = faults(earlier_release)
    assert "its MAC is not that of what it holds" in fault


def test_the_way_down_keeps_every_consent_and_the_way_up_brings_all_back(earlier_release: Database) -> None:
    migrate(earlier_release)
    before = rows(earlier_release)
    to(earlier_release, EARLIER, up=False)
    with earlier_release.transaction() as tx:
        for row in tx.execute(select(BEFORE)):
            kept = {column: value for column, value in row._mapping.items() if column != MAC}  # noqa: SLF001
            assert kept == consent_of(*next(given for given in GIVEN if given[0] == row.grant_id))
            assert row.mac == row_mac(trail_of(tx).key, canonical(BEFORE, kept))
    migrate(earlier_release)
    assert before == rows(earlier_release)
    assert [] == faults(earlier_release)

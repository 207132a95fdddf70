"""Parts of tables on PostgreSQL: made from what was there, reached through their table alone, and never missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from builders import NOON, a_pen
from harness.postgres import PostgresCluster
from sheets import a_sheet, names
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from broker.store.auditing import Finding, Walk, check_rows
from broker.store.connecting import Manner
from broker.store.database import Database
from broker.store.migrating import _config, migrate
from broker.store.partitions import (
    AHEAD,
    FORMS,
    drop_before,
    in_parts,
    is_part,
    make_ahead,
    month_of,
    months_after,
    months_ahead,
    parts_of,
)
from broker.store.rights import role_statements
from broker.store.sheets import save_sheet

#: The revision before parts.
BEFORE = "0015"
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_month_begins_on_its_first_day_in_utc_and_december_is_followed_by_january() -> None:
    assert datetime(2026, 11, 1, tzinfo=UTC) == month_of(NOON)
    assert datetime(2027, 1, 1, tzinfo=UTC) == months_after(DECEMBER, 1)
    assert datetime(2026, 10, 1, tzinfo=UTC) == months_after(DECEMBER, -2)


def test_a_part_is_known_by_its_name() -> None:
    assert all(map(is_part, ("decisions_2026_11", "led_to_before_2026_12", "sheet_entries_other")))
    assert not any(
        map(is_part, ("decisions", "receipts_2026_11", "decisions_202_11", "sheets_others", "x_sheets_other"))
    )


@pytest.fixture
def parted(postgres: Callable[[], PostgresCluster]) -> Iterator[Database]:
    """Give a database of its own under roles, whose parts a test may drop."""
    url = postgres().fresh_database()
    superuser = Database(url, pen=a_pen())
    with superuser.engine.begin() as tx:
        for statement in role_statements("part", url.rsplit("/", 1)[1], manner=Manner()):
            tx.execute(text(statement))
    yield superuser
    superuser.close()


def under(database: Database, role: str) -> Database:
    """The same database under another role."""
    return Database(database.engine.url.set(username=role).render_as_string(hide_password=False), pen=a_pen())


def saved(database: Database, sheet_id: str, at: datetime) -> None:
    """Write a sheet down."""
    with database.transaction() as tx:
        save_sheet(tx, a_sheet(names(70), sheet_id=sheet_id, at=at))


def counts(database: Database, table: str) -> dict[str, int]:
    """How many rows lie in which part of a table."""
    with database.reading() as tx:
        found = tx.execute(text(f"SELECT tableoid::regclass::text AS part, count(*) FROM {table} GROUP BY 1"))  # noqa: S608
        return {part: number for part, number in found}  # noqa: C416 - rows are no pairs to a type checker


@pytest.mark.postgres
def test_what_was_there_becomes_the_first_part_byte_for_byte_and_the_way_down_keeps_all(parted: Database) -> None:
    owner, config = under(parted, "part_owner"), _config()
    migrate(owner)
    saved(owner, "n" * 26, NOON)
    before = rows(owner)
    with owner.transaction() as tx:
        config.attributes["connection"] = tx
        command.downgrade(config, BEFORE)
    assert before == rows(owner)
    migrate(owner)
    assert before == rows(owner)
    assert {"sheets_before_2026_12"} == set(counts(owner, "sheets"))
    assert {"sheet_entries_before_2026_12"} == set(counts(owner, "sheet_entries"))
    found: list[Finding] = []
    with owner.snapshot() as tx:
        check_rows(Walk(tx, owner.row_key, found.append))
    assert [] == found
    owner.close()


def rows(database: Database) -> list[tuple[object, ...]]:
    """What the trail follows of sheets, as it lies."""
    with database.reading() as tx:
        return [tuple(row) for row in tx.execute(text("SELECT * FROM sheets ORDER BY sheet_id"))]


@pytest.mark.postgres
def test_nobody_but_the_owner_reaches_a_part_and_each_sees_it_through_its_table(parted: Database) -> None:
    owner = under(parted, "part_owner")
    migrate(owner)
    with owner.transaction() as tx:
        # One that was made later, by the owner alone, and never saw `broker init`.
        assert set(FORMS) == {name.rsplit("_", 2)[0] for name in make_ahead(tx, now=months_after(NOON, 1))}
        parts = [part.name for table in FORMS for part in parts_of(tx, table)]
    # Whoever hands out rights to all tables at once hands out none to rows of parts.
    with parted.engine.begin() as tx:
        tx.execute(text("DO $$ BEGIN CREATE ROLE bare_hand LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"))
        tx.execute(text(f"GRANT CONNECT ON DATABASE {parted.engine.url.database} TO bare_hand"))
        for what in ("ALL ON ALL TABLES IN", "USAGE ON"):
            tx.execute(text(f"GRANT {what} SCHEMA public TO bare_hand"))
    serving, keeping, hand = (under(parted, role) for role in ("part_serving", "part_keeping", "bare_hand"))
    saved(serving, "n" * 26, NOON)
    saved(serving, "l" * 26, NOON + timedelta(days=4000))
    for door, table in ((serving, "sheets"), (keeping, "sheet_entries")):
        assert {f"{table}_before_2026_12", f"{table}_other"} == set(counts(door, table))
    for name in parts:
        for door in (serving, keeping):
            for what in (f"SELECT 1 FROM {name}", f"DELETE FROM {name}", f"INSERT INTO {name} DEFAULT VALUES"):  # noqa: S608
                with pytest.raises(ProgrammingError, match="permission denied"), door.engine.begin() as tx:
                    tx.execute(text(what))
        with hand.engine.begin() as tx:
            assert 0 == tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
            assert 0 == len(tx.execute(text(f"DELETE FROM {name} RETURNING 1")).all())  # noqa: S608
    for door in (owner, serving, keeping, hand):
        door.close()


@pytest.mark.postgres
def test_what_has_no_months_part_waits_in_the_one_for_all_others_and_moves_when_its_month_is_made(
    parted: Database,
) -> None:
    migrate(parted)
    with parted.reading() as tx:
        now = tx.execute(text("SELECT now()")).scalar_one()
        assert AHEAD == months_ahead(tx, now=now)
    later = months_after(month_of(now), AHEAD + 2)
    saved(parted, "l" * 26, later)
    assert {"sheets_other": 1} == counts(parted, "sheets")
    with parted.transaction() as tx:
        assert 0 == months_ahead(tx, now=later)
        make_ahead(tx, now=later)
        assert AHEAD == months_ahead(tx, now=later)
        assert [] == make_ahead(tx, now=later)
    part = f"{later:%Y_%m}"
    assert ({f"sheets_{part}": 1}, {f"sheet_entries_{part}": 2}) == (
        counts(parted, "sheets"), counts(parted, "sheet_entries"),
    )  # fmt: skip
    with parted.transaction() as tx:
        for table in FORMS:
            gone = drop_before(tx, table, months_after(later, 1))
            assert f"{table}_{part}" in gone
            assert f"{table}_other" not in gone
    assert {} == counts(parted, "sheets")


def test_a_file_has_no_parts(sqlite_database: Database) -> None:
    with sqlite_database.reading() as tx:
        assert not in_parts(tx)

"""A person is taken out of sheets: nothing of them stays, and what stays of others is bound anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sheets import a_sheet, digest, entries, names
from sqlalchemy import select, update

from broker.core.sheet import Entries, Entry, digest_of, unpack
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.row_mac import canonical, row_mac
from broker.store.sheets import save_sheet
from broker.store.sheets_erasing import blank_in_sheets
from broker.store.trail import entry_digest

SHEETS, GROUPS, TRAIL = metadata.tables["sheets"], metadata.tables["sheet_entries"], metadata.tables["trail"]
JANE, SAM, HANDLE = digest("jane"), digest("sam"), digest("a handle")
Rows = list[dict[str, Any]]


def saved(database: Database, **sheets: Entries) -> None:
    """Write sheets down under these names."""
    with database.transaction() as tx:
        for name, sheet in sheets.items():
            save_sheet(tx, a_sheet(sheet, sheet_id=name))


def blanked(database: Database, *accounts: bytes) -> int:
    """Take somebody out."""
    with database.transaction() as tx:
        return blank_in_sheets(tx, accounts)


def rows(database: Database) -> tuple[Rows, Rows]:
    """Return the sheets and their groups."""
    with database.reading() as tx:
        return (
            [row._asdict() for row in tx.execute(select(SHEETS).order_by(SHEETS.c.sheet_id))],
            [row._asdict() for row in tx.execute(select(GROUPS).order_by(GROUPS.c.sheet_id, GROUPS.c.number))],
        )


def told(database: Database) -> list[list[Entry]]:
    """Return what the groups hold."""
    sheets, groups = rows(database)
    width = {sheet["sheet_id"]: sheet["width"] for sheet in sheets}
    return [list(unpack(group["entries"], width[group["sheet_id"]])) for group in groups]


def of_crowd(*people: bytes, led_to: Sequence[tuple[int, bytes]] = ()) -> Entries:
    """Some people among three hundred."""
    return entries([*people, *map(digest, names(300))], ground="grant", led_to=led_to)


def test_every_entry_of_theirs_goes_and_nobody_elses(database: Database) -> None:
    saved(database, one=of_crowd(JANE, SAM, JANE, HANDLE, led_to=[(3, JANE)]), two=of_crowd(SAM), three=of_crowd(JANE))
    before = told(database)
    assert 5 == blanked(database, JANE, HANDLE)
    gone = {JANE, HANDLE}
    assert [[entry for entry in group if entry.account not in gone] for group in before] == told(database)
    assert not [row for part in rows(database) for row in part if any(it in str(row).encode() for it in gone)]
    assert [4, 1, 0] == [sheet["blanked"] for sheet in rows(database)[0]]
    assert 0 == blanked(database, JANE, HANDLE)


def test_what_is_left_is_bound_by_the_sheets_row_and_by_the_trail(database: Database) -> None:
    saved(database, one=of_crowd(JANE))
    old, _groups = rows(database)
    assert 1 == blanked(database, JANE)
    (sheet,), groups = rows(database)
    assert b"".join(digest_of(group["salt"], group["entries"]) for group in groups) == sheet["digests"]
    assert 1 == sum(sheet["digests"][at : at + 32] != old[0]["digests"][at : at + 32] for at in range(0, 160, 32))
    for table, row in ((SHEETS, sheet), *((GROUPS, group) for group in groups)):
        assert row_mac(database.row_key, canonical(table, row)) == row["mac"]
    with database.reading() as tx:
        last = tx.execute(select(TRAIL).order_by(TRAIL.c.number.desc())).first()
    assert last is not None
    assert entry_digest(last.salt, canonical(SHEETS, sheet)) == last.digest


def test_neither_the_salt_nor_the_digest_of_the_group_that_they_were_in_is_left(database: Database) -> None:
    saved(database, one=of_crowd(JANE))
    sheets, groups = rows(database)
    (former,) = [group for group in groups if JANE in group["entries"]]
    blanked(database, JANE)
    left = str(rows(database)).encode() + b"".join(sheet["digests"] for sheet in rows(database)[0])
    assert digest_of(former["salt"], former["entries"]) in sheets[0]["digests"]
    assert digest_of(former["salt"], former["entries"]) not in left
    assert former["salt"] not in {group["salt"] for group in rows(database)[1]}


def test_a_group_that_was_put_back_is_not_blessed(database: Database) -> None:
    saved(database, one=entries([JANE, SAM]))
    (old,) = rows(database)[1]
    blanked(database, JANE)
    with database.engine.begin() as superuser:
        superuser.execute(update(GROUPS).values(old))
    assert 1 == blanked(database, SAM)
    (sheet,), (group,) = rows(database)
    assert digest_of(group["salt"], group["entries"]) != sheet["digests"]


def test_a_group_that_was_edited_is_not_blessed(database: Database) -> None:
    saved(database, one=entries([JANE, SAM]))
    (old,) = rows(database)[1]
    with database.engine.begin() as superuser:
        superuser.execute(update(GROUPS).values(entries=old["entries"].replace(SAM, HANDLE)))
    assert 1 == blanked(database, JANE)
    (sheet,), (group,) = rows(database)
    assert JANE not in group["entries"]
    assert digest_of(group["salt"], group["entries"]) != sheet["digests"]

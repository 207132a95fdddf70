"""Sheets as rows: written with MACs, followed by the trail, and bound to their groups by digest."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

import pytest
from sheets import ON_CONSENT, a_sheet, digest, entries, names
from sqlalchemy import select

from broker.core.sheet import digest_of, unpack
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.row_mac import canonical, row_mac
from broker.store.sheets import save_sheet

SHEETS, GROUPS, TRAIL = metadata.tables["sheets"], metadata.tables["sheet_entries"], metadata.tables["trail"]


def test_a_sheet_is_one_row_that_the_trail_follows_and_a_row_a_group(database: Database) -> None:
    with database.transaction() as tx:
        save_sheet(tx, a_sheet(names(200)))
    with database.reading() as tx:
        (sheet,) = [row._asdict() for row in tx.execute(select(SHEETS))]
        groups = [row._asdict() for row in tx.execute(select(GROUPS).order_by(GROUPS.c.number))]
        (entry,) = tx.execute(select(TRAIL)).all()
    assert ("shop", 200, 0, 4) == tuple(sheet[name] for name in ("client_id", "answers", "blanked", "groups"))
    assert ("sheets", False) == (entry.row_table, entry.gone)
    assert hashlib.sha256(entry.salt + canonical(SHEETS, sheet)).digest() == entry.digest
    assert sheet["digests"] == b"".join(digest_of(group["salt"], group["entries"]) for group in groups)
    assert [row_mac(database.row_key, canonical(GROUPS, group)) for group in groups] == [row["mac"] for row in groups]
    assert 4 == len({group["salt"] for group in groups})
    for group in groups:
        written = urlsafe_b64encode(hashlib.sha256(group["entries"]).digest()).rstrip(b"=")
        assert b'"entries":"' + written + b'"' in canonical(GROUPS, group)


def test_the_ground_of_a_permit_is_kept(database: Database) -> None:
    with database.transaction() as tx:
        save_sheet(tx, a_sheet(entries([digest("jane")], ON_CONSENT, ground="grant")))
    with database.reading() as tx:
        sheet, group = tx.execute(select(SHEETS)).one(), tx.execute(select(GROUPS)).one()
    (entry,) = unpack(group.entries, sheet.width)
    assert ("grant", True) == (entry.ground, sheet.outcomes[entry.outcome]["permitted"])


def test_an_outcome_that_there_is_not_is_refused(sqlite_database: Database) -> None:
    with pytest.raises(ValueError, match="outcome"), sqlite_database.transaction() as tx:
        save_sheet(tx, a_sheet(entries([digest("jane")], 3)))

"""Taking a person out of sheets: their entries go, the others of the group stay, under a new salt and digest.

The new digest is in the sheet's row, and the trail has that row anew: what is left can be shown as before, and a group
that is put back as it was disagrees.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import col

from broker.core.sheet import HASH_SIZE, SALT_SIZE, digest_of, group_of, without
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.sheets_about import groups_about
from broker.store.trail import trail_of
from broker.store.transaction import Transaction
from broker.store.writing import change, table_of


def blank_in_sheets(tx: Transaction, accounts: Collection[bytes]) -> int:
    """Take every entry about these accounts out, and say how many there were."""
    sheets = {
        sheet_id
        for account in accounts
        for sheet_id in tx.execute(groups_about(tx, account, SheetRow.sheet_id, whole=False)).scalars()
    }
    # In one order, so that two erasures do not wait for each other.
    return sum(_blank(tx, sheet_id, set(accounts)) for sheet_id in sorted(sheets))


def _blank(tx: Transaction, sheet_id: str, accounts: set[bytes]) -> int:
    same = col(SheetRow.sheet_id) == sheet_id
    sheet = tx.execute(select(table_of(SheetRow)).where(same).with_for_update()).one()
    digests, gone = bytearray(sheet.digests), 0
    for number in sorted({group_of(account, sheet.groups) for account in accounts}):
        gone += _blank_group(tx, sheet, number, accounts, digests)
    if gone:
        change(tx, SheetRow, same, digests=bytes(digests), blanked=sheet.blanked + gone)
    return gone


def _blank_group(tx: Transaction, sheet: Row[Any], number: int, accounts: set[bytes], digests: bytearray) -> int:
    same = (col(SheetEntriesRow.sheet_id) == sheet.sheet_id, col(SheetEntriesRow.number) == number)
    group = tx.execute(select(table_of(SheetEntriesRow)).where(*same)).one_or_none()
    left, gone = without(group.entries, sheet.width, accounts) if group else (b"", 0)
    if group and gone:
        salt, place = trail_of(tx).random(SALT_SIZE), slice(number * HASH_SIZE, (number + 1) * HASH_SIZE)
        change(tx, SheetEntriesRow, *same, salt=salt, entries=left)
        # What was not as the sheet says stays so: an erasure blesses nothing.
        if digests[place] == digest_of(group.salt, group.entries):
            digests[place] = digest_of(salt, left)
    return gone

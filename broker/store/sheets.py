"""Sheets: each written whole, in the transaction of its answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.core.sheet import SALT_SIZE, Entries, Outcome, Packed, counted, digest_of, pack
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.trail import trail_of
from broker.store.transaction import Transaction
from broker.store.writing import add, add_all

__all__ = ["Entries", "Outcome", "Sheet", "save_sheet"]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What one client was answered at one moment, or within seconds: then ``moments`` say when (core/sheet).

    The decision at place *n*, from 0, is ``decision_id(sheet_id, n)``, and the first bears the sheet's own id.
    """

    sheet_id: str
    client_id: str
    decided_at: datetime
    outcomes: tuple[Outcome, ...]
    entries: Entries
    moments: bytes | None = None


def save_sheet(tx: Transaction, sheet: Sheet, packed: Packed | None = None) -> None:
    """Write a sheet down: 1 to 65,536 entries, and no more than 32,768 outcomes; ValueError where it is none.

    Whoever holds up others has its entries *packed* before.
    """
    if max(sheet.entries.outcomes, default=0) >= len(sheet.outcomes):
        raise ValueError("an entry has an outcome that the sheet has not")
    packed = packed or pack(sheet.entries)
    salts = _salts(tx, packed)
    add(
        tx,
        SheetRow,
        sheet_id=sheet.sheet_id,
        client_id=sheet.client_id,
        decided_at=sheet.decided_at,
        outcomes=counted(sheet.outcomes, sheet.entries),
        answers=len(sheet.entries.accounts),
        blanked=0,
        width=packed.width,
        groups=len(packed.groups),
        digests=b"".join(map(digest_of, salts, packed.groups)),
        moments=sheet.moments,
    )
    same = {"sheet_id": sheet.sheet_id, "decided_at": sheet.decided_at}
    groups = enumerate(zip(salts, packed.groups, strict=True))
    add_all(
        tx,
        SheetEntriesRow,
        [{**same, "number": n, "salt": salt, "entries": group} for n, (salt, group) in groups],
    )


def _salts(tx: Transaction, packed: Packed) -> list[bytes]:
    salts = trail_of(tx).random(SALT_SIZE * len(packed.groups))
    return [salts[begin : begin + SALT_SIZE] for begin in range(0, len(salts), SALT_SIZE)]

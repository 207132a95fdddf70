"""Sheets as a dossier shows them: of each the row, and the groups in which an account lies under any of its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlmodel import col

from broker.core.sheet import decision_row, group_of, unpack
from broker.store.dossiers import ChainedRow, chained
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.sheets_about import about, groups_about
from broker.store.transaction import Transaction
from broker.store.writing import table_of

_SHEETS = table_of(SheetRow)


@dataclass(frozen=True)
class ShownSheet:
    """A sheet's row and its way into the log, groups as (number, salt, entries), and the answers that are asked for."""

    chained: ChainedRow
    groups: Sequence[tuple[int, bytes, bytes]]
    answers: Sequence[Mapping[str, Any]]


def sheets_of_day(
    tx: Transaction,
    accounts: Sequence[bytes],
    client_id: str,
    *,
    key: bytes,
    begins: datetime,
    ends: datetime,
    identifier: bytes | None,
) -> list[ShownSheet]:
    """Return the sheets with an answer to a client about an account, under any of its names; the first first."""
    day = (col(SheetRow.client_id) == client_id, col(SheetRow.decided_at) >= begins, col(SheetRow.decided_at) < ends)
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for account in accounts:
        for row in tx.execute(groups_about(tx, account, *_SHEETS.columns).where(*day)):
            found = [entry for entry in about(account, unpack(row.entries, row.width)) if not entry.led]
            told = [decision_row(row._asdict(), entry) for entry in found if identifier in {None, entry.identifier}]
            if told:
                answers.setdefault(row.sheet_id, []).extend(told)
    in_order = select(_SHEETS).order_by(_SHEETS.c.decided_at, _SHEETS.c.sheet_id)
    rows = tx.execute(in_order.where(_SHEETS.c.sheet_id.in_(answers))).all()
    return [_shown(tx, accounts, row._asdict(), key, answers[row.sheet_id]) for row in rows]


def _shown(
    tx: Transaction, accounts: Sequence[bytes], row: dict[str, Any], key: bytes, answers: Sequence[Mapping[str, Any]]
) -> ShownSheet:
    numbers = {group_of(account, row["groups"]) for account in accounts}
    same: list[ColumnElement[bool]] = [
        col(SheetEntriesRow.sheet_id) == row["sheet_id"],
        col(SheetEntriesRow.number).in_(numbers),
    ]
    group = (col(SheetEntriesRow.number), col(SheetEntriesRow.salt), col(SheetEntriesRow.entries))
    found = tx.execute(select(*group).where(*same).order_by(col(SheetEntriesRow.number))).all()
    groups = [(one.number, one.salt, one.entries) for one in found]
    return ShownSheet(chained(tx, key, _SHEETS, row), groups, answers)

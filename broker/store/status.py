"""The status lists in rows, read as their tokens need them: every entry that does not stand at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlmodel import col

from broker.core.client import Standing
from broker.store.tables import ClientRow, StatusEntryRow
from broker.store.transaction import Transaction


@dataclass(frozen=True)
class Fallen:
    """An entry that does not stand: what is written of it, and whether its consent's date has come."""

    position: int
    value: int
    expired: bool


def newest_list(tx: Transaction) -> int:
    """Return the number of the newest list; 0 before the first entry. Every number from 1 on is a list."""
    return tx.execute(select(func.max(col(StatusEntryRow.list_id)))).scalar_one_or_none() or 0


def fallen_entries(tx: Transaction, list_id: int, *, now: datetime) -> Sequence[Fallen]:
    """Return the entries of one list that do not stand: ended, past their date, or of a client that is suspended."""
    suspended = select(col(ClientRow.client_id)).where(col(ClientRow.standing) == Standing.SUSPENDED.value)
    expired = func.coalesce(col(StatusEntryRow.valid_until) <= now, False)
    rows = tx.execute(
        select(col(StatusEntryRow.position), col(StatusEntryRow.value), expired).where(
            col(StatusEntryRow.list_id) == list_id,
            or_(col(StatusEntryRow.value) != 0, expired, col(StatusEntryRow.client_id).in_(suspended)),
        )
    )
    return [Fallen(position, value, bool(past)) for position, value, past in rows]

"""What a person's browser signals: seen where an account is proved, and lifted by the person alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from broker.store.terms_tables import SignalRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once, change

#: Global Privacy Control: nothing about me is to be sold or shared.
GPC: Final = "gpc"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A signal on record: since when, when last, and when the person lifted it, if they did."""

    first_seen_at: datetime
    seen_at: datetime
    lifted_at: datetime | None

    @property
    def stands(self) -> bool:
        """Whether it counts as an objection."""
        return self.lifted_at is None


def note_signal(tx: Transaction, account: bytes, *, now: datetime) -> None:
    """Record that the account was proved in a browser that signals. One that was lifted stays lifted."""
    if not add_once(tx, SignalRow, account=account, signal=GPC, first_seen_at=now, seen_at=now):
        change(tx, SignalRow, col(SignalRow.account) == account, col(SignalRow.signal) == GPC, seen_at=now)


def find_signal(tx: Transaction, account: bytes) -> Signal | None:
    """Return the signal of the account, lifted or not."""
    columns = (col(SignalRow.first_seen_at), col(SignalRow.seen_at), col(SignalRow.lifted_at))
    row = tx.execute(select(*columns).where(col(SignalRow.account) == account, col(SignalRow.signal) == GPC))
    return next((Signal(**found._asdict()) for found in row), None)


def lift_signal(tx: Transaction, account: bytes, *, lifted_at: datetime | None) -> bool:
    """Let the signal count no longer, or with None count again; False where there is none."""
    same = (col(SignalRow.account) == account, col(SignalRow.signal) == GPC)
    return bool(change(tx, SignalRow, *same, lifted_at=lifted_at))

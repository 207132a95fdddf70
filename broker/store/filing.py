"""What filing a tape needs beside decisions and sheets: that it is filed once, and who was erased meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import literal, select
from sqlmodel import col

from broker.store.log_tables import ErasureRow
from broker.store.sheet_tables import TapeRow
from broker.store.tables import ConsentRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once

#: Accounts in one statement.
_AT_ONCE = 10_000


def note_filed(tx: Transaction, name: str, *, now: datetime) -> bool:
    """Write down that a tape is filed in this transaction; False where it was before."""
    return add_once(tx, TapeRow, name=name, filed_at=now)


def is_anybody_erased(tx: Transaction, *, since: datetime) -> bool:
    """Whether anybody was erased since then."""
    erased = select(literal(1)).where(col(ErasureRow.erased_at) >= since).limit(1)
    return tx.execute(erased).first() is not None


def grants_of(tx: Transaction, accounts: Collection[bytes]) -> set[str]:
    """The ids of every consent of these accounts, however it stands."""
    sought, found = sorted(accounts), set[str]()
    for begin in range(0, len(sought), _AT_ONCE):
        some = sought[begin : begin + _AT_ONCE]
        found.update(tx.execute(select(col(ConsentRow.grant_id)).where(col(ConsentRow.account).in_(some))).scalars())
    return found

"""How often each clause refused what is no decision about an account: counted a day, and nothing else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from broker.store.terms_tables import RulingRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once, change


def count_ruling(tx: Transaction, clause: str, *, now: datetime) -> None:
    """Count one refusal by one clause."""
    day = f"{now:%Y-%m-%d}"
    if add_once(tx, RulingRow, day=day, clause=clause, number=1):
        return
    same = (col(RulingRow.day) == day, col(RulingRow.clause) == clause)
    change(tx, RulingRow, *same, number=col(RulingRow.number) + 1)


def rulings_between(tx: Transaction, since: datetime, until: datetime) -> dict[str, int]:
    """Return how often each clause refused, over the days from *since* up to *until*."""
    rows = tx.execute(
        select(col(RulingRow.clause), func.sum(col(RulingRow.number)).label("total"))
        .where(col(RulingRow.day) >= f"{since:%Y-%m-%d}", col(RulingRow.day) < f"{until:%Y-%m-%d}")
        .group_by(col(RulingRow.clause))
    )
    return {row.clause: int(row.total) for row in rows}

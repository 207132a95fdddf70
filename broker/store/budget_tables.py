"""The table of budgets, on PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from broker.store.columns import Table, text_column


class BudgetRow(Table, table=True):
    """How one client's buckets stand (``core/budget``), in nanoseconds since 1970. On SQLite it stays empty.

    Trusted with nothing: who can write here lets a client ask more, or less. It has no MAC, since what is counted is
    counted by the server; it is not logged either, and after a crash everybody's budgets are full.
    """

    __tablename__ = "budgets"
    client_id: str = text_column(primary=True)
    requests: int = Field(sa_column=Column(BigInteger, nullable=False))
    items: int = Field(sa_column=Column(BigInteger, nullable=False))
    misses: int = Field(sa_column=Column(BigInteger, nullable=False))

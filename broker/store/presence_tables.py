"""The tables of what platforms say of accounts afterwards, when they were asked, and what clients were told of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index

from broker.store.columns import Table, key_column, time_column


class PresenceRow(Table, table=True):
    """An account that is not as it was when it was proved: gone from its platform, or protected there.

    No row: nothing of the kind is known. In clear, since a match reads it; it says nothing of who the account is.
    """

    __tablename__ = "presences"
    account: bytes = key_column()
    gone_at: datetime | None = time_column(nullable=True)
    protected_at: datetime | None = time_column(nullable=True)


class RecheckRow(Table, table=True):
    """When the platform was last asked about an account. Trusted with nothing: it only says whose turn it is."""

    __tablename__ = "rechecks"
    account: bytes = key_column()
    checked_at: datetime = time_column()
    __table_args__ = (Index(None, "checked_at"),)

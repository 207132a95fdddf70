"""The table of actions: what businesses say they did. No row here names an account; its event leads there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index

from broker.store.columns import Table, key_column, sealed_column, text_column, time_column


class ActionRow(Table, table=True):
    """One statement of a client about one event, by the digest of its JWS, and the broker's receipt of it. Only added.

    Not trusted: both are signed, and the receipt is a leaf.
    """

    __tablename__ = "actions"
    client_id: str = text_column(primary=True)
    event_id: str = text_column(primary=True)
    said: bytes = key_column()
    action_id: str = text_column()
    action: str = text_column()
    done_at: datetime = time_column()
    received_at: datetime = time_column()
    statement: str = text_column()
    jwt: str = text_column()
    leaf: bytes = sealed_column()
    __table_args__ = (Index(None, "client_id", "action_id", unique=True),)

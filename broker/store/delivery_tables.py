"""The tables of delivery: one stream a client, the work on it, and what it is told. All are spread by client.

No row here names an account: an event's place among those of its account is a ``queue``, which is another for each
client, so that nothing here ties what one business was told to what another was.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, text
from sqlmodel import Field

from broker.store.columns import Table, json_column, key_column, sealed_column, text_column, time_column

_PENDING, _DEAD = text("state = 'pending'"), text("state = 'dead'")
#: Few, where many wait for a business that never set a stream up.
_TRIED = text("state = 'pending' AND first_attempt_at IS NOT NULL")


class StreamRow(Table, table=True):
    """A client's stream as the client set it up; what goes with each push is sealed under the store's key."""

    __tablename__ = "streams"
    client_id: str = text_column(primary=True)
    stream_id: str = text_column()
    method: str = text_column()
    endpoint_url: str | None = text_column(nullable=True)
    sealed_authorization: bytes = sealed_column()
    requested: list[str] = json_column()
    description: str | None = text_column(nullable=True)
    status: str = text_column()
    reason: str | None = text_column(nullable=True)
    created_at: datetime = time_column()


class StreamWorkRow(Table, table=True):
    """Who works on a stream, until when; how its receiver has behaved. Written many times a minute, and kept apart."""

    __tablename__ = "stream_work"
    client_id: str = text_column(primary=True)
    leased_by: str | None = text_column(nullable=True)
    leased_until: datetime | None = time_column(nullable=True)
    failures: int = Field(sa_column=Column(Integer, nullable=False))
    rests_until: datetime | None = time_column(nullable=True)
    troubled_since: datetime | None = time_column(nullable=True)


class DeliveryRow(Table, table=True):
    """One event for one client: what it is told, and what has become of it."""

    __tablename__ = "deliveries"
    client_id: str = text_column(primary=True)
    event_id: str = text_column(primary=True)
    queue: bytes = key_column(primary=False)
    number: int = Field(sa_column=Column(Integer, nullable=False))
    kind: str = text_column()
    txn: str = text_column()
    about: str = text_column()
    told: dict[str, Any] = json_column()
    occurred_at: datetime = time_column()
    state: str = text_column()
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    first_attempt_at: datetime | None = time_column(nullable=True)
    next_attempt_at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)
    problem: str | None = text_column(nullable=True)
    __table_args__ = (
        Index(None, "client_id", "queue", "number", unique=True),
        Index(
            "ix_deliveries_pending",
            "client_id",
            "next_attempt_at",
            "event_id",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index("ix_deliveries_tried", "first_attempt_at", sqlite_where=_TRIED, postgresql_where=_TRIED),
        Index("ix_deliveries_dead", "client_id", sqlite_where=_DEAD, postgresql_where=_DEAD),
        Index(None, "ended_at"),
    )

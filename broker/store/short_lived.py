"""The tables of what lives for minutes, and is about nobody yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from broker.store.columns import Table, key_column, sealed_column, text_column, time_column


class PushedRequestRow(Table, table=True):
    """A pushed authorization request, by the hash of its URI; taking it deletes it."""

    __tablename__ = "pushed_requests"
    request: bytes = key_column()
    client_id: str = text_column()
    sealed_request: bytes = sealed_column()
    expires_at: datetime = time_column()
    __table_args__ = (Index(None, "expires_at"),)


class LinkRow(Table, table=True):
    """One person's way through the linking flow, bound to one browser; each step happens once.

    It names both sides of a pair that nobody has allowed yet: the choice deletes it. ``account`` is there once it
    was proved, so that the link goes with the person.
    """

    __tablename__ = "links"
    link_id: str = text_column(primary=True)
    browser: bytes = key_column(primary=False)
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    platform: str = text_column()
    sealed_attempt: bytes = sealed_column()
    sealed_request: bytes | None = sealed_column(nullable=True)
    sealed_account: bytes | None = sealed_column(nullable=True)
    account: bytes | None = sealed_column(nullable=True)
    expires_at: datetime = time_column()
    returned_at: datetime | None = time_column(nullable=True)
    proved_at: datetime | None = time_column(nullable=True)
    __table_args__ = (Index(None, "expires_at"),)


class UsedAssertionRow(Table, table=True):
    """A client assertion's ``jti``, kept until the assertion has expired."""

    __tablename__ = "used_assertions"
    client_id: str = text_column(primary=True)
    jti: bytes = key_column()
    expires_at: datetime = time_column()
    __table_args__ = (Index(None, "expires_at"),)


class RevokedTokenRow(Table, table=True):
    """An access token that was revoked before its end."""

    __tablename__ = "revoked_tokens"
    token_id: str = text_column(primary=True)
    expires_at: datetime = time_column()
    __table_args__ = (Index(None, "expires_at"),)

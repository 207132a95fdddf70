"""The tables. The account's digest leads the primary key of every table about a person.

SQLModel keeps the schema and nothing else: a model with ``table=True`` validates nothing and drops unknown
fields, so no input is ever parsed into one, and rows are written and read with Core statements.

``account`` is a keyed digest of platform and permanent id, and the column to distribute by. What is reached by
another name goes through ``routes``, which leads to the account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, String, text
from sqlmodel import Field

from broker.store.columns import Table, json_column, key_column, sealed_column, text_column, time_column

_DUE = text("due_at IS NOT NULL")

# --- about a business: reference tables -------------------------------------------------------------------


class ClientRow(Table, table=True):
    """A registered client; ``registration`` is what it registered with."""

    __tablename__ = "clients"
    client_id: str = text_column(primary=True)
    standing: str = text_column()
    standing_why: str | None = text_column(nullable=True)
    standing_number: int = Field(sa_column=Column(Integer, nullable=False))
    registration: dict[str, Any] = json_column()
    registered_at: datetime = time_column()


class NoticeRow(Table, table=True):
    """Every notice text ever shown, personal values left open."""

    __tablename__ = "notices"
    sha256: str = text_column(primary=True)
    notice_id: str = text_column()
    version: str = text_column()
    language: str = text_column()
    text: str = text_column()
    first_shown_at: datetime = time_column()


# --- about a person: the account leads ----------------------------------------------------------------------


class PersonRow(Table, table=True):
    """An account that was met: its own key, and what that key seals.

    ``generation`` is random: it names this row, and not the account, to the journal of erasures.
    """

    __tablename__ = "people"
    account: bytes = key_column()
    generation: str = Field(sa_column=Column(String(32), nullable=False, index=True))
    platform: str = text_column()
    wrapped_key: bytes = sealed_column()
    sealed_account: bytes = sealed_column()
    proved_at: datetime = time_column()


class ConsentRow(Table, table=True):
    """A consent record. Its key is the match's question: who, for which client, to what.

    ``meanings`` are those of ``purposes``, in their order. ``due_at`` is when something comes to it by itself next: its
    client is told ahead, or it ends. What was told is so remembered in the row that it was told of.
    """

    __tablename__ = "consents"
    account: bytes = key_column()
    client_id: str = text_column(primary=True)
    identifier: bytes = key_column()
    grant_id: str = text_column(primary=True)
    kind: str = text_column()
    type: str = text_column()
    purposes: list[str] = json_column()
    meanings: list[str] = json_column()
    brand: str | None = text_column(nullable=True)
    status: str = text_column()
    given_at: datetime = time_column()
    valid_until: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)
    ended_by: str | None = text_column(nullable=True)
    receipt_id: str = text_column()
    sealed_details: bytes = sealed_column()
    due_at: datetime | None = time_column(nullable=True)
    __table_args__ = (
        Index(None, "account", "grant_id", unique=True),
        Index("ix_consents_due", "due_at", "account", "grant_id", sqlite_where=_DUE, postgresql_where=_DUE),
    )


class AssociationRow(Table, table=True):
    """The link itself: a row only as long as its consent lives (MATCH-2)."""

    __tablename__ = "associations"
    account: bytes = key_column()
    client_id: str = text_column(primary=True)
    identifier: bytes = key_column()
    grant_id: str = text_column(primary=True)
    basis: str = text_column()
    made_at: datetime = time_column()
    __table_args__ = (Index(None, "identifier", "client_id", "account"),)


class RefusalRow(Table, table=True):
    """That a linking was refused; of the pair only a keyed digest."""

    __tablename__ = "refusals"
    account: bytes = key_column()
    pair: bytes = key_column()
    receipt_id: str = text_column()
    refused_at: datetime = time_column()


class ReceiptRow(Table, table=True):
    """A signed receipt: the JWT under the store's key, the disclosures under the person's.

    Not trusted: a changed receipt no longer verifies.
    """

    __tablename__ = "receipts"
    account: bytes = key_column()
    receipt_id: str = text_column(primary=True)
    grant_id: str = text_column()
    client_id: str = text_column()
    status: str = text_column()
    issued_at: datetime = time_column()
    sealed_jwt: bytes = sealed_column()
    sealed_disclosures: bytes = sealed_column()
    leaf: bytes = sealed_column()
    status_list: int = Field(sa_column=Column(Integer, nullable=False))
    status_index: int = Field(sa_column=Column(Integer, nullable=False))
    __table_args__ = (Index(None, "account", "grant_id"),)


class CodeRow(Table, table=True):
    """An authorization code by its hash; ``used_at`` and ``token_id`` make a second use visible."""

    __tablename__ = "codes"
    account: bytes = key_column()
    code: bytes = key_column()
    client_id: str = text_column()
    grant_id: str = text_column()
    redirect_uri: str = text_column()
    scope: str = text_column()
    challenge: str = text_column()
    expires_at: datetime = time_column()
    used_at: datetime | None = time_column(nullable=True)
    token_id: str | None = text_column(nullable=True)
    __table_args__ = (Index(None, "expires_at"),)


class DecisionRow(Table, table=True):
    """One answer to one question: to match, to contact, to keep an association.

    ``account`` is the handle's digest where a handle led to nobody.
    """

    __tablename__ = "decisions"
    account: bytes = key_column()
    decision_id: str = text_column(primary=True)
    act: str = text_column()
    client_id: str = text_column()
    identifier: bytes = key_column(primary=False)
    purpose: str = text_column()
    permitted: bool
    basis: str | None = text_column(nullable=True)
    reason: str | None = text_column(nullable=True)
    clauses: list[str] = json_column()
    policy_digest: str = text_column()
    grant_id: str | None = text_column(nullable=True)
    association_id: str | None = text_column(nullable=True)
    decided_at: datetime = time_column()
    __table_args__ = (Index(None, "client_id", "decided_at"), Index(None, "account", "decided_at"))


class EventRow(Table, table=True):
    """An event, written in the transaction of its cause; ``number`` is its place among its client's of its account."""

    __tablename__ = "events"
    account: bytes = key_column()
    event_id: str = text_column(primary=True)
    client_id: str = text_column()
    type: str = text_column()
    grant_id: str = text_column()
    receipt_id: str = text_column()
    occurred_at: datetime = time_column()
    number: int = Field(sa_column=Column(Integer, nullable=False))
    __table_args__ = (
        Index(None, "account", "client_id", "number", unique=True),
        Index(None, "client_id", "event_id"),
    )


class PersonSessionRow(Table, table=True):
    """A person signed in on one browser, by the hash of the browser's cookie."""

    __tablename__ = "person_sessions"
    account: bytes = key_column()
    session: bytes = key_column()
    signed_in_at: datetime = time_column()
    seen_at: datetime = time_column()


# --- names that lead to an account ----------------------------------------------------------------------------


class RouteRow(Table, table=True):
    """A name (grant, receipt, capability, code, session), hashed, and the account it leads to."""

    __tablename__ = "routes"
    kind: str = Field(sa_column=Column(String(16), primary_key=True))
    name: bytes = key_column()
    account: bytes = key_column(primary=False)
    target: str = text_column()
    expires_at: datetime | None = time_column(nullable=True)
    __table_args__ = (
        Index(
            "ix_routes_expires_at",
            "expires_at",
            sqlite_where=text("expires_at IS NOT NULL"),
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
    )


class HandleRow(Table, table=True):
    """What proofs, and the platform where it was asked by id, have shown of a handle.

    It is held by an account, left by it, or recycled, that is seen on two accounts.
    Only a held handle leads to its account. A recycled one leads to nobody ever again: who asks by it cannot be known
    to mean the one who left it or the one who took it.
    """

    __tablename__ = "handles"
    handle: bytes = key_column()
    account: bytes = key_column(primary=False)
    standing: str = text_column()
    proved_at: datetime = time_column()
    __table_args__ = (Index(None, "account"),)


# --- the log and the status list -------------------------------------------------------------------------------


class LeafRow(Table, table=True):
    """A leaf of the log: pending until the sequencer gives it an index.

    Trusted for order, not for content: who can write here can reorder what no checkpoint covers yet.
    """

    __tablename__ = "leaves"
    leaf: bytes = key_column()
    kind: str = text_column()
    left_at: datetime = time_column()
    leaf_index: int | None = Field(default=None, sa_column=Column(Integer, nullable=True, unique=True))
    __table_args__ = (
        Index(
            "ix_leaves_pending",
            "left_at",
            "leaf",
            sqlite_where=text("leaf_index IS NULL"),
            postgresql_where=text("leaf_index IS NULL"),
        ),
    )


class StatusEntryRow(Table, table=True):
    """One entry of a status list: 0 valid, 1 invalid, 2 suspended.

    Of a consent, whose and until when: it ends at its date, and sleeps while its client is suspended, without anybody
    writing here.
    """

    __tablename__ = "status_entries"
    list_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    value: int = Field(sa_column=Column(Integer, nullable=False))
    client_id: str | None = text_column(nullable=True)
    valid_until: datetime | None = time_column(nullable=True)

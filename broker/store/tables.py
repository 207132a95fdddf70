"""The tables. The account's digest leads the primary key of every table about a person.

SQLModel keeps the schema and nothing else: a model with ``table=True`` validates nothing and drops unknown
fields, so no input is ever parsed into one, and rows are written and read with Core statements.

``account`` is a keyed digest of platform and permanent id, and the column to distribute by. What is reached by
another name goes through ``routes``, which leads to the account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, MetaData, String, Text, text
from sqlmodel import Field, SQLModel

from broker.store.types import UtcDateTime

#: Names for constraints, the same on both databases, so that a migration can speak of them.
NAMING = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMING)


class Table(SQLModel):
    """The base of every table."""

    metadata = metadata


def _key(*, primary: bool = True) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    return Field(sa_column=Column(LargeBinary, primary_key=primary, nullable=False))


def _time(*, nullable: bool = False) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    return Field(default=None, sa_column=Column(UtcDateTime, nullable=nullable))


def _sealed(*, nullable: bool = False) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable))


def _json() -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    return Field(sa_column=Column(JSON, nullable=False))


def _text(*, primary: bool = False, nullable: bool = False) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    return Field(default=None, sa_column=Column(Text, primary_key=primary, nullable=nullable))


# --- about a business: reference tables -------------------------------------------------------------------


class ClientRow(Table, table=True):
    """A registered client; ``registration`` is what it registered with."""

    __tablename__ = "clients"
    client_id: str = _text(primary=True)
    standing: str = _text()
    standing_why: str | None = _text(nullable=True)
    registration: dict[str, Any] = _json()
    registered_at: datetime = _time()


class NoticeRow(Table, table=True):
    """Every notice text ever shown, personal values left open."""

    __tablename__ = "notices"
    sha256: str = _text(primary=True)
    notice_id: str = _text()
    version: str = _text()
    language: str = _text()
    text: str = _text()
    first_shown_at: datetime = _time()


# --- about a person: the account leads ----------------------------------------------------------------------


class PersonRow(Table, table=True):
    """An account that was proved at least once: its own key, and what that key seals."""

    __tablename__ = "people"
    account: bytes = _key()
    platform: str = _text()
    wrapped_key: bytes = _sealed()
    sealed_account: bytes = _sealed()
    proved_at: datetime = _time()


class ConsentRow(Table, table=True):
    """A consent record. Its key is the match's question: who, for which client, to what."""

    __tablename__ = "consents"
    account: bytes = _key()
    client_id: str = _text(primary=True)
    identifier: bytes = _key()
    grant_id: str = _text(primary=True)
    kind: str = _text()
    type: str = _text()
    purposes: list[str] = _json()
    brand: str | None = _text(nullable=True)
    status: str = _text()
    given_at: datetime = _time()
    valid_until: datetime = _time()
    ended_at: datetime | None = _time(nullable=True)
    receipt_id: str = _text()
    sealed_details: bytes = _sealed()
    __table_args__ = (Index(None, "account", "grant_id", unique=True),)


class AssociationRow(Table, table=True):
    """The link itself: a row only as long as its consent lives (MATCH-2)."""

    __tablename__ = "associations"
    account: bytes = _key()
    client_id: str = _text(primary=True)
    identifier: bytes = _key()
    grant_id: str = _text(primary=True)
    basis: str = _text()
    made_at: datetime = _time()


class RefusalRow(Table, table=True):
    """That a linking was refused; of the pair only a keyed digest."""

    __tablename__ = "refusals"
    account: bytes = _key()
    pair: bytes = _key()
    receipt_id: str = _text()
    refused_at: datetime = _time()


class ReceiptRow(Table, table=True):
    """A signed receipt: the JWT under the store's key, the disclosures under the person's.

    Not trusted: a changed receipt no longer verifies.
    """

    __tablename__ = "receipts"
    account: bytes = _key()
    receipt_id: str = _text(primary=True)
    grant_id: str = _text()
    client_id: str = _text()
    status: str = _text()
    issued_at: datetime = _time()
    sealed_jwt: bytes = _sealed()
    sealed_disclosures: bytes = _sealed()
    leaf: bytes = _sealed()
    status_list: int = Field(sa_column=Column(Integer, nullable=False))
    status_index: int = Field(sa_column=Column(Integer, nullable=False))
    __table_args__ = (Index(None, "account", "grant_id"),)


class CodeRow(Table, table=True):
    """An authorization code by its hash; ``used_at`` and ``token_id`` make a second use visible."""

    __tablename__ = "codes"
    account: bytes = _key()
    code: bytes = _key()
    client_id: str = _text()
    grant_id: str = _text()
    redirect_uri: str = _text()
    scope: str = _text()
    challenge: str = _text()
    expires_at: datetime = _time()
    used_at: datetime | None = _time(nullable=True)
    token_id: str | None = _text(nullable=True)
    __table_args__ = (Index(None, "expires_at"),)


class DecisionRow(Table, table=True):
    """One answer to one question. ``account`` is the handle's digest where a handle led to nobody."""

    __tablename__ = "decisions"
    account: bytes = _key()
    decision_id: str = _text(primary=True)
    client_id: str = _text()
    identifier: bytes = _key(primary=False)
    purpose: str = _text()
    permitted: bool
    basis: str | None = _text(nullable=True)
    reason: str | None = _text(nullable=True)
    clauses: list[str] = _json()
    policy_digest: str = _text()
    grant_id: str | None = _text(nullable=True)
    decided_at: datetime = _time()


class EventRow(Table, table=True):
    """An event to deliver, written in the transaction of its cause."""

    __tablename__ = "events"
    account: bytes = _key()
    event_id: str = _text(primary=True)
    client_id: str = _text()
    type: str = _text()
    grant_id: str = _text()
    receipt_id: str = _text()
    occurred_at: datetime = _time()


class PersonSessionRow(Table, table=True):
    """A person signed in on one browser, by the hash of the browser's cookie."""

    __tablename__ = "person_sessions"
    account: bytes = _key()
    session: bytes = _key()
    signed_in_at: datetime = _time()
    seen_at: datetime = _time()


# --- names that lead to an account ----------------------------------------------------------------------------


class RouteRow(Table, table=True):
    """A name (grant, receipt, capability, code, session), hashed, and the account it leads to."""

    __tablename__ = "routes"
    kind: str = Field(sa_column=Column(String(16), primary_key=True))
    name: bytes = _key()
    account: bytes = _key(primary=False)
    target: str = _text()
    expires_at: datetime | None = _time(nullable=True)
    __table_args__ = (
        Index(
            "ix_routes_expires_at",
            "expires_at",
            sqlite_where=text("expires_at IS NOT NULL"),
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
    )


class HandleRow(Table, table=True):
    """What proofs have shown of a handle: held by an account, left by it, or recycled, that is seen on two accounts.

    Only a held handle leads to its account. A recycled one leads to nobody ever again: who asks by it cannot be known
    to mean the one who left it or the one who took it.
    """

    __tablename__ = "handles"
    handle: bytes = _key()
    account: bytes = _key(primary=False)
    standing: str = _text()
    proved_at: datetime = _time()
    __table_args__ = (Index(None, "account"),)


# --- the log and the status list -------------------------------------------------------------------------------


class LeafRow(Table, table=True):
    """A leaf of the log: pending until the sequencer gives it an index.

    Trusted for order, not for content: who can write here can reorder what no checkpoint covers yet.
    """

    __tablename__ = "leaves"
    leaf: bytes = _key()
    kind: str = _text()
    left_at: datetime = _time()
    leaf_index: int | None = Field(default=None, sa_column=Column(Integer, nullable=True, unique=True))


class StatusEntryRow(Table, table=True):
    """One entry of a status list: 0 valid, 1 invalid, 2 suspended."""

    __tablename__ = "status_entries"
    list_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    value: int = Field(sa_column=Column(Integer, nullable=False))


# --- short-lived: about nobody yet ------------------------------------------------------------------------------


class PushedRequestRow(Table, table=True):
    """A pushed authorization request, by the hash of its URI; taking it deletes it."""

    __tablename__ = "pushed_requests"
    request: bytes = _key()
    client_id: str = _text()
    sealed_request: bytes = _sealed()
    expires_at: datetime = _time()
    __table_args__ = (Index(None, "expires_at"),)


class LinkRow(Table, table=True):
    """One person's way through the linking flow, bound to one browser; each step happens once.

    It names both sides of a pair that nobody has allowed yet: the choice deletes it.
    """

    __tablename__ = "links"
    link_id: str = _text(primary=True)
    browser: bytes = _key(primary=False)
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    platform: str = _text()
    sealed_attempt: bytes = _sealed()
    sealed_request: bytes | None = _sealed(nullable=True)
    sealed_account: bytes | None = _sealed(nullable=True)
    expires_at: datetime = _time()
    returned_at: datetime | None = _time(nullable=True)
    proved_at: datetime | None = _time(nullable=True)
    __table_args__ = (Index(None, "expires_at"),)


class UsedAssertionRow(Table, table=True):
    """A client assertion's ``jti``, kept until the assertion has expired."""

    __tablename__ = "used_assertions"
    client_id: str = _text(primary=True)
    jti: bytes = _key()
    expires_at: datetime = _time()
    __table_args__ = (Index(None, "expires_at"),)


class RevokedTokenRow(Table, table=True):
    """An access token that was revoked before its end."""

    __tablename__ = "revoked_tokens"
    token_id: str = _text(primary=True)
    expires_at: datetime = _time()
    __table_args__ = (Index(None, "expires_at"),)

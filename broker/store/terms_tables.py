"""The tables of the terms beyond consent: grounds, objections, registrations' history, recipients, contact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary
from sqlmodel import Field

from broker.store.columns import Table, json_column, key_column, sealed_column, text_column, time_column

# --- about a person: the account leads ----------------------------------------------------------------------


class GroundRow(Table, table=True):
    """An association without consent, on a tag that was accepted; gone once the client gives it up."""

    __tablename__ = "grounds"
    account: bytes = key_column()
    client_id: str = text_column(primary=True)
    identifier: bytes = key_column()
    tag: bytes = key_column()
    association_id: str = text_column()
    basis: str = text_column()
    from_platform: bool
    expected_purposes: list[str] = json_column()
    statement_id: str = text_column()
    made_at: datetime = time_column()
    __table_args__ = (Index(None, "identifier", "client_id", "account"),)


class StatementRow(Table, table=True):
    """A signed provenance statement: a client's word for where it has a handle from. Only ever added."""

    __tablename__ = "statements"
    account: bytes = key_column()
    statement_id: str = text_column(primary=True)
    client_id: str = text_column()
    issued_at: datetime = time_column()
    sealed_jwt: bytes = sealed_column()
    sealed_disclosures: bytes = sealed_column()
    leaf: bytes = sealed_column()


class TaintRow(Table, table=True):
    """That a pair was once offered under a refused origin; of the pair only a keyed digest."""

    __tablename__ = "tainted_pairs"
    account: bytes = key_column()
    pair: bytes = key_column()
    origin: str = text_column()
    clause: str = text_column()
    offered_at: datetime = time_column()


class ObjectionRow(Table, table=True):
    """A person's objection to being matched: by one client, or by any (``client_id`` is ``*``)."""

    __tablename__ = "objections"
    account: bytes = key_column()
    client_id: str = text_column(primary=True)
    objected_at: datetime = time_column()
    why: str = text_column()


class SignalRow(Table, table=True):
    """That the browser in which an account was proved signals against selling and sharing; lifted by the person alone.

    A signal that was lifted stays here: the browser will send it again, and the person's own word counts.
    """

    __tablename__ = "signals"
    account: bytes = key_column()
    signal: str = text_column(primary=True)
    first_seen_at: datetime = time_column()
    seen_at: datetime = time_column()
    lifted_at: datetime | None = time_column(nullable=True)


class LedToRow(Table, table=True):
    """Whom a question led to that named a handle: the account that bore it then, or the handle's own digest.

    The client learns nothing of it, and its answer lies under the handle (``handle``). It is for the person to see.
    """

    __tablename__ = "led_to"
    account: bytes = key_column()
    decision_id: str = text_column(primary=True)
    handle: bytes = key_column(primary=False)
    decided_at: datetime = time_column()
    __table_args__ = (Index(None, "account", "decided_at"),)


# --- about a business -----------------------------------------------------------------------------------------


class StandingRow(Table, table=True):
    """Who changed a client's standing, when and why. Only ever added."""

    __tablename__ = "standings"
    client_id: str = text_column(primary=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    changed_at: datetime = time_column()
    standing: str = text_column()
    who: str = text_column()
    why: str = text_column()


class RecipientRow(Table, table=True):
    """Somebody an owner hands platform content to, with their dated agreements."""

    __tablename__ = "recipients"
    recipient_id: str = text_column(primary=True)
    owner: str = text_column()
    environment: str = text_column()
    name: str = text_column()
    folded_name: str = text_column()
    agreements: dict[str, Any] = json_column()
    academic: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    permission: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    __table_args__ = (Index(None, "owner", "environment", "folded_name", unique=True),)


class RedistributionRow(Table, table=True):
    """Content that was handed over, as a number. Only ever added."""

    __tablename__ = "redistributions"
    recipient_id: str = text_column(primary=True)
    redistribution_id: str = text_column(primary=True)
    client_id: str = text_column()
    objects: str = text_column()
    counted: bool
    permission: str | None = text_column(nullable=True)
    by: str = text_column()
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    handed_at: datetime = time_column()
    __table_args__ = (Index(None, "recipient_id", "objects", "handed_at"),)


class ContactRow(Table, table=True):
    """An automated message that was let go: to whom, when, and its content's fingerprint in four bands.

    Kept for as long as a ceiling counts it; the decision stays.
    """

    __tablename__ = "contacts"
    client_id: str = text_column(primary=True)
    check_id: str = text_column(primary=True)
    account: bytes = key_column(primary=False)
    checked_at: datetime = time_column()
    sha256: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    simhash: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    band_0: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    band_1: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    band_2: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    band_3: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    __table_args__ = (
        Index(None, "checked_at"),
        Index(None, "client_id", "checked_at"),
        Index(None, "client_id", "sha256"),
        *(Index(None, "client_id", f"band_{number}") for number in range(4)),
    )


class UseCaseRow(Table, table=True):
    """What one application has of its owner's use cases: its words, and each of its purposes on each platform.

    Its key makes a second application of the same use case impossible, however closely two registrations race.
    """

    __tablename__ = "use_cases"
    owner: str = text_column(primary=True)
    environment: str = text_column(primary=True)
    claim: str = text_column(primary=True)
    client_id: str = text_column()


class RulingRow(Table, table=True):
    """How often a clause refused something that is no decision about an account, each day of UTC.

    A number, and nothing of what was refused: whoever is refused all day long fills one row.
    """

    __tablename__ = "rulings"
    day: str = text_column(primary=True)
    clause: str = text_column(primary=True)
    number: int = Field(sa_column=Column(BigInteger, nullable=False))


class IdempotencyRow(Table, table=True):
    """A request that may be sent again: the fingerprint of its body, and the answer it got, sealed.

    ``account`` is whom the request was about: the fingerprint could be searched for by whoever has the keys.
    """

    __tablename__ = "idempotency"
    client_id: str = text_column(primary=True)
    key: bytes = key_column()
    fingerprint: bytes = key_column(primary=False)
    sealed_answer: bytes = sealed_column()
    account: bytes | None = sealed_column(nullable=True)
    expires_at: datetime = time_column()
    __table_args__ = (Index(None, "expires_at"),)

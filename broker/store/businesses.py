"""Which businesses an account has to do with: read for the person's own page, never for a decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, union
from sqlmodel import col

from broker.store.database import Transaction
from broker.store.people import handles_held
from broker.store.tables import ConsentRow, DecisionRow, ReceiptRow
from broker.store.terms_tables import GroundRow, ObjectionRow
from broker.store.types import UtcDateTime
from broker.store.writing import table_of


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a business rests on without consent: ``user_provided`` or ``public``, for which purposes, since when."""

    client_id: str
    basis: str
    expected_purposes: tuple[str, ...]
    made_at: datetime


def known_to(tx: Transaction, account: bytes) -> frozenset[str]:
    """Return the clients that hold or held something of the account, or to which the person objects or said no.

    ``*`` is among them where the person objects to every client.
    """
    named = union(
        select(col(ConsentRow.client_id)).where(col(ConsentRow.account) == account),
        select(col(ReceiptRow.client_id)).where(col(ReceiptRow.account) == account),
        select(col(ObjectionRow.client_id)).where(col(ObjectionRow.account) == account),
    )
    return frozenset(tx.execute(named).scalars())


def claims_on(tx: Transaction, account: bytes) -> list[Claim]:
    """Return every association without consent, by the account or by the handle that it bears now."""
    rows = tx.execute(
        select(
            col(GroundRow.client_id),
            col(GroundRow.basis),
            col(GroundRow.expected_purposes),
            col(GroundRow.made_at),
        )
        .where(col(GroundRow.account).in_(_names(tx, account)))
        .order_by(col(GroundRow.made_at))
    )
    return [
        Claim(
            client_id=row.client_id,
            basis=row.basis,
            expected_purposes=tuple(row.expected_purposes),
            made_at=row.made_at,
        )
        for row in rows
    ]


def last_asked(tx: Transaction, account: bytes) -> dict[str, datetime]:
    """Return who ever had a decision about the account, or about the handle it bears now, and when last."""
    rows = tx.execute(
        select(col(DecisionRow.client_id), func.max(col(DecisionRow.decided_at), type_=UtcDateTime).label("at"))
        .where(col(DecisionRow.account).in_(_names(tx, account)))
        .group_by(col(DecisionRow.client_id))
    )
    return {row.client_id: row.at for row in rows}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer that a business got about an account; ``identifier`` and account are left out, ``act`` is what for."""

    decision_id: str
    client_id: str
    act: str
    purpose: str
    permitted: bool
    basis: str | None
    reason: str | None
    clauses: tuple[str, ...]
    decided_at: datetime


def decisions_about(tx: Transaction, account: bytes) -> list[Told]:
    """Return every answer about the account, or about the handle that it bears now, the latest first."""
    rows = tx.execute(
        select(table_of(DecisionRow))
        .where(col(DecisionRow.account).in_(_names(tx, account)))
        .order_by(col(DecisionRow.decided_at).desc(), col(DecisionRow.decision_id))
    )
    return [
        Told(
            decision_id=row.decision_id,
            client_id=row.client_id,
            act=row.act,
            purpose=row.purpose,
            permitted=row.permitted,
            basis=row.basis,
            reason=row.reason,
            clauses=tuple(row.clauses),
            decided_at=row.decided_at,
        )
        for row in rows
    ]


def _names(tx: Transaction, account: bytes) -> Iterable[bytes]:
    """The account, and the digest that stands for it where a client knew no more than the handle."""
    return (account, *handles_held(tx, account))

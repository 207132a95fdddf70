"""Which businesses an account has to do with: read for the person's own page, never for a decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, union
from sqlmodel import col

from broker.store.people import handles_held
from broker.store.tables import ConsentRow, ReceiptRow
from broker.store.terms_tables import GroundRow, ObjectionRow
from broker.store.transaction import Transaction


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


def _names(tx: Transaction, account: bytes) -> Iterable[bytes]:
    """The account, and the digest that stands for it where a client knew no more than the handle."""
    return (account, *handles_held(tx, account))

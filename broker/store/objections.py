"""A person's objections: to every client, or to one. Read in the transaction that decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import col

from broker.core.caution import EVERYONE
from broker.store.signals import GPC
from broker.store.terms_tables import ObjectionRow, SignalRow
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime
from broker.store.writing import add_once, change, drop

_OF_ACCOUNT = select(col(ObjectionRow.client_id), col(ObjectionRow.objected_at)).where(
    col(ObjectionRow.account) == bindparam("account")
)


def object_to(tx: Transaction, account: bytes, client_id: str, *, why: str, now: datetime) -> bool:
    """Record an objection; False when it stands already. Made again it counts from now on: consent may lie between."""
    if add_once(tx, ObjectionRow, account=account, client_id=client_id, objected_at=now, why=why):
        return True
    change(tx, ObjectionRow, *_one(account, client_id), objected_at=now, why=why)
    return False


def lift_objection(tx: Transaction, account: bytes, client_id: str) -> bool:
    """Take an objection back, which only the person can."""
    return bool(drop(tx, ObjectionRow, *_one(account, client_id)))


@dataclass(frozen=True)
class Against:
    """Since when the person objects to a client, the latest objection counting, and since when their browser does."""

    objected_at: datetime | None
    signalled_at: datetime | None


def said_against(tx: Transaction, account: bytes, client_id: str) -> Against:
    """Return what speaks against a match without consent: one statement, since every match asks it."""
    signalled = select(col(SignalRow.first_seen_at)).where(
        col(SignalRow.account) == account, col(SignalRow.signal) == GPC, col(SignalRow.lifted_at).is_(None)
    )
    objected = _objected(account, client_id).scalar_subquery()
    objected_at, signalled_at = tx.execute(select(objected, signalled.scalar_subquery())).one()
    return Against(objected_at, signalled_at)


def objected_at(tx: Transaction, account: bytes, client_id: str) -> datetime | None:
    """Return since when the person objects to being matched by this client."""
    return tx.execute(_objected(account, client_id)).scalar_one()


def _objected(account: bytes, client_id: str) -> Select[datetime | None]:
    return select(func.max(col(ObjectionRow.objected_at), type_=UtcDateTime)).where(
        col(ObjectionRow.account) == account, col(ObjectionRow.client_id).in_([EVERYONE, client_id])
    )


def list_objections(tx: Transaction, account: bytes) -> dict[str, datetime]:
    """Return to whom the person objects, and since when."""
    return {row.client_id: row.objected_at for row in tx.execute(_OF_ACCOUNT, {"account": account})}


def _one(account: bytes, client_id: str) -> tuple[ColumnElement[bool], ...]:
    return (col(ObjectionRow.account) == account, col(ObjectionRow.client_id) == client_id)

"""Who receives platform content, and how much of it: counted exactly, whoever else counts at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from broker.core.names import is_id
from broker.store.terms_tables import RecipientRow, RedistributionRow
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime
from broker.store.writing import add, add_once, change, table_of


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A recipient of one owner, in one environment, over all of the owner's applications."""

    recipient_id: str
    owner: str
    environment: str
    name: str
    agreements: Mapping[str, str]
    academic: Mapping[str, str] | None
    permission: Mapping[str, str] | None


def save_recipient(tx: Transaction, recipient: Recipient, *, folded_name: str) -> str:
    """Insert a recipient, or bring the owner's one of that name up to date; return its id. One name, one ledger."""
    papers = {
        "name": recipient.name,
        "agreements": dict(recipient.agreements),
        "academic": recipient.academic and dict(recipient.academic),
        "permission": recipient.permission and dict(recipient.permission),
    }
    key = {"owner": recipient.owner, "environment": recipient.environment, "folded_name": folded_name}
    if add_once(tx, RecipientRow, recipient_id=recipient.recipient_id, **key, **papers):
        return recipient.recipient_id
    same = [getattr(RecipientRow, name) == value for name, value in key.items()]
    (row,) = change(tx, RecipientRow, *same, **papers)
    return str(row.recipient_id)


def hold_recipient(tx: Transaction, recipient_id: str, *, owner: str) -> Recipient | None:
    """Return an owner's recipient, and let nobody else count for it until the transaction ends.

    Another owner's reads like none.
    """
    if not is_id(recipient_id):
        return None
    row = tx.execute(
        select(table_of(RecipientRow))
        .where(col(RecipientRow.recipient_id) == recipient_id, col(RecipientRow.owner) == owner)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    return Recipient(
        recipient_id=row.recipient_id,
        owner=row.owner,
        environment=row.environment,
        name=row.name,
        agreements=row.agreements,
        academic=row.academic,
        permission=row.permission,
    )


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What was handed over within a window and counts: how many objects, and when the first of them."""

    count: int
    first: datetime | None


def read_ledger(tx: Transaction, recipient_id: str, objects: tuple[str, ...], *, since: datetime) -> Ledger:
    """Count what a recipient was handed after *since*."""
    row = tx.execute(
        select(
            func.coalesce(func.sum(col(RedistributionRow.count)), 0).label("total"),
            func.min(col(RedistributionRow.handed_at), type_=UtcDateTime).label("first"),
        ).where(
            col(RedistributionRow.recipient_id) == recipient_id,
            col(RedistributionRow.objects).in_(objects),
            col(RedistributionRow.counted),
            col(RedistributionRow.handed_at) > since,
        )
    ).one()
    return Ledger(count=int(row.total), first=row.first)


@dataclass(frozen=True, kw_only=True)
class Redistribution:
    """One handover: ``by`` is ``api`` or the name of the person at the terminal.

    ``permission`` is the reference of the written permission that let it over the ceiling.
    """

    redistribution_id: str
    recipient_id: str
    client_id: str
    objects: str
    count: int
    counted: bool
    permission: str | None
    by: str
    handed_at: datetime


def save_redistribution(tx: Transaction, redistribution: Redistribution) -> None:
    """Write down what was handed over."""
    add(tx, RedistributionRow, **vars(redistribution))

"""Every policy document that was ever in force, by its digest: what a decision names can be read for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from broker.core.match import PolicyRef
from broker.store.log_tables import PolicyTextRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once, table_of


@dataclass(frozen=True, kw_only=True)
class PolicyText:
    """A document as it read, and since when this broker has worked under it."""

    ref: PolicyRef
    text: str
    first_used_at: datetime


def kept_digests(tx: Transaction) -> frozenset[str]:
    """Return the digests of the documents that are kept."""
    return frozenset(tx.execute(select(col(PolicyTextRow.digest))).scalars())


def keep_text(tx: Transaction, policy: PolicyText) -> None:
    """Keep a document; one that is kept stays as it is."""
    ref = policy.ref
    add_once(
        tx,
        PolicyTextRow,
        digest=ref.digest,
        policy_id=ref.id,
        version=ref.version,
        text=policy.text,
        first_used_at=policy.first_used_at,
    )


def list_texts(tx: Transaction) -> list[PolicyText]:
    """Return every document, that which was used first at the beginning."""
    rows = tx.execute(select(table_of(PolicyTextRow)).order_by(col(PolicyTextRow.first_used_at)))
    return [
        PolicyText(
            ref=PolicyRef(id=row.policy_id, version=row.version, digest=row.digest),
            text=row.text,
            first_used_at=row.first_used_at,
        )
        for row in rows
    ]

"""What a client holds links of: the accounts of a record, and the records of an account, by digest.

Links alone, in the order of their digests, and of one client: whether one permits anything is not asked here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlmodel import col

from broker.core.identifiers import Association
from broker.store.tables import AssociationRow
from broker.store.terms_tables import GroundRow
from broker.store.transaction import Transaction


def accounts_linked(tx: Transaction, client_id: str, identifier: bytes, *, after: bytes, limit: int) -> list[bytes]:
    """Return digests that the client linked to *identifier*: of accounts, and of handles where it named a handle."""
    consented = select(col(AssociationRow.account)).where(
        col(AssociationRow.client_id) == client_id,
        col(AssociationRow.identifier) == identifier,
        col(AssociationRow.account) > after,
    )
    stated = select(col(GroundRow.account)).where(
        col(GroundRow.client_id) == client_id,
        col(GroundRow.identifier) == identifier,
        col(GroundRow.account) > after,
    )
    rows = tx.execute(consented.union(stated).order_by("account").limit(limit))
    return list(rows.scalars())


def identifiers_linked(
    tx: Transaction, client_id: str, account: bytes, *, known_as: Sequence[bytes], after: bytes, limit: int
) -> list[bytes]:
    """Return digests of identifiers that the client linked to *account*, or to a name that it knows it by."""
    consented = select(col(AssociationRow.identifier)).where(
        col(AssociationRow.account) == account,
        col(AssociationRow.client_id) == client_id,
        col(AssociationRow.identifier) > after,
    )
    stated = select(col(GroundRow.identifier)).where(
        col(GroundRow.account).in_(known_as),
        col(GroundRow.client_id) == client_id,
        col(GroundRow.identifier) > after,
    )
    rows = tx.execute(consented.union(stated).order_by("identifier").limit(limit))
    return list(rows.scalars())


def is_linked(tx: Transaction, pair: Association) -> bool:
    """Whether the client linked this very pair, with consent or without."""
    consented = select(col(AssociationRow.account)).where(*_same(AssociationRow, pair))
    stated = select(col(GroundRow.account)).where(*_same(GroundRow, pair))
    return tx.execute(consented.union_all(stated).limit(1)).first() is not None


def _same(model: type[AssociationRow | GroundRow], pair: Association) -> tuple[ColumnElement[bool], ...]:
    return (
        col(model.account) == pair.account,
        col(model.client_id) == pair.client_id,
        col(model.identifier) == pair.identifier,
    )

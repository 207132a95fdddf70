"""What a dossier is made of, as it lies in rows: decisions with their way into the log, and when grounds stood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlmodel import col

from broker.store.grounds import SignedStatement, open_statement
from broker.store.log_tables import BatchRow, TrailRow
from broker.store.row_mac import canonical, primary_key_of, row_key_digest
from broker.store.sealing import Sealer
from broker.store.tables import DecisionRow
from broker.store.terms_tables import GroundRow, StatementRow
from broker.store.transaction import Transaction
from broker.store.writing import table_of

_DECISIONS = table_of(DecisionRow)


@dataclass(frozen=True, kw_only=True)
class ChainedRow:
    """A row in its canonical form, its entry's salt, and where it is chained; None while it is not."""

    name: str
    row: Mapping[str, Any]
    salt: bytes
    batch: int | None
    position: int | None


def decisions_of_day(
    tx: Transaction,
    accounts: Iterable[bytes],
    client_id: str,
    *,
    key: bytes,
    begins: datetime,
    ends: datetime,
    identifier: bytes | None,
) -> list[ChainedRow]:
    """Return the decisions of a client about an account, under any of its names, within a time; the first first."""
    found = tx.execute(
        select(_DECISIONS)
        .where(
            col(DecisionRow.account).in_(list(accounts)),
            col(DecisionRow.client_id) == client_id,
            col(DecisionRow.decided_at) >= begins,
            col(DecisionRow.decided_at) < ends,
            *([] if identifier is None else [col(DecisionRow.identifier) == identifier]),
        )
        .order_by(col(DecisionRow.decided_at), col(DecisionRow.decision_id))
    )
    return [chained(tx, key, _DECISIONS, row._asdict()) for row in found.all()]


def chained(tx: Transaction, key: bytes, table: Table, row: dict[str, Any]) -> ChainedRow:
    """Find a row's way into the log, by its last entry of the trail."""
    entry = tx.execute(
        select(col(TrailRow.salt), col(TrailRow.batch), col(TrailRow.position))
        .where(col(TrailRow.row_key) == row_key_digest(key, table, row))
        .order_by(col(TrailRow.number).desc())
        .limit(1)
    ).one_or_none()
    return ChainedRow(
        name="/".join(str(row[name]) for name in primary_key_of(table) if name != "account"),
        row=json.loads(canonical(table, row)),
        salt=entry.salt if entry else b"",
        batch=entry.batch if entry else None,
        position=entry.position if entry else None,
    )


@dataclass(frozen=True)
class BatchOfEntries:
    """A batch as it was signed, its leaf, and the digests it is over."""

    jwt: str
    leaf: bytes
    digests: Sequence[bytes]


def read_batch_of(tx: Transaction, number: int) -> BatchOfEntries:
    """Return one batch with the digests of its entries, in their order."""
    row = tx.execute(select(col(BatchRow.jwt), col(BatchRow.leaf)).where(col(BatchRow.number) == number)).one()
    digests = tx.execute(
        select(col(TrailRow.digest)).where(col(TrailRow.batch) == number).order_by(col(TrailRow.position))
    )
    return BatchOfEntries(row.jwt, row.leaf, list(digests.scalars()))


def statements_about(
    tx: Transaction, account: bytes, client_id: str, *, before: datetime, store: Sealer, person: Sealer
) -> list[SignedStatement]:
    """Return the provenance statements of a client about an account, the first first."""
    rows = tx.execute(
        select(table_of(StatementRow))
        .where(
            col(StatementRow.account) == account,
            col(StatementRow.client_id) == client_id,
            col(StatementRow.issued_at) < before,
        )
        .order_by(col(StatementRow.issued_at), col(StatementRow.statement_id))
    )
    return [open_statement(row, store=store, person=person) for row in rows]


def ground_ended_at(tx: Transaction, ground: Mapping[str, object], *, key: bytes) -> datetime | None:
    """Return when a ground of that primary key was given up, as the trail has it; None while it stands."""
    last = tx.execute(
        select(col(TrailRow.gone), col(TrailRow.written_at))
        .where(col(TrailRow.row_key) == row_key_digest(key, table_of(GroundRow), ground))
        .order_by(col(TrailRow.number).desc())
        .limit(1)
    ).one_or_none()
    return last.written_at if last and last.gone else None

"""Requests that may be sent again: the first answer is kept for a day and given again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from broker.store.sealing import Sealer
from broker.store.terms_tables import IdempotencyRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once, change, drop


@dataclass(frozen=True)
class Kept:
    """An earlier use of a key: the digest of the request it came with, and what is kept of its answer."""

    fingerprint: bytes
    answer: Mapping[str, object]


def claim_key(
    tx: Transaction, client_id: str, key: bytes, *, fingerprint: bytes, now: datetime, ends: datetime, store: Sealer
) -> Kept | None:
    """Claim a key, by its keyed digest, for this transaction; return its earlier use instead where there is one."""
    mine = (col(IdempotencyRow.client_id) == client_id, col(IdempotencyRow.key) == key)
    drop(tx, IdempotencyRow, *mine, col(IdempotencyRow.expires_at) <= now)
    claimed = add_once(
        tx, IdempotencyRow, client_id=client_id, key=key, fingerprint=fingerprint, sealed_answer=b"", expires_at=ends
    )
    if claimed:
        return None
    row = tx.execute(select(col(IdempotencyRow.fingerprint), col(IdempotencyRow.sealed_answer)).where(*mine)).one()
    answer = store.open_json(row.sealed_answer, place=_place(client_id, key))
    assert isinstance(answer, dict)  # noqa: S101 - sealed by keep_answer
    return Kept(row.fingerprint, answer)


def keep_answer(
    tx: Transaction,
    client_id: str,
    key: bytes,
    *,
    answer: Mapping[str, object],
    store: Sealer,
    account: bytes | None = None,
) -> None:
    """Keep what is to be said again under the key that this transaction claimed, and *account* if it is about one."""
    sealed = store.seal_json(dict(answer), place=_place(client_id, key))
    mine = (col(IdempotencyRow.client_id) == client_id, col(IdempotencyRow.key) == key)
    change(tx, IdempotencyRow, *mine, sealed_answer=sealed, account=account)


def _place(client_id: str, key: bytes) -> str:
    return f"idempotency.sealed_answer:{client_id}:{key.hex()}"

"""Batches of the trail in rows: which entries wait, and the signed batches that chain them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from broker.store.log import Leaf, leave
from broker.store.log_tables import BatchRow, TrailRow
from broker.store.row_mac import MAC, content_of, is_marked
from broker.store.trail import entry_mac
from broker.store.transaction import Transaction
from broker.store.writing import Values, add_once, marked, rewrite_unchanged, table_of

_TRAIL = table_of(TrailRow)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch as it was signed."""

    number: int
    jwt: str
    leaf: bytes
    made_at: datetime


@dataclass(frozen=True)
class Waiting:
    """An entry that no batch chains yet: its digest, all that its MAC covers, and the MAC."""

    row: Mapping[str, object]
    digest: bytes
    mac: bytes


def waiting_entries(tx: Transaction, *, limit: int, key: bytes) -> list[Waiting]:
    """Return entries without a batch, in the order they were written.

    One that the broker did not write, with the rows' *key*, is passed over, and so is a copy of one that was chained
    before: chained, either would say under a MAC of ours that a row is gone, or is an older one, and be believed.
    """
    waiting = select(_TRAIL).where(_TRAIL.c.batch.is_(None)).order_by(_TRAIL.c.number).limit(limit)
    found: dict[bytes, Waiting] = {}
    page = tx.execute(waiting).all()
    while page and len(found) < limit:
        rows, before = [row._asdict() for row in page], len(found)
        ours = [row for row in rows if is_marked(row, entry_mac(key, row))]
        known = _chained(tx, {row["row_key"] for row in ours} - {b""})
        for row in ours:
            if row["digest"] not in known:
                entry = {name: row[name] for name in content_of(_TRAIL)}
                found.setdefault(row["digest"], Waiting(entry, row["digest"], row[MAC]))
        if len(found) - before == len(rows):
            break
        page = tx.execute(waiting.where(_TRAIL.c.number > rows[-1]["number"])).all()
    return list(found.values())[:limit]


def _chained(tx: Transaction, keys: Collection[bytes]) -> set[bytes]:
    """The digests that are chained of rows with these keys. Each has a salt of its own: none comes twice."""
    chained = select(_TRAIL.c.digest).where(_TRAIL.c.row_key.in_(keys), _TRAIL.c.batch.is_not(None))
    return set(tx.execute(chained).scalars())


def entries_waiting_since(tx: Transaction) -> datetime | None:
    """Return when the entry was written that waits the longest; None when none waits."""
    found: datetime | None = tx.execute(
        select(col(TrailRow.written_at)).where(col(TrailRow.batch).is_(None)).order_by(col(TrailRow.number)).limit(1)
    ).scalar_one_or_none()
    return found


def latest_batch(tx: Transaction) -> Batch | None:
    """Return the last batch."""
    row = tx.execute(select(table_of(BatchRow)).order_by(col(BatchRow.number).desc()).limit(1)).one_or_none()
    return Batch(number=row.number, jwt=row.jwt, leaf=row.leaf, made_at=row.made_at) if row else None


def placed(batch: Batch, entries: Sequence[Waiting], *, key: bytes) -> list[Values]:
    """The entries as they are from their batch on: its MAC, under the rows' *key*, covers the place too."""
    return [
        marked(key, TrailRow, {**entry.row, "batch": batch.number, "position": place})
        for place, entry in enumerate(entries)
    ]


def save_batch(tx: Transaction, batch: Batch, entries: Sequence[Waiting], rows: Sequence[Values]) -> bool:
    """Keep a batch with its pending leaf, and write its entries as they are :func:`placed`.

    False when that number is taken, or an entry is not as it waited: somebody chained it, or it was erased.
    """
    if not add_once(tx, BatchRow, **vars(batch)):
        return False
    leave(tx, Leaf(batch.leaf, "batch", batch.made_at))
    return rewrite_unchanged(tx, TrailRow, rows, "batch", "position", was=[entry.mac for entry in entries])

"""The log's own tables as the audit reads them, in their order and a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Select, Table

from broker.store.auditing import Seen, Walk, by_letters
from broker.store.log_tables import BatchRow, CheckpointRow, ErasureRow, LogHeadRow, LogTileRow
from broker.store.raw_rows import walk
from broker.store.tables import LeafRow
from broker.store.writing import table_of

LEAVES, TILES, CHECKPOINTS = table_of(LeafRow), table_of(LogTileRow), table_of(CheckpointRow)
BATCHES, HEAD, ERASURES = table_of(BatchRow), table_of(LogHeadRow), table_of(ErasureRow)


def batches_in_order(audit: Walk) -> Iterator[Seen]:
    """Every batch, by number."""
    return _seen(audit, BATCHES, lambda query: query.order_by(BATCHES.c.number))


def erasures_in_order(audit: Walk) -> Iterator[Seen]:
    """Every erasure, by its id."""
    return _seen(audit, ERASURES, lambda query: query.order_by(by_letters(audit, ERASURES.c.erasure_id)))


def checkpoints_in_order(audit: Walk) -> Iterator[Seen]:
    """Every checkpoint, by size."""
    return _seen(audit, CHECKPOINTS, lambda query: query.order_by(CHECKPOINTS.c.size))


def leaves_in_order(audit: Walk) -> Iterator[Seen]:
    """Every leaf that has an index, by index."""
    indexed = LEAVES.c.leaf_index.is_not(None)
    return _seen(audit, LEAVES, lambda query: query.where(indexed).order_by(LEAVES.c.leaf_index))


def leaves_waiting(audit: Walk) -> Iterator[Seen]:
    """Every leaf that has no index yet."""
    return _seen(audit, LEAVES, lambda query: query.where(LEAVES.c.leaf_index.is_(None)))


def stored_head(audit: Walk) -> Seen | None:
    """The head as it is stored."""
    return _only(_seen(audit, HEAD, lambda query: query))


def stored_tile(audit: Walk, level: int, number: int) -> Seen | None:
    """One tile as it is stored."""
    same = TILES.c.level == level, TILES.c.number == number
    return _only(_seen(audit, TILES, lambda query: query.where(*same)))


def find_leaves(audit: Walk, leaves: Iterable[bytes]) -> Mapping[bytes, Seen]:
    """Those of *leaves* that lie in the log or wait for it."""
    asked = list(leaves)
    found = _seen(audit, LEAVES, lambda query: query.where(LEAVES.c.leaf.in_(asked))) if asked else ()
    return {seen.values["leaf"]: seen for seen in found}


def index_of_leaf(audit: Walk, leaf: bytes) -> int | None:
    """Where a leaf lies; None while it waits, or when there is none that can be trusted."""
    seen = find_leaves(audit, [leaf]).get(leaf)
    index: int | None = seen.values["leaf_index"] if seen and seen.sound else None
    return index


def _only(found: Iterator[Seen]) -> Seen | None:
    # To its end: PostgreSQL keeps a cursor open for what is not.
    return next(iter(list(found)), None)


def _seen(audit: Walk, table: Table, query: Callable[[Select[Any]], Select[Any]]) -> Iterator[Seen]:
    """Rows as they are; those that cannot be read were told of, and are left aside."""
    for chunk in walk(audit.tx, table, query):
        yield from (
            Seen(row.key, row.values, not audit.knows(table.name, row.key)) for row in chunk if row.wrong is None
        )

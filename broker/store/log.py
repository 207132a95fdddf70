"""The log in rows: leaves that wait for an index, the head, the tiles, and what was published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, func, literal, select, tuple_
from sqlmodel import col

from broker.store.log_tables import CheckpointRow, LogHeadRow, LogTileRow
from broker.store.row_mac import canonical, is_marked, row_mac
from broker.store.tables import LeafRow
from broker.store.transaction import Transaction
from broker.store.writing import Values, add, add_once, change, drop, marked, put, rewrite, table_of

_LOG = 1
#: Leaves that are looked up in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Head:
    """The tree as it is stored: how many leaves, the root over them, and since when."""

    size: int
    root: bytes
    moved_at: datetime


def find_head(tx: Transaction) -> Head | None:
    """Return the tree head; None before the first leaf."""
    row = tx.execute(
        select(col(LogHeadRow.size), col(LogHeadRow.root), col(LogHeadRow.moved_at)).where(col(LogHeadRow.log) == _LOG)
    ).one_or_none()
    return Head(size=row.size, root=row.root, moved_at=row.moved_at) if row else None


def move_head(tx: Transaction, old: Head | None, new: Head) -> bool:
    """Move the head from *old* to *new*; False when somebody else moved it first."""
    if old is None:
        return add_once(tx, LogHeadRow, log=_LOG, **vars(new))
    same = (col(LogHeadRow.log) == _LOG, col(LogHeadRow.size) == old.size, col(LogHeadRow.root) == old.root)
    return bool(change(tx, LogHeadRow, *same, **vars(new)))


@dataclass(frozen=True)
class Leaf:
    """A leaf's data, 32 bytes; which kind of evidence it is of, and when it was left."""

    data: bytes
    kind: str
    left_at: datetime


def leave(tx: Transaction, leaf: Leaf) -> None:
    """Leave a leaf, to be given its index by the sequencer."""
    add(tx, LeafRow, leaf=leaf.data, kind=leaf.kind, left_at=leaf.left_at)


def pending_leaves(tx: Transaction, *, limit: int, key: bytes) -> list[Leaf]:
    """Return leaves that have no index yet, the longest waiting first.

    One that the broker did not leave, with the rows' *key*, is passed over: to write it anew would be to bless it, and
    whoever can insert rows must neither reach the log with them nor keep others out of it.
    """
    table, found = table_of(LeafRow), list[Leaf]()
    waiting = select(table).where(_waits(tx)).order_by(table.c.left_at, table.c.leaf).limit(limit)
    page = tx.execute(waiting).all()
    while page and len(found) < limit:
        rows = [row._asdict() for row in page]
        found += [Leaf(row["leaf"], row["kind"], row["left_at"]) for row in rows if _is_ours(table, row, key)]
        last = tuple_(literal(rows[-1]["left_at"]), literal(rows[-1]["leaf"]))
        page = tx.execute(waiting.where(tuple_(table.c.left_at, table.c.leaf) > last)).all()
    return found[:limit]


def _waits(tx: Transaction) -> ColumnElement[bool]:
    """That a leaf has no index yet.

    SQLite believes that a unique index holds one NULL: it would gather and sort all that waits, at every step anew.
    Told that there may be many, it takes the index that holds only those, in their order.
    """
    waits = col(LeafRow.leaf_index).is_(None)
    return func.likely(waits) if tx.dialect.name == "sqlite" else waits


def _is_ours(table: Table, row: Mapping[str, object], key: bytes) -> bool:
    return is_marked(row, row_mac(key, canonical(table, row)))


def waiting_since(tx: Transaction) -> datetime | None:
    """Return when the leaf was left that waits the longest, be it no genuine one; None when none waits."""
    found: datetime | None = tx.execute(
        select(col(LeafRow.left_at)).where(_waits(tx)).order_by(col(LeafRow.left_at)).limit(1)
    ).scalar_one_or_none()
    return found


def indexed(leaves: Iterable[Leaf], *, first: int, key: bytes) -> list[Values]:
    """The rows of leaves that have their indices, from *first* on, with MACs under the rows' *key*."""
    return [
        marked(key, LeafRow, {"leaf": leaf.data, "kind": leaf.kind, "left_at": leaf.left_at, "leaf_index": index})
        for index, leaf in enumerate(leaves, first)
    ]


def index_leaves(tx: Transaction, rows: Sequence[Values]) -> None:
    """Write leaves as they are :func:`indexed`."""
    if rows:
        rewrite(tx, LeafRow, rows, "leaf_index")


def index_of(tx: Transaction, leaf: bytes) -> int | None:
    """Return where a leaf lies; None while it waits, or when there is none."""
    return tx.execute(select(col(LeafRow.leaf_index)).where(col(LeafRow.leaf) == leaf)).scalar_one_or_none()


def leaves_between(tx: Transaction, first: int, end: int) -> list[bytes]:
    """Return the data of leaves *first* up to *end*, in order; fewer where some are not there."""
    rows = tx.execute(
        select(col(LeafRow.leaf))
        .where(col(LeafRow.leaf_index) >= first, col(LeafRow.leaf_index) < end)
        .order_by(col(LeafRow.leaf_index))
    )
    return [row.leaf for row in rows]


def leaves_from(tx: Transaction, first: int) -> int:
    """Return how many leaves have an index of *first* or more."""
    return tx.execute(select(func.count()).where(col(LeafRow.leaf_index) >= first)).scalar_one()


def find_leaves(tx: Transaction, data: Sequence[bytes]) -> dict[bytes, Leaf]:
    """Return those of these leaves that are there, by their data."""
    columns = (col(LeafRow.leaf), col(LeafRow.kind), col(LeafRow.left_at))
    found: dict[bytes, Leaf] = {}
    for begin in range(0, len(data), _AT_ONCE):
        rows = tx.execute(select(*columns).where(col(LeafRow.leaf).in_(data[begin : begin + _AT_ONCE])))
        found |= {row.leaf: Leaf(*row) for row in rows}
    return found


def free_leaves(tx: Transaction, *, first: int) -> None:
    """Take back the indices from *first* on: those leaves wait again."""
    change(tx, LeafRow, col(LeafRow.leaf_index) >= first, leaf_index=None)


def read_tile(tx: Transaction, level: int, number: int) -> bytes:
    """Return a tile's hashes, as many as are there."""
    found = tx.execute(
        select(col(LogTileRow.hashes)).where(col(LogTileRow.level) == level, col(LogTileRow.number) == number)
    ).scalar_one_or_none()
    return bytes(found or b"")


def save_tiles(tx: Transaction, tiles: Mapping[tuple[int, int], bytes]) -> None:
    """Store tiles that grew."""
    for (level, number), hashes in tiles.items():
        put(tx, LogTileRow, {"level": level, "number": number}, {"hashes": hashes})


@dataclass(frozen=True, kw_only=True)
class Published:
    """A checkpoint as it was signed."""

    size: int
    note: str
    published_at: datetime


def latest_checkpoint(tx: Transaction) -> Published | None:
    """Return the checkpoint of the largest tree."""
    found = list_checkpoints(tx, limit=1)
    return found[0] if found else None


def list_checkpoints(tx: Transaction, *, below: int | None = None, limit: int) -> list[Published]:
    """Return checkpoints that are kept, the largest tree first; *below* a size, or all."""
    largest_first = (
        select(col(CheckpointRow.size), col(CheckpointRow.note), col(CheckpointRow.published_at))
        .order_by(col(CheckpointRow.size).desc())
        .limit(limit)
    )
    wanted = largest_first if below is None else largest_first.where(col(CheckpointRow.size) < below)
    return [Published(**row._asdict()) for row in tx.execute(wanted)]


def drop_tile(tx: Transaction, level: int, number: int) -> None:
    """Take away a tile that nothing is below of."""
    drop(tx, LogTileRow, col(LogTileRow.level) == level, col(LogTileRow.number) == number)


def save_checkpoint(tx: Transaction, checkpoint: Published) -> None:
    """Publish a checkpoint; of those of one minute the last is kept.

    A busy log makes two a second, of 4 kB each: kept for ever they would outgrow what they are over.
    """
    # Two publishers take turns, and the smaller tree is not published after the larger: each row names the one before.
    tx.execute(select(col(LogHeadRow.size)).where(col(LogHeadRow.log) == _LOG).with_for_update())
    last = latest_checkpoint(tx)
    if last is not None and last.size > checkpoint.size:
        return
    if last is not None and last.size < checkpoint.size and _minute(last) == _minute(checkpoint):
        drop(tx, CheckpointRow, col(CheckpointRow.size) == last.size)
    # One that is taken away later leaves a gap, and one that is put back is not spoken of.
    before = select(func.max(col(CheckpointRow.size))).where(col(CheckpointRow.size) < checkpoint.size)
    values = {"note": checkpoint.note, "published_at": checkpoint.published_at}
    put(tx, CheckpointRow, {"size": checkpoint.size}, {**values, "previous": tx.execute(before).scalar_one()})


def _minute(checkpoint: Published) -> datetime:
    return checkpoint.published_at.replace(second=0, microsecond=0)


def size_published(tx: Transaction, until: datetime, *, key: bytes) -> int:
    """Return how many leaves the last checkpoint had that was published at *until* or before; 0 when none was.

    Of those of one minute the last is kept: what one of them vouched for before *until* may not count, and never more.
    Nothing signs when a checkpoint was published: one that the broker did not write so, with the rows' *key*, is passed
    over. Who has stolen a key and can write rows would else decide how much of what they sign counts.
    """
    table = table_of(CheckpointRow)
    earlier = select(table).where(table.c.published_at <= until).order_by(table.c.size.desc())
    rows = (row._asdict() for row in tx.execute(earlier))
    return next((int(row["size"]) for row in rows if _is_ours(table, row, key)), 0)

"""Putting back leaves that an old backup lacks, from a copy of the published log: the tree goes on, and does not fork.

What was signed is what it was: the copy is believed as far as its own log's key, or the mark, vouches for it. Only the
leaves come back, 32 bytes each; what they were leaves of is lost with the database, and is called so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.actions.broker import Broker
from broker.actions.copy_log import CHECKPOINT
from broker.actions.publish_log import read_signed
from broker.actions.read_log import Piece
from broker.actions.whole_log import Tiles, root_over, tiles_over
from broker.errors import BadConfiguration, CommandRefused, LogForked
from broker.proof.highwater import HighWater, has_high_water, read_high_water
from broker.proof.merkle import HASH_SIZE
from broker.proof.tiles import HEIGHT, WIDTH, Tile, width_of
from broker.store.log import (
    Head,
    Leaf,
    drop_tile,
    find_head,
    find_leaves,
    free_leaves,
    index_leaves,
    indexed,
    latest_checkpoint,
    leave,
    leaves_between,
    move_head,
    save_tiles,
)
from broker.store.transaction import Transaction

#: The kind of a leaf of which nothing but its 32 bytes is known any more.
LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done: leaves that came back, and leaves that lost an index nobody was ever told of."""

    lost: int
    freed: int
    size: int


def restore_log(broker: Broker, folder: Path) -> Restored:
    """Bring the tree to what *folder* holds of it; :class:`LogForked` when two histories were signed."""
    copied, mark = _copied(broker, folder), _mark(broker)
    # The copy may reach further than its own checkpoint: then the mark says what was signed.
    target = mark if mark.size > copied.size else copied
    bundles = list(_entries(folder, target.size))
    leaves, tiles = [leaf for bundle in bundles for leaf in bundle], tiles_over(bundles)
    if root_over(tiles, target.size) != target.root:
        raise BadConfiguration(f"{folder}: these entries are not those of the tree that was signed")
    if mark.size and root_over(tiles, mark.size) != mark.root:
        raise LogForked(f"{folder}: is of another history than the one that was signed last")
    with broker.database.reading() as tx:
        head = find_head(tx)
        _refuse_second_history(tx, broker, tiles, target)
        held = leaves_between(tx, 0, head.size if head else 0)
    agreed = next((at for at, pair in enumerate(zip(held, leaves, strict=False)) if pair[0] != pair[1]), len(held))
    if agreed >= target.size:
        return Restored(lost=0, freed=0, size=len(held))
    with broker.database.transaction() as tx:
        if not move_head(tx, head, Head(size=target.size, root=target.root, moved_at=broker.now())):
            raise CommandRefused("the log was written to meanwhile; run this again")
        free_leaves(tx, first=agreed)
        known = find_leaves(tx, leaves[agreed:])
        lost = [Leaf(data, LOST, broker.now()) for data in leaves[agreed:] if data not in known]
        for leaf in lost:
            leave(tx, leaf)
        known |= {leaf.data: leaf for leaf in lost}
        there = [known[data] for data in leaves[agreed:]]
        index_leaves(tx, indexed(there, first=agreed, key=broker.database.row_key))
        _put_tiles(tx, tiles, agreed, max(len(held), target.size))
    freed = set(held[agreed:]) - set(leaves[agreed:])
    return Restored(lost=len(lost), freed=len(freed), size=target.size)


def _copied(broker: Broker, folder: Path) -> HighWater:
    """The tree that the copy's own checkpoint is of."""
    try:
        signed = read_signed(broker, (folder / CHECKPOINT).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{folder / CHECKPOINT}: cannot be read") from error
    return HighWater(size=signed.size, root=signed.root)


def _mark(broker: Broker) -> HighWater:
    """The mark; the empty tree's where it is lost."""
    return read_high_water(broker.log.marks) if has_high_water(broker.log.marks) else HighWater()


def _refuse_second_history(tx: Transaction, broker: Broker, tiles: Tiles, target: HighWater) -> None:
    """What the database published must be in the copy: two trees that were both signed cannot become one."""
    latest = latest_checkpoint(tx)
    if latest is None:
        return
    signed = read_signed(broker, latest.note)
    if signed.size > target.size:
        raise CommandRefused(
            f"the copy ends at {target.size} leaves and the database has published {signed.size}: none is missing here"
        )
    if root_over(tiles, signed.size) != signed.root:
        raise LogForked(
            f"the database published a tree of {signed.size} leaves that is not the beginning of the copy's: the log"
            " has two histories, both signed, and nothing can undo that; docs/log.md says what to tell whom"
        )


def _entries(folder: Path, size: int) -> Iterator[Sequence[bytes]]:
    for first in range(0, size, WIDTH):
        width = min(WIDTH, size - first)
        whole = Piece(tile=Tile(0, first // WIDTH), width=WIDTH, entries=True)
        part = Piece(tile=whole.tile, width=width, entries=True)
        path = folder / whole.path if (folder / whole.path).exists() else folder / part.path
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise BadConfiguration(
                f"{path}: cannot be read ({error.strerror}); the copy does not reach far enough"
            ) from error
        step = 2 + HASH_SIZE
        leaves = [raw[at + 2 : at + step] for at in range(0, width * step, step)]
        if (
            raw[: width * step] != b"".join(HASH_SIZE.to_bytes(2) + leaf for leaf in leaves)
            or len(leaves[-1]) != HASH_SIZE
        ):
            raise BadConfiguration(f"{path}: holds no entries of this log")
        yield leaves


def _put_tiles(tx: Transaction, tiles: Tiles, agreed: int, reached: int) -> None:
    """Write each tile that is over other leaves than before, and take away those that nothing is left for."""
    level = 0
    while reached >> HEIGHT * level:
        for number in range((agreed >> HEIGHT * level) // WIDTH, (reached >> HEIGHT * level) // WIDTH + 1):
            tile = Tile(level, number)
            if tile in tiles:
                save_tiles(tx, {(level, number): tiles[tile]})
            elif width_of(tile, reached):
                drop_tile(tx, level, number)
        level += 1

"""The whole tree from its leaves: what the rows, the tiles, the head and every checkpoint are held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from broker.actions.broker import Broker
from broker.actions.publish_log import read_signed
from broker.errors import LogForked
from broker.proof.checkpoint import Checkpoint, parse_checkpoint
from broker.proof.merkle import EMPTY_ROOT, leaf_hash, tree_root
from broker.proof.note import NoteFailed, parse_note
from broker.proof.tiles import WIDTH, Tile, grow, reading_tiles
from broker.store.log import find_head, leaves_between, leaves_from, list_checkpoints, read_tile
from broker.store.transaction import Transaction

#: Checkpoints that are read at once.
_PAGE = 1000
Tiles = dict[Tile, bytes]


class LeavesMissing(LogForked):
    """Some leaf of the tree is not there: nothing can be worked out."""


def tiles_over(bundles: Iterable[Sequence[bytes]]) -> Tiles:
    """Every tile over leaves that come in bundles of 256, the last of them shorter."""
    tiles: Tiles = {}
    for number, leaves in enumerate(bundles):
        tiles.update(grow(number * WIDTH, [leaf_hash(leaf) for leaf in leaves], tiles.__getitem__))
    return tiles


def root_over(tiles: Tiles, size: int) -> bytes:
    """The root over the first *size* leaves, at most as many as the tiles are over."""
    return tree_root(size, reading_tiles(lambda tile: tiles[tile]))


def stored_bundles(tx: Transaction, size: int) -> Iterator[Sequence[bytes]]:
    """The leaves of the stored tree; :class:`LeavesMissing` where one is not there."""
    for first in range(0, size, WIDTH):
        end = min(first + WIDTH, size)
        leaves = leaves_between(tx, first, end)
        if len(leaves) != end - first:
            raise LeavesMissing(f"of the leaves {first} to {end - 1} of the log only {len(leaves)} are there")
        yield leaves


def faults_of_log(tx: Transaction, broker: Broker) -> Iterator[str]:
    """Name everything in which leaves, tiles, head and checkpoints disagree."""
    head = find_head(tx)
    size, root = (head.size, head.root) if head else (0, EMPTY_ROOT)
    beyond = leaves_from(tx, size)
    if beyond:
        yield f"{beyond} leaves have an index beyond the head"
    try:
        tiles = tiles_over(stored_bundles(tx, size))
    except LeavesMissing as error:
        yield error.detail
        return
    for tile, hashes in tiles.items():
        if read_tile(tx, tile.level, tile.number) != hashes:
            yield f"tile {tile.path} does not hold the hashes of what is below it"
    if root_over(tiles, size) != root:
        yield f"the head does not hold the root over its {size} leaves"
    yield from _faults_of_checkpoints(tx, broker, tiles, size)


def _faults_of_checkpoints(tx: Transaction, broker: Broker, tiles: Tiles, size: int) -> Iterator[str]:
    """Each checkpoint that is kept speaks of this tree; the latest is signed as well."""
    below: int | None = None
    while kept := list_checkpoints(tx, below=below, limit=_PAGE):
        for published in kept:
            if below is None and published is kept[0]:
                yield from _unsigned(broker, published.note)
            if not _speaks_of(published.note, broker.log.origin, published.size, tiles, size):
                yield f"the checkpoint over {published.size} leaves is not of this tree"
        below = kept[-1].size


def _unsigned(broker: Broker, note: str) -> Iterator[str]:
    try:
        read_signed(broker, note)
    except LogForked as error:
        yield error.detail


def _speaks_of(note: str, origin: str, size: int, tiles: Tiles, stored: int) -> bool:
    try:
        found = parse_checkpoint(parse_note(note).text)
    except NoteFailed:
        return False
    return size <= stored and found == Checkpoint(origin=origin, size=size, root=root_over(tiles, size))

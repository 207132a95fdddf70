"""The audit of the log: indices without a gap; tiles, head, checkpoints and the mark outside are the leaves' own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from time import monotonic, sleep

from broker.actions.audit_leaves import LEAVES
from broker.actions.broker import Broker
from broker.actions.restore_log import LOST
from broker.proof.checkpoint import parse_checkpoint, read_vkey
from broker.proof.highwater import HighWater
from broker.proof.merkle import HASH_SIZE, leaf_hash, root_of, tree_root
from broker.proof.note import NoteFailed, check_note, parse_note
from broker.proof.tiles import WIDTH, Tile, reading_tiles
from broker.store.auditing import LONGEST, Seen, Walk
from broker.store.auditing_log import (
    checkpoints_in_order,
    leaves_in_order,
    leaves_waiting,
    stored_head,
    stored_tile,
)
from broker.store.log import latest_checkpoint

_TILES, _HEAD, _CHECKPOINTS = "log_tiles", "log_head", "checkpoints"
_LOOK = 0.1
_OF_NOTHING = "there is no receipt, statement, batch, erasure or action of which it is the leaf"


class _Tree:
    """The tree as it grows leaf by leaf: the right edge of each level, and nothing else."""

    def __init__(self) -> None:
        self.size = 0
        self._edges: list[bytearray] = []

    def append(self, found: bytes) -> Iterator[tuple[Tile, bytes]]:
        """Append a leaf's hash; yield the tiles that it fills."""
        self.size += 1
        for level in range(len(self._edges) + 1):
            if level == len(self._edges):
                self._edges.append(bytearray())
            edge = self._edges[level]
            edge += found
            if len(edge) < WIDTH * HASH_SIZE:
                return
            yield Tile(level, self.size // WIDTH ** (level + 1) - 1), bytes(edge)
            found = root_of([bytes(edge[at : at + HASH_SIZE]) for at in range(0, len(edge), HASH_SIZE)])
            edge.clear()

    def edge(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that are not full yet."""
        for level, edge in enumerate(self._edges):
            if edge:
                yield Tile(level, self.size // WIDTH ** (level + 1)), bytes(edge)

    @property
    def root(self) -> bytes:
        return tree_root(self.size, reading_tiles(lambda tile: bytes(self._edges[tile.level])))


def check_log(audit: Walk, broker: Broker, mark: HighWater, *, patience: float) -> None:
    """Build the tree anew from its leaves, and hold everything that is stored of it to that.

    What was signed a moment ago is waited for, for *patience* seconds: it may be on its way.
    """
    tree, points = _Tree(), _Points(audit, broker, mark, patience)
    last: datetime | None = None
    points.look(tree)
    for leaf, found in _hashes(audit):
        last = leaf.values["left_at"] if leaf and leaf.sound else last
        for tile, hashes in tree.append(found):
            _check_tile(audit, tile, hashes)
        points.look(tree)
    for tile, hashes in tree.edge():
        _check_tile(audit, tile, hashes)
    points.end(tree)
    _check_head(audit, tree, mark)
    _check_waiting(audit, last)
    audit.walked["leaves"] = tree.size


def _hashes(audit: Walk) -> Iterator[tuple[Seen | None, bytes]]:
    """The hash of each leaf, in order. In place of one that is gone or was edited, that which its tile has."""
    size = 0
    for leaf in leaves_in_order(audit):
        index = leaf.values["leaf_index"]
        if not leaf.sound and index != size:
            continue  # told of; its index may be anything
        for lost in range(size, index):
            audit.name(LEAVES, f"index {lost}", "is missing: later leaves are there")
            yield None, _of_tile(audit, lost)
        size = index + 1
        if leaf.sound and index not in audit.leaves:
            _check_alone(audit, leaf)
        yield leaf, leaf_hash(leaf.values["leaf"]) if leaf.sound else _of_tile(audit, index)


def _check_alone(audit: Walk, leaf: Seen) -> None:
    """A leaf that no row has: one that was put back from a copy of the log is counted, any other named."""
    if leaf.values["kind"] == LOST:
        audit.walked["lost leaves"] += 1
    else:
        audit.name(LEAVES, leaf.key, _OF_NOTHING)


def _of_tile(audit: Walk, index: int) -> bytes:
    stored = stored_tile(audit, 0, index // WIDTH)
    begin = index % WIDTH * HASH_SIZE
    found = bytes(stored.values["hashes"][begin : begin + HASH_SIZE]) if stored else b""
    return found.ljust(HASH_SIZE, b"\0")


def _check_tile(audit: Walk, tile: Tile, hashes: bytes) -> None:
    stored, key = stored_tile(audit, tile.level, tile.number), f"{tile.level}/{tile.number}"
    if stored is None:
        audit.name(_TILES, key, "is missing: the leaves below it are there")
    elif stored.sound and stored.values["hashes"] != hashes:
        audit.name(_TILES, key, "it is not the tile of the leaves below it")


class _Points:
    """The trees that were signed, each looked at when the tree has its size: checkpoints, and the mark outside."""

    def __init__(self, audit: Walk, broker: Broker, mark: HighWater, patience: float) -> None:
        self._audit, self._mark, self._origin = audit, mark, broker.log.origin
        self._database, self._patience = broker.database, patience
        self._verifiers = [read_vkey(text) for text in broker.log.every_vkey]
        self._stored = checkpoints_in_order(audit)
        self._next = next(self._stored, None)
        self._before: int | None = None
        self._marked = mark.size == 0

    def look(self, tree: _Tree) -> None:
        """Look at what was signed of the tree as it is now."""
        if tree.size == self._mark.size and tree.root != self._mark.root:
            wrong = f"the first {tree.size} leaves are not those of the mark outside the database"
            self._audit.name(_HEAD, "1", wrong)
        while self._next is not None and self._next.values["size"] <= tree.size:
            self._check(self._next, tree.root if self._next.values["size"] == tree.size else b"")
            self._next = next(self._stored, None)

    def end(self, tree: _Tree) -> None:
        """Look at what was signed beyond the tree, and whether the last that was signed is here."""
        while self._next is not None:
            wrong = f"speaks of {self._next.values['size']} leaves where the log has {tree.size}"
            self._audit.name(_CHECKPOINTS, self._next.key, wrong)
            self._next = next(self._stored, None)
        if not self._marked and not self._is_published_by_now():
            wrong = "is missing: the mark outside the database says that it was signed"
            self._audit.name(_CHECKPOINTS, str(self._mark.size), wrong)

    def _is_published_by_now(self) -> bool:
        """The mark is raised before its checkpoint is published: what the snapshot lacks may be there now, or soon."""
        until = monotonic() + self._patience
        while True:
            with self._database.reading() as tx:
                latest = latest_checkpoint(tx)
            if latest is not None and latest.size >= self._mark.size:
                return True
            if monotonic() >= until:
                return False
            sleep(_LOOK)

    def _check(self, stored: Seen, root: bytes) -> None:
        self._audit.walked["checkpoints"] += 1
        # Another host's sequencer may have published more than the mark of this one knows.
        self._marked |= stored.values["size"] >= self._mark.size
        if stored.sound:
            self._check_before(stored)
            fault = self._fault(stored, root)
            if fault:
                self._audit.name(_CHECKPOINTS, stored.key, fault)
        self._before = stored.values["size"]

    def _check_before(self, stored: Seen) -> None:
        previous = stored.values["previous"]
        if previous is not None and (self._before is None or previous > self._before):
            self._audit.name(_CHECKPOINTS, str(previous), f"is missing: checkpoint {stored.key} came after it")
        elif self._before is not None and self._before != previous:
            wrong = f"was put back: checkpoint {stored.key}, after it, knows nothing of it"
            self._audit.name(_CHECKPOINTS, str(self._before), wrong)

    def _fault(self, stored: Seen, root: bytes) -> str | None:
        try:
            note = parse_note(stored.values["note"])
            checkpoint = parse_checkpoint(note.text)
            signed = check_note(note, self._verifiers)
        except NoteFailed as fault:
            return str(fault)
        if not any(verifier.name == self._origin for verifier in signed):
            return "no key of the log's has signed it"
        if (checkpoint.origin, checkpoint.size) != (self._origin, stored.values["size"]):
            return "it is of another log or size than its row says"
        return None if checkpoint.root == root else "its root is not that of the leaves"


def _check_head(audit: Walk, tree: _Tree, mark: HighWater) -> None:
    head = stored_head(audit)
    for lost in range(tree.size, mark.size):
        audit.name(LEAVES, f"index {lost}", "is missing: the mark outside the database says that it was signed")
    if tree.size < mark.size:
        wrong = (
            f"the log has {tree.size} leaves where {mark.size} were signed: its tail is gone, or a backup was restored"
        )
        audit.name(_HEAD, "1", wrong)
    elif head is None and tree.size:
        audit.name(_HEAD, "1", "is missing: there are leaves")
    elif head and head.sound and (head.values["size"], head.values["root"]) != (tree.size, tree.root):
        audit.name(_HEAD, "1", f"it is not the head of the {tree.size} leaves")


def _check_waiting(audit: Walk, last: datetime | None) -> None:
    """The longest waiting leaf is appended first: what was passed over had its index before."""
    for leaf in leaves_waiting(audit):
        if leaf.sound and last is not None and leaf.values["left_at"] < last - LONGEST:
            audit.name(LEAVES, leaf.key, "waits for an index, though later ones have theirs: it was put back")
        elif leaf.sound and leaf.values["leaf"] not in audit.waiting:
            audit.name(LEAVES, leaf.key, _OF_NOTHING)

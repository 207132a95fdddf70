"""What the log consists of for those who read it: tiles of hashes and bundles of entries, each under its own path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from broker.errors import LogForked
from broker.proof.merkle import HASH_SIZE
from broker.proof.tiles import HEIGHT, WIDTH, Tile, number_path, parse_path, width_of
from broker.store.log import leaves_between, read_tile
from broker.store.transaction import Transaction

_ENTRIES = "entries/"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One file of the log (C2SP tlog-tiles): the first *width* hashes of a tile, or the entries below them."""

    tile: Tile
    width: int
    entries: bool = False

    @property
    def full(self) -> bool:
        """Whether it will never be written again."""
        return self.width == WIDTH

    @property
    def whole_path(self) -> str:
        """Where it lies once it is full."""
        return f"tile/{_ENTRIES}{number_path(self.tile.number)}" if self.entries else f"tile/{self.tile.path}"

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.whole_path if self.full else f"{self.whole_path}.p/{self.width}"

    def read(self, tx: Transaction) -> bytes:
        """Its bytes; :class:`LogForked` when they are not all there: half a tile would be kept by caches for a year."""
        pieces = _entries(tx, self) if self.entries else _hashes(tx, self)
        if len(pieces) != self.width:
            raise LogForked(f"{self.path} of the database's log is not whole: only {len(pieces)} are there")
        return b"".join(pieces)


def parse_piece(path: str) -> Piece | None:
    """The piece that is asked for under ``tile/``, or None when it is written otherwise."""
    entries = path.startswith(_ENTRIES)
    asked = parse_path(f"0/{path.removeprefix(_ENTRIES)}" if entries else path)
    return Piece(tile=asked[0], width=asked[1], entries=entries) if asked else None


def pieces_grown(old: int, new: int) -> Iterator[Piece]:
    """Every piece that a tree of *new* leaves has and one of *old* has not."""
    level = 0
    while new >> HEIGHT * level:
        first, end = (size >> HEIGHT * level for size in (old, new))
        for number in range(first // WIDTH, -(-end // WIDTH)):
            tile = Tile(level, number)
            width = width_of(tile, new)
            if width != width_of(tile, old):
                yield Piece(tile=tile, width=width)
                if level == 0:
                    yield Piece(tile=tile, width=width, entries=True)
        level += 1


def _hashes(tx: Transaction, piece: Piece) -> list[bytes]:
    held = read_tile(tx, piece.tile.level, piece.tile.number)[: piece.width * HASH_SIZE]
    return [held[begin : begin + HASH_SIZE] for begin in range(0, len(held), HASH_SIZE)]


def _entries(tx: Transaction, piece: Piece) -> list[bytes]:
    first = piece.tile.number * WIDTH
    return [len(leaf).to_bytes(2) + leaf for leaf in leaves_between(tx, first, first + piece.width)]

"""The tree cut into tiles of 256 hashes (C2SP tlog-tiles): what is stored, served and exported.

A tile of level L holds the roots of complete subtrees of 256**L leaves. Tiles fill from the left; one that is full
never changes, and of a partial one what is there never changes either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from broker.proof.merkle import HASH_SIZE, Subtree, node_hash

HEIGHT = 8
WIDTH: int = 2**HEIGHT
#: Seven groups hold every number below 2**63. Without an end to them a path could be longer than ``int`` reads.
_PATH = re.compile(r"(?P<tile>(?:0|[1-9][0-9]?)/(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")
_MAX_LEVEL = 63

#: The bytes of a tile, as many hashes as are there, or an error.
ReadTile = Callable[["Tile"], bytes]


@dataclass(frozen=True, order=True)
class Tile:
    """One tile by its level and its number within the level."""

    level: int
    number: int

    @property
    def path(self) -> str:
        """Its address, ``L/N`` with N in groups of three digits."""
        return f"{self.level}/{number_path(self.number)}"


def number_path(number: int) -> str:
    """A tile's number as tlog-tiles writes it: 1234067 is ``x001/x234/067``."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:  # noqa: PLR2004 - three digits a group
        number //= 1000
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join(groups)


def parse_path(text: str) -> tuple[Tile, int] | None:
    """The tile and the width that ``L/N[.p/W]`` asks for, or None when it is written otherwise."""
    match = _PATH.fullmatch(text)
    if match is None:
        return None
    level, _, number = match["tile"].partition("/")
    tile = Tile(int(level), int(re.sub(r"[x/]", "", number)))
    width = int(match["width"]) if match["width"] else WIDTH
    # One path for one tile: more groups than the number needs are another writing.
    if tile.path != match["tile"] or tile.level > _MAX_LEVEL or (match["width"] and width >= WIDTH):
        return None
    return tile, width


def width_of(tile: Tile, size: int) -> int:
    """How many hashes a tile holds in a tree of *size* leaves."""
    complete = size >> (HEIGHT * tile.level)
    return max(0, min(WIDTH, complete - tile.number * WIDTH))


def reading_tiles(read: ReadTile) -> Subtree:
    """Roots of complete subtrees out of tiles, each of which is read once."""
    kept: dict[Tile, bytes] = {}

    def subtree(level: int, index: int) -> bytes:
        above = level % HEIGHT
        first = index << above
        tile = Tile(level // HEIGHT, first // WIDTH)
        if tile not in kept:
            kept[tile] = read(tile)
        return _root(kept[tile], first % WIDTH, 1 << above)

    return subtree


def grow(size: int, hashes: Iterable[bytes], read: ReadTile) -> Mapping[Tile, bytes]:
    """Append leaf hashes to a tree of *size* leaves; return every tile that changed, whole.

    Only the right edge of the tree is read. The cost of a leaf does not depend on the size.
    """
    changed: dict[Tile, bytearray] = {}

    def put(level: int, index: int, found: bytes) -> None:
        tile = Tile(level, index // WIDTH)
        if tile not in changed:
            changed[tile] = bytearray(read(tile)) if index % WIDTH else bytearray()
        held = changed[tile]
        if len(held) != index % WIDTH * HASH_SIZE:
            raise ValueError(f"tile {tile.path} holds {len(held)} bytes, not those of a tree of {size} leaves")
        held += found
        if len(held) == WIDTH * HASH_SIZE:
            put(level + 1, tile.number, _root(bytes(held), 0, WIDTH))

    for index, found in enumerate(hashes, size):
        put(0, index, found)
    return {tile: bytes(held) for tile, held in changed.items()}


def _root(held: bytes, first: int, count: int) -> bytes:
    """The root over 2**k hashes of a tile."""
    block = held[first * HASH_SIZE : (first + count) * HASH_SIZE]
    if len(block) != count * HASH_SIZE:
        raise ValueError(f"a tile lacks its hash {len(held) // HASH_SIZE}")
    while len(block) > HASH_SIZE:
        pairs = range(0, len(block), 2 * HASH_SIZE)
        block = b"".join(
            node_hash(block[at : at + HASH_SIZE], block[at + HASH_SIZE : at + 2 * HASH_SIZE]) for at in pairs
        )
    return block

"""The tree in tiles: however it grew, it is the same; only its right edge is read; its paths are tlog-tiles'."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache

import pytest
from harness import rfc6962
from hypothesis import given
from hypothesis import strategies as st

from broker.proof.merkle import HASH_SIZE, leaf_hash, prove_consistency, prove_inclusion, root_of, tree_root
from broker.proof.tiles import WIDTH, Tile, grow, number_path, parse_path, reading_tiles, width_of

#: Enough for a second tile of level 1's entries, and a partial one beside it.
MOST = 2 * WIDTH + 40
LEAVES = [str(number).encode() for number in range(MOST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def grown(sizes: Sequence[int], hashes: Sequence[bytes] = HASHES) -> dict[Tile, bytes]:
    """Grow a tree to each of these sizes, one after the other."""
    tiles: dict[Tile, bytes] = {}
    for old, new in zip([0, *sizes], sizes, strict=False):
        tiles.update(grow(old, hashes[old:new], tiles.__getitem__))
    return tiles


@cache
def whole() -> Mapping[Tile, bytes]:
    """Return the tree grown at once."""
    return grown([MOST])


@given(sizes=st.sets(st.integers(0, MOST) | st.sampled_from([1, 255, 256, 257, 511, 512, 513])))
def test_a_tree_is_the_same_however_it_grew(sizes: set[int]) -> None:
    assert whole() == grown([*sorted(sizes), MOST])


def test_a_tree_that_grows_by_ones_is_the_same_too() -> None:
    assert whole() == grown(range(1, MOST + 1))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, MOST])
def test_roots_and_proofs_out_of_tiles_are_those_of_the_standard(size: int) -> None:
    subtree = reading_tiles(grown([size]).__getitem__)
    assert rfc6962.tree_hash(LEAVES[:size]) == tree_root(size, subtree)
    for index in {0, 1, 255, 256, size - 1} & set(range(size)):
        assert rfc6962.audit_path(index, LEAVES[:size]) == prove_inclusion(index, size, subtree)
        assert rfc6962.consistency(index + 1, LEAVES[:size]) == prove_consistency(index + 1, size, subtree)


def test_what_a_tile_holds_is_what_the_standard_says_it_holds() -> None:
    """MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]), for i from 0 to 255."""
    for tile, held in whole().items():
        step = WIDTH**tile.level
        first = tile.number * WIDTH
        rows = range(first, first + width_of(tile, MOST))
        assert b"".join(rfc6962.tree_hash(LEAVES[row * step : (row + 1) * step]) for row in rows) == held
    assert {Tile(0, 0), Tile(0, 1), Tile(0, 2), Tile(1, 0)} == whole().keys()


def test_only_the_right_edge_is_read() -> None:
    read: list[Tile] = []

    def reading(tile: Tile) -> bytes:
        read.append(tile)
        return whole()[tile]

    changed = grow(MOST, [leaf_hash(b"one more")], reading)
    assert ([Tile(0, 2)], {Tile(0, 2)}) == (read, changed.keys())
    read.clear()
    grow(2 * WIDTH, HASHES[2 * WIDTH :], reading)
    assert [] == read


def test_nothing_grows_out_of_nothing() -> None:
    assert {} == grow(MOST, [], whole().__getitem__)


def test_a_full_tile_of_full_tiles_begins_the_level_above() -> None:
    """65,537 leaves: the second level's first hash, through two carries at once."""
    size = WIDTH**2 + 1
    hashes = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(size)]
    before = grow(0, hashes[: WIDTH**2 - 1], {}.__getitem__)
    after = {**before, **grow(WIDTH**2 - 1, hashes[WIDTH**2 - 1 :], before.__getitem__)}
    changed = {tile for tile in after if after[tile] != before.get(tile)}
    assert {Tile(0, 255), Tile(0, 256), Tile(1, 0), Tile(2, 0)} == changed
    assert root_of(hashes[: WIDTH**2]) == after[Tile(2, 0)]
    assert root_of(hashes) == tree_root(size, reading_tiles(after.__getitem__))


@pytest.mark.parametrize("held", [b"", HASHES[0], bytes(HASH_SIZE * 3), bytes(HASH_SIZE * 2 - 1)])
def test_a_tile_that_is_not_of_this_size_is_not_built_upon(held: bytes) -> None:
    with pytest.raises(ValueError, match="tile 0/000 holds"):
        grow(2, [leaf_hash(b"third")], lambda _: held)


@pytest.mark.parametrize("lacking", [b"", HASHES[0][:-1]])
def test_a_hash_that_is_not_there_is_missed(lacking: bytes) -> None:
    with pytest.raises(ValueError, match="lacks its hash 0"):
        tree_root(1, reading_tiles(lambda _: lacking))


def test_each_tile_is_read_once() -> None:
    read: list[Tile] = []

    def reading(tile: Tile) -> bytes:
        read.append(tile)
        return whole()[tile]

    prove_inclusion(300, MOST, reading_tiles(reading))
    assert sorted(set(read)) == sorted(read)


PATHS = {
    "0/000": (Tile(0, 0), 256),
    "0/000.p/1": (Tile(0, 0), 1),
    "0/255.p/255": (Tile(0, 255), 255),
    "1/x001/000": (Tile(1, 1000), 256),
    "2/x001/x234/067.p/40": (Tile(2, 1234067), 40),
    "63/999": (Tile(63, 999), 256),
    "0/x999/x999/x999/x999/x999/x999/999": (Tile(0, 10**21 - 1), 256),
}


@pytest.mark.parametrize(("path", "asked"), PATHS.items(), ids=PATHS.keys())
def test_a_path_names_a_tile(path: str, asked: tuple[Tile, int]) -> None:
    assert asked == parse_path(path)
    assert path.partition(".")[0] == asked[0].path


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/0", "0/00", "0/0000", "0/1000", "00/000", "01/000", "64/000", "99/000", "100/000", "-1/000",
        "0/x000/000", "0/x000/001", "0/001/000", "0/x001", "0/x001/x000", "0/x01/000", "0/X001/000", "0/x001//000",
        "0/000.p/0", "0/000.p/256", "0/000.p/257", "0/000.p/01", "0/000.p/1000", "0/000.p/", "0/000.p", "0/000.p/-1",
        "0/000/", "/0/000", "0/000\n", " 0/000", "0/\u0660\u0660\u0660", "\u0660/000", "0/000.p/\u0661",
        "0/../000", "0/000.p/1.p/1", "0/00a", "0/" + "x001/" * 7 + "000", "0/" + "x999/" * 2000 + "999",
    ],
)  # fmt: skip
def test_what_is_no_path_of_a_tile_is_none(path: str) -> None:
    assert parse_path(path) is None


@given(level=st.integers(0, 63), number=st.integers(0, 2**63), width=st.integers(1, 256))
def test_what_is_written_is_read(level: int, number: int, width: int) -> None:
    tile = Tile(level, number)
    partial = f".p/{width}" if width < WIDTH else ""
    assert (tile, width) == parse_path(f"{tile.path}{partial}")
    assert f"{level}/{number_path(number)}" == tile.path


def test_the_standards_own_example_has_these_tiles() -> None:
    """A tree of 70,000: 273 full tiles and one of 112; one full of level 1 and one of 17; one of 1."""
    widths = {level: [width_of(Tile(level, number), 70_000) for number in range(275)] for level in range(4)}
    assert {0: [256] * 273 + [112, 0], 1: [256, 17] + [0] * 273, 2: [1] + [0] * 274, 3: [0] * 275} == widths
    assert ([256, 0], 1) == ([width_of(Tile(0, number), 256) for number in (0, 1)], width_of(Tile(1, 0), 256))

"""The tree alone, without a database: our hashing and proving against SHA-256 itself and against Go's tlog."""

import hashlib
import statistics
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.floors import hash_alone
from benchmarks.measuring import Timings
from benchmarks.peers import ask_go
from broker.actions.broker import Broker
from broker.actions.keep_log import BATCH
from broker.proof.merkle import leaf_hash, prove_inclusion, tree_root
from broker.proof.tiles import Tile, grow, reading_tiles
from broker.store.log import find_head, leaves_between


@dataclass(frozen=True)
class _Found:
    """A tree's size and root, and the digest over the hashes of the proofs that were asked for."""

    size: int
    root: bytes
    proofs: bytes


def measure(broker: Broker, home: Path, size: int, proofs: int, rng: Random, *, peer: bool) -> Mapping[str, Any]:
    """Build the stored tree again in memory, and prove; the roots must be those that the broker has signed."""
    tiles: dict[Tile, bytes] = {}
    hashing, growing = 0.0, Timings()
    root, begun = b"", 0
    for leaves in _stored(broker, size):
        hashing += hash_alone(leaves)
        with growing.one():
            tiles.update(grow(begun, [leaf_hash(leaf) for leaf in leaves], tiles.__getitem__))
            begun += len(leaves)
            root = tree_root(begun, reading_tiles(tiles.__getitem__))
    with broker.database.reading() as tx:
        head = find_head(tx)
    if head is None or (head.size, head.root) != (begun, root):
        raise AssertionError("the tree in memory is not the one in the database")
    indices = [rng.randrange(size) for _ in range(proofs)]
    prove_us, digest = _prove(tiles, indices, size)
    return {
        "size": size,
        "hash_us": hashing / size * 1e6,
        "append_us": growing.total / size * 1e6,
        "prove_us": prove_us,
        "go": _go(broker, home, indices, _Found(size, root, digest)) if peer else None,
    }


def _prove(tiles: Mapping[Tile, bytes], indices: Sequence[int], size: int) -> tuple[float, bytes]:
    """The median microseconds of a proof, and the digest over all of them."""
    timings, digest = Timings(), hashlib.sha256()
    for index in indices:
        with timings.one():
            hashes = prove_inclusion(index, size, reading_tiles(tiles.__getitem__))
        digest.update(b"".join(hashes))
    return timings.median * 1e6, digest.digest()


def _go(broker: Broker, home: Path, indices: Sequence[int], found: _Found) -> Mapping[str, float]:
    """What Go's tlog takes for the same; that it finds the same is what makes the two comparable."""
    leaves = (leaf for chunk in _stored(broker, found.size) for leaf in chunk)
    answer = ask_go(home, leaves, found.size, indices)
    if (answer.root, answer.proofs) != (b64encode(found.root).decode(), b64encode(found.proofs).decode()):
        raise AssertionError("Go's tlog finds another root or other proofs")
    return {"append_us": answer.append / found.size * 1e6, "prove_us": statistics.median(answer.prove) * 1e6}


def _stored(broker: Broker, size: int) -> Iterator[list[bytes]]:
    """The leaves in the order of the tree, as many at once as a step appends."""
    for begin in range(0, size, BATCH):
        with broker.database.reading() as tx:
            found = leaves_between(tx, begin, min(begin + BATCH, size))
        yield found

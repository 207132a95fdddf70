"""The Merkle tree of RFC 6962 section 2: hashes, inclusion and consistency proofs. No storage, no format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH_SIZE = 32
#: The root of the tree of nothing.
EMPTY_ROOT = hashlib.sha256(b"").digest()
#: The root of the complete subtree of 2**level leaves that is the index-th of its size.
Subtree = Callable[[int, int], bytes]


class ProofFailed(ValueError):
    """A proof does not lead where it should; the message says what was found."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf. Its prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes that are all at hand; the plain definition."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = [*paired, level[-1]] if len(level) % 2 else paired
    return level[0]


def tree_root(size: int, subtree: Subtree) -> bytes:
    """The root over the first *size* leaves."""
    return _range_root(0, size, subtree) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that lead from leaf *index* to the root over *size* leaves (RFC 6962 section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    return _path(index, 0, size, subtree)


def prove_consistency(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show the tree of *old* leaves to be the beginning of that of *new* (section 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} has no beginning of {old}")
    return [] if old in (0, new) else _subproof(old, 0, new, subtree, whole=True)


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise :class:`ProofFailed` unless *proof* leads from the leaf hash to *root*."""
    if not 0 <= index < size:
        raise ProofFailed(f"there is no leaf {index} in a tree of {size}")
    steps = _Steps(proof)
    if _rebuilt(leaf, index, size, steps) != root:
        raise ProofFailed("the proof leads to another root")
    steps.end()


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise :class:`ProofFailed` unless *proof* shows the tree of *old* leaves to be the beginning of that of *new*."""
    if not 0 <= old <= new:
        raise ProofFailed(f"a tree of {new} has no beginning of {old}")
    steps = _Steps(proof)
    if old == 0:  # of nothing everything is a continuation, but nothing has one root only
        before, after = EMPTY_ROOT, new_root if new else EMPTY_ROOT
    else:
        before, after = _grown(old, new, steps, known=old_root)
    if (before, after) != (old_root, new_root):
        raise ProofFailed("the proof leads to other roots")
    steps.end()


class _Steps:
    """The hashes of a proof, taken one after the other and used up."""

    def __init__(self, proof: Sequence[bytes]) -> None:
        self._left = list(proof)

    def next(self) -> bytes:
        if not self._left:
            raise ProofFailed("the proof is too short")
        return self._left.pop(0)

    def end(self) -> None:
        if self._left:
            raise ProofFailed("the proof is too long")


def _rebuilt(leaf: bytes, index: int, size: int, steps: _Steps) -> bytes:
    """The root that a leaf and its proof make: :func:`_path`, walked upwards."""
    if size == 1:
        return leaf
    split = _split(size)
    if index < split:
        left = _rebuilt(leaf, index, split, steps)
        return node_hash(left, steps.next())
    right = _rebuilt(leaf, index - split, size - split, steps)
    return node_hash(steps.next(), right)


def _grown(old: int, size: int, steps: _Steps, *, known: bytes | None) -> tuple[bytes, bytes]:
    """The old root and the new one that a proof makes: :func:`_subproof`, walked upwards."""
    if old == size:
        root = known if known is not None else steps.next()
        return root, root
    split = _split(size)
    if old <= split:
        before, left = _grown(old, split, steps, known=known)
        return before, node_hash(left, steps.next())
    before, right = _grown(old - split, size - split, steps, known=None)
    left = steps.next()
    return node_hash(left, before), node_hash(left, right)


def _range_root(begin: int, end: int, subtree: Subtree) -> bytes:
    """The root over leaves *begin* up to *end*, where *begin* is a multiple of the largest power of two inside."""
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtree(level, begin >> level)
    split = _split(size)
    return node_hash(_range_root(begin, begin + split, subtree), _range_root(begin + split, end, subtree))


def _path(index: int, begin: int, end: int, subtree: Subtree) -> list[bytes]:
    size = end - begin
    if size == 1:
        return []
    middle = begin + _split(size)
    if index < middle:
        return [*_path(index, begin, middle, subtree), _range_root(middle, end, subtree)]
    return [*_path(index, middle, end, subtree), _range_root(begin, middle, subtree)]


def _subproof(old: int, begin: int, end: int, subtree: Subtree, *, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2; ``whole``: the old tree's root is known to the reader."""
    size = end - begin
    if old == size:
        return [] if whole else [_range_root(begin, end, subtree)]
    split = _split(size)
    middle = begin + split
    if old <= split:
        return [*_subproof(old, begin, middle, subtree, whole=whole), _range_root(middle, end, subtree)]
    left = _range_root(begin, middle, subtree)
    return [*_subproof(old - split, middle, end, subtree, whole=False), left]


def _split(size: int) -> int:
    """The largest power of two below *size*."""
    return 1 << ((size - 1).bit_length() - 1)

"""A stranger's reader of a tiled log, after C2SP's signed-note, tlog-checkpoint and tlog-tiles, and RFC 6962.

It knows nothing of the broker's code: what it accepts, anybody's client accepts.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says once its signature was checked."""

    origin: str
    size: int
    root: bytes


class TileClient:
    """Reads one log by its prefix, believing nothing but the Ed25519 key it was given."""

    def __init__(self, fetch: Fetch, vkey: str) -> None:
        self.fetch = fetch
        self.name, key_id, encoded = vkey.split("+", 2)
        raw = b64decode(encoded)
        if raw[0] != 1 or hashlib.sha256(f"{self.name}\n".encode() + raw).hexdigest()[:8] != key_id:
            raise AssertionError("no Ed25519 verifier key")
        self.key_id, self.key = bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])

    def checkpoint(self) -> TreeHead:
        """Fetch the checkpoint and open it."""
        return self.opened(self.fetch("checkpoint"))

    def opened(self, raw: bytes) -> TreeHead:
        """Check a signed note, and read the tree head in it."""
        text, _, signatures = raw.decode().rpartition("\n\n")
        body = text + "\n"
        lines = [line.removeprefix("— ").split(" ") for line in signatures.splitlines()]
        (mine,) = [b64decode(sig) for name, sig in lines if name == self.name and b64decode(sig)[:4] == self.key_id]
        self.key.verify(mine[4:], body.encode())
        origin, size, root, *_extensions = body.split("\n")
        return TreeHead(origin, int(size), b64decode(root))

    def entries(self, size: int) -> list[bytes]:
        """Fetch every entry of a tree."""
        found: list[bytes] = []
        for number in range(-(-size // 256)):
            width = min(256, size - number * 256)
            rest = self.fetch(f"tile/entries/{path_of(number)}{suffix(width)}")
            bundle = []
            while rest:
                length = int.from_bytes(rest[:2], "big")
                bundle.append(rest[2 : 2 + length])
                rest = rest[2 + length :]
            if len(bundle) != width:
                raise AssertionError(f"{len(bundle)} entries where {width} belong")
            found += bundle
        return found

    def subtree(self, size: int, begin: int, end: int) -> bytes:
        """The hash of the leaves from begin to end, out of the tiles of a tree of that size (RFC 6962 section 2.1)."""
        length = end - begin
        if length & (length - 1) == 0:
            level = length.bit_length() - 1
            if level % 8 == 0 and begin % length == 0:
                return self.hash_at(size, level // 8, begin // length)
        split = 1 << ((length - 1).bit_length() - 1)
        return node(self.subtree(size, begin, begin + split), self.subtree(size, begin + split, end))

    def hash_at(self, size: int, level: int, index: int) -> bytes:
        """One hash of a tile."""
        complete = size // 256**level
        width = min(256, complete - index // 256 * 256)
        tile = self.fetch(f"tile/{level}/{path_of(index // 256)}{suffix(width)}")
        if len(tile) != 32 * width:
            raise AssertionError(f"a tile of {len(tile)} bytes where {32 * width} belong")
        return tile[index % 256 * 32 :][:32]

    def root(self, size: int) -> bytes:
        """The root of a tree, out of its tiles."""
        return self.subtree(size, 0, size) if size else hashlib.sha256().digest()

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """PROOF(old, D[new]) of RFC 6962 section 2.1.2, out of the tiles."""
        return self._subproof(old, 0, new, new, whole=True) if 0 < old < new else []

    def _subproof(self, old: int, begin: int, end: int, size: int, *, whole: bool) -> list[bytes]:
        length = end - begin
        if old == length:
            return [] if whole else [self.subtree(size, begin, end)]
        split = 1 << ((length - 1).bit_length() - 1)
        if old <= split:
            left = self._subproof(old, begin, begin + split, size, whole=whole)
            return [*left, self.subtree(size, begin + split, end)]
        right = self._subproof(old - split, begin + split, end, size, whole=False)
        return [*right, self.subtree(size, begin, begin + split)]


def node(left: bytes, right: bytes) -> bytes:
    """A node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_entries(entries: list[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 section 2.1, as it is defined."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1 << ((len(entries) - 1).bit_length() - 1)
    return node(root_of_entries(entries[:split]), root_of_entries(entries[split:]))


def is_consistent(old: TreeHead, new: TreeHead, proof: list[bytes]) -> bool:
    """Verify a consistency proof by RFC 9162 section 2.1.4.2, step by step."""
    if old.size in {0, new.size}:
        return not proof and (old.size == 0 or old.root == new.root)
    if old.size > new.size or not proof:
        return False
    path = [old.root, *proof] if old.size & (old.size - 1) == 0 else proof
    first, second = old.size - 1, new.size - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    before = after = path[0]
    for step in path[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            before, after = node(step, before), node(step, after)
            while first and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            after = node(after, step)
        first, second = first >> 1, second >> 1
    return (before, after, second) == (old.root, new.root, 0)


def path_of(number: int) -> str:
    """A tile's number in groups of three digits, all but the last with an x before."""
    digits = str(number).zfill(-(-len(str(number)) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def suffix(width: int) -> str:
    """What a partial tile's path ends with."""
    return "" if width == 256 else f".p/{width}"

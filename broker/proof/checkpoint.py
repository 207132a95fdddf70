"""The checkpoint (C2SP tlog-checkpoint): the log's name, its size and its root, signed as a note.

Beside the log's Ed25519 signature stand cosignatures (C2SP tlog-cosignature), each over the tree and a time: one of the
log's own ML-DSA-44 key (0x06), so that old receipts stay anchored should elliptic curves fall, and those of witnesses.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from broker.proof.merkle import EMPTY_ROOT, HASH_SIZE
from broker.proof.note import (
    ED25519,
    Ed25519Verifier,
    NoteFailed,
    RawKey,
    SignatureLine,
    Verifier,
    key_hash,
    read_base64,
    split_vkey,
    vkey,
)

COSIGNED_ED25519, ML_DSA_44 = 0x04, 0x06
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MOST = 2**63 - 1
_TIME_SIZE = 8
_ML_DSA_44_SIZE = 1312
_LABEL = b"subtree/v1\n\0"


def origin_of(issuer: str) -> str:
    """The name of the log that an issuer keeps: its own, without the scheme. No other log vouches for its evidence."""
    return f"{issuer.partition('://')[2]}/log"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A log's state: who it is, how many leaves it holds, and the root over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text, or raise :class:`NoteFailed`.

    Further lines are extensions, which the format allows: nothing in them is believed, and we write none.
    """
    *lines, end = text.split("\n")
    if end or len(lines) < 3 or "" in lines or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - origin, size, root
        raise NoteFailed("a checkpoint is an origin, a size and a root, a line each")
    checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=read_base64(lines[2]))
    if len(checkpoint.root) != HASH_SIZE or checkpoint.size > _MOST:
        raise NoteFailed(f"a root is {HASH_SIZE} bytes, and a size is below 2^63")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise NoteFailed("a tree of nothing has another root")
    return checkpoint


@dataclass(frozen=True)
class MlDsaSigner:
    """The log's second key; each signature says when it was made."""

    name: str
    key: RawKey = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)

    @property
    def _public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        """The verifier key."""
        return vkey(self.name, ML_DSA_44, self._public)

    def sign(self, text: str) -> SignatureLine:
        """Cosign the checkpoint that *text* is."""
        time = int(self.now().timestamp()).to_bytes(_TIME_SIZE)
        signature = self.key.sign(_cosigned(self.name, time, parse_checkpoint(text)))
        return SignatureLine(self.name, key_hash(self.name, ML_DSA_44, self._public), time + signature)


@dataclass(frozen=True)
class MlDsaVerifier:
    """A public key that cosigns checkpoints."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if len(self.public) != _ML_DSA_44_SIZE:
            raise NoteFailed("the verifier key is no ML-DSA-44 public key")

    @property
    def key_hash(self) -> bytes:
        """What stands before a signature of this key."""
        return key_hash(self.name, ML_DSA_44, self.public)

    def check(self, text: str, signature: bytes) -> None:
        """Check a cosignature of the checkpoint that *text* is."""
        time, rest = _split(signature)
        message = _cosigned(self.name, time, parse_checkpoint(text))
        try:
            MLDSA44PublicKey.from_public_bytes(self.public).verify(rest, message)
        except (InvalidSignature, ValueError) as error:
            raise NoteFailed(f"the cosignature is not {self.name}'s over this checkpoint") from error


@dataclass(frozen=True)
class WitnessVerifier(Ed25519Verifier):
    """A witness's Ed25519 key: it signs a checkpoint's whole text, under a time."""

    kind: ClassVar[int] = COSIGNED_ED25519

    def check(self, text: str, signature: bytes) -> None:
        """Check a cosignature of the checkpoint that *text* is."""
        parse_checkpoint(text)
        time, rest = _split(signature)
        super().check(f"cosignature/v1\ntime {int.from_bytes(time)}\n{text}", rest)


_KINDS: dict[int, Callable[[str, bytes], Verifier]] = {
    ED25519: Ed25519Verifier,
    COSIGNED_ED25519: WitnessVerifier,
    ML_DSA_44: MlDsaVerifier,
}


def read_vkeys(text: str) -> list[Verifier]:
    """Verifier keys, one a line, as ``/log/vkeys`` gives them; lines of ``#`` are comments."""
    lines = [line.strip() for line in text.splitlines()]
    return [read_vkey(line) for line in lines if line and not line.startswith("#")]


def read_vkey(text: str) -> Verifier:
    """One verifier key, or :class:`NoteFailed`."""
    name, kind, public = split_vkey(text)
    if kind not in _KINDS:
        raise NoteFailed(f"verifier keys of type {kind:#04x} are not known")
    return _KINDS[kind](name, public)


def vkeys_text(keys: Iterable[str]) -> str:
    """Verifier keys as a file."""
    return "".join(f"{key}\n" for key in keys)


def _split(signature: bytes) -> tuple[bytes, bytes]:
    """The time and the signature proper of a ``timestamped_signature``."""
    time, rest = signature[:_TIME_SIZE], signature[_TIME_SIZE:]
    if not rest or int.from_bytes(time) > _MOST:
        raise NoteFailed("a cosignature is a time of eight bytes and a signature")
    return time, rest


def _cosigned(name: str, time: bytes, checkpoint: Checkpoint) -> bytes:
    """The ``cosigned_message`` of a whole tree: the subtree from 0 to its size. Lines of extensions are not in it."""
    return b"".join(
        (
            _LABEL,
            _counted(name),
            time,
            _counted(checkpoint.origin),
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _counted(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:  # noqa: PLR2004 - opaque<1..2^8-1>
        raise NoteFailed("the name of a log or a cosigner is at most 255 bytes")
    return len(raw).to_bytes() + raw

"""Signed notes (C2SP signed-note): a text, and a line for each signature under it.

Ed25519 (0x01) signs any text; the kinds that sign checkpoints only are in ``checkpoint``. A signature of an unknown key
is left aside, as the format asks; one of a known key that does not verify is a lie.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 0x01
_HASH_SIZE = 4
_ED25519_SIZE = 32
_PREFIX = "\u2014 "
_NAME = re.compile(r"[^\s+]+")
#: Control characters but the line break, and what is no Unicode text.
_NO_TEXT = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_MAX_SIGNATURES = 100
#: Points of small order: under such a "key" a signature verifies over anything.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    )
)


class NoteFailed(ValueError):
    """A note, a key or a signature is not what it should be; the message says what was found."""


@dataclass(frozen=True)
class SignatureLine:
    """One signature under a note, by whom it says it is."""

    name: str
    key_hash: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {b64encode(self.key_hash + self.signature).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A text, its last line ended, and the signatures under it."""

    text: str
    lines: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(str(line) for line in self.lines)}"


class PublicKey(Protocol):
    """The public half of a key that signs bytes."""

    def public_bytes_raw(self) -> bytes:
        """As its standard writes it."""


class RawKey(Protocol):
    """A key that signs bytes, Ed25519 or ML-DSA-44; those of ``cryptography`` are such, and one in an HSM can be."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature over *data*."""

    def public_key(self) -> PublicKey:
        """Its public half."""


class Signer(Protocol):
    """A key that signs notes; one in an HSM can offer the same."""

    @property
    def vkey(self) -> str:
        """The verifier key, ``name+hash+base64``."""

    def sign(self, text: str) -> SignatureLine:
        """A signature line for *text*."""


class Verifier(Protocol):
    """A key that checks them."""

    @property
    def name(self) -> str:
        """Whose key it is."""

    @property
    def key_hash(self) -> bytes:
        """What stands before a signature of this key."""

    def check(self, text: str, signature: bytes) -> None:
        """Raise :class:`NoteFailed` unless *signature* is this key's over *text*."""


@dataclass(frozen=True)
class Ed25519Signer:
    """The log's own key."""

    name: str
    key: RawKey = field(repr=False)

    @property
    def _public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        """The verifier key."""
        return vkey(self.name, ED25519, self._public)

    def sign(self, text: str) -> SignatureLine:
        """Sign the text."""
        return SignatureLine(self.name, key_hash(self.name, ED25519, self._public), self.key.sign(text.encode()))


@dataclass(frozen=True)
class Ed25519Verifier:
    """A public key that signs texts as they are."""

    name: str
    public: bytes
    kind: ClassVar[int] = ED25519

    def __post_init__(self) -> None:
        if len(self.public) != _ED25519_SIZE or self.public in _SMALL_ORDER:
            raise NoteFailed("the verifier key is no Ed25519 public key, or one under which anything verifies")

    @property
    def key_hash(self) -> bytes:
        """What stands before a signature of this key."""
        return key_hash(self.name, self.kind, self.public)

    def check(self, text: str, signature: bytes) -> None:
        """Check a signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as error:
            raise NoteFailed(f"the signature is not {self.name}'s over this text") from error


def key_hash(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes by which a key is found. They prove nothing."""
    return hashlib.sha256(f"{name}\n".encode() + bytes([kind]) + public).digest()[:_HASH_SIZE]


def vkey(name: str, kind: int, public: bytes) -> str:
    """A verifier key as C2SP writes it."""
    digest = key_hash(name, kind, public).hex()
    return f"{name}+{digest}+{b64encode(bytes([kind]) + public).decode()}"


def split_vkey(text: str) -> tuple[str, int, bytes]:
    """The name, kind and public key of a verifier key, or :class:`NoteFailed`."""
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    raw = read_base64(encoded)
    if not _NAME.fullmatch(name) or len(raw) < 2 or key_hash(name, raw[0], raw[1:]).hex() != digest:  # noqa: PLR2004 - a kind and a key
        raise NoteFailed("a verifier key is name+hash+base64, its hash that of the key")
    return name, raw[0], raw[1:]


def sign_note(text: str, signers: Iterable[Signer]) -> Note:
    """Sign a text that ends in a line break."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a line break")
    return Note(text, tuple(signer.sign(text) for signer in signers))


def parse_note(raw: str) -> Note:
    """Take a note apart, or raise :class:`NoteFailed`."""
    text, separator, under = raw.rpartition("\n\n")
    if not separator or not under.endswith("\n") or _NO_TEXT.search(raw):
        raise NoteFailed("a note is a text, an empty line and signature lines")
    lines = tuple(_line(line) for line in under[:-1].split("\n"))
    if len(lines) > _MAX_SIGNATURES:
        raise NoteFailed("a note has too many signatures")
    return Note(text + "\n", lines)


def check_note(note: Note, verifiers: Iterable[Verifier]) -> list[Verifier]:
    """Return the keys that signed, each once: perhaps none, and then nothing in the note is to be believed.

    Raises :class:`NoteFailed` for a signature that is not the key's it names, be it the key's second.
    """
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    signed: dict[tuple[str, bytes], Verifier] = {}
    for line in note.lines:
        named = line.name, line.key_hash
        if named in known:
            known[named].check(note.text, line.signature)
            signed[named] = known[named]
    return list(signed.values())


def read_base64(text: str) -> bytes:
    """The bytes that *text* writes, or :class:`NoteFailed`: of all that decodes alike only one writing is taken."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError as error:
        raise NoteFailed(f"not base64: {text[:50]!r}") from error
    if b64encode(raw).decode() != text:
        raise NoteFailed(f"not the canonical base64: {text[:50]!r}")
    return raw


def _line(text: str) -> SignatureLine:
    name, _, encoded = text.removeprefix(_PREFIX).partition(" ")
    raw = read_base64(encoded)
    if not text.startswith(_PREFIX) or not _NAME.fullmatch(name) or len(raw) <= _HASH_SIZE:
        raise NoteFailed("a signature line is a dash, a name and base64")
    return SignatureLine(name, raw[:_HASH_SIZE], raw[_HASH_SIZE:])

"""Master keys: what seals key files. Each has its epoch; the newest seals, all of them open.

Trusted: whoever has the folder of keys and its master key is the broker. Destroying an old master key makes what was
sealed under it unreadable wherever it was copied to: that is how an erasure reaches backups.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.errors import BadConfiguration
from broker.proof.secretfiles import read_private, replace_and_destroy, write_private

SECRET_SIZE = 32
MASTER = "master.key"
_NONCE_SIZE = 12
_ID_LETTERS = 16


class NotUnwrapped(ValueError):
    """A wrapped secret does not open: it was changed, stands under another label, or its master key is gone."""


class MasterKey(Protocol):
    """What wraps secrets. A key in an HSM or a cloud KMS offers the same, and never leaves it.

    ``wrap`` authenticates the label with the secret: under another label, or changed, it does not unwrap.
    """

    @property
    def id(self) -> str:
        """The name of the newest epoch, under which :meth:`wrap` wraps."""

    def wrap(self, secret: bytes, *, label: str) -> bytes:
        """Wrap a secret under the newest epoch."""

    def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        """Return what was wrapped for *label* under any epoch, or raise :class:`NotUnwrapped`."""


@dataclass(frozen=True)
class LocalMaster:
    """Master keys of 32 bytes each, the newest last, in this process. ``random(n)`` gives n bytes."""

    keys: tuple[bytes, ...] = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)

    @property
    def id(self) -> str:
        """What the newest key is called."""
        return id_of(self.keys[-1])

    def wrap(self, secret: bytes, *, label: str) -> bytes:
        """Seal under the newest key (AES-256-GCM-SIV), the label authenticated with it."""
        nonce = self.random(_NONCE_SIZE)
        return nonce + AESGCMSIV(self.keys[-1]).encrypt(nonce, secret, label.encode())

    def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        """Open under whichever key it was sealed."""
        for key in reversed(self.keys):
            try:
                return AESGCMSIV(key).decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], label.encode())
            except (ValueError, InvalidTag):
                continue
        raise NotUnwrapped


def id_of(key: bytes) -> str:
    """A master key's name: it may be shown, and tells nothing of the key."""
    return urlsafe_b64encode(hmac.digest(key, b"the name of a master key", hashlib.sha256))[:_ID_LETTERS].decode()


def parse_masters(text: str, *, where: str) -> tuple[bytes, ...]:
    """Return master keys written as base64url with blanks or line breaks between them, the newest last."""
    keys = tuple(_decoded(word, where) for word in text.split())
    if not keys:
        raise BadConfiguration(f"{where}: a master key is {SECRET_SIZE} bytes, written as base64url; there is none")
    if len(set(keys)) < len(keys):
        raise BadConfiguration(f"{where}: one master key stands there twice; which of them is the newest?")
    return keys


def read_masters(path: Path) -> tuple[bytes, ...]:
    """Read a master key file."""
    return parse_masters(read_private(path).decode("ascii", errors="replace"), where=str(path))


def create_master(path: Path, *, random: Callable[[int], bytes]) -> bool:
    """Make the master key of a development broker; False when it is there already."""
    if path.exists():
        return False
    if any(path.parent.glob("*.key")) or any(path.parent.glob("*.json")):
        raise BadConfiguration(f"{path}: is missing beside the keys it seals; restore it from the backup of the keys")
    write_private(path, _line(random(SECRET_SIZE)))
    return True


def append_master(path: Path, *, random: Callable[[int], bytes]) -> None:
    """Make a new master key at the end of the file; those before it stay."""
    keys = (*read_masters(path), random(SECRET_SIZE))
    write_private(path.resolve(), b"".join(map(_line, keys)))


def remove_master(path: Path, name: str) -> bool:
    """Destroy the key of that name in the file; False when it is not there. The newest is never destroyed."""
    keys = read_masters(path)
    kept = [key for key in keys[:-1] if id_of(key) != name] + [keys[-1]]
    if len(kept) == len(keys):
        return False
    replace_and_destroy(path.resolve(), b"".join(map(_line, kept)))
    return True


def _decoded(word: str, where: str) -> bytes:
    try:
        key = urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except ValueError:
        key = b""
    if len(key) != SECRET_SIZE:
        raise BadConfiguration(f"{where}: a master key is {SECRET_SIZE} bytes, written as base64url")
    return key


def _line(key: bytes) -> bytes:
    return urlsafe_b64encode(key) + b"\n"

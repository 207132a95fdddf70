"""What must be shown again is sealed: AES-256-GCM-SIV, bound to the row and column it belongs to.

A person's values are sealed under a key of that person's own; erasing the person destroys that key. What
is about nobody yet, or must outlive an erasure, is sealed under the store's key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.errors import BrokerError

KEY_SIZE = 32
_NONCE_SIZE = 12


class SealBroken(BrokerError):
    """A sealed value does not open: it was changed, moved to another row, or its key is gone."""

    title = "A stored value does not open"


@dataclass(frozen=True)
class Sealer:
    """Seals and opens with one key. ``random(n)`` gives n bytes."""

    key: bytes = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Seal *plain* for *place* (``table.column:row``); in any other place it does not open."""
        nonce = self.random(_NONCE_SIZE)
        return nonce + AESGCMSIV(self.key).encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Open what was sealed for *place*, or raise :class:`SealBroken`."""
        try:
            return AESGCMSIV(self.key).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"what is sealed at {place.partition(':')[0]} does not open") from error

    def seal_json(self, value: object, *, place: str) -> bytes:
        """Seal a JSON value."""
        return self.seal(json.dumps(value, ensure_ascii=False).encode(), place=place)

    def open_json(self, sealed: bytes, *, place: str) -> object:
        """Open a JSON value."""
        return json.loads(self.open(sealed, place=place))

    def new_key(self, *, place: str) -> tuple[Sealer, bytes]:
        """Make a fresh key; return its sealer and the key wrapped for *place*."""
        key = self.random(KEY_SIZE)
        return Sealer(key, self.random), self.seal(key, place=place)

    def unwrap(self, wrapped: bytes, *, place: str) -> Sealer:
        """Open a wrapped key."""
        return Sealer(self.open(wrapped, place=place), self.random)

    def derive(self, label: str) -> Sealer:
        """A sealer for another use of the same secret."""
        return Sealer(hmac.digest(self.key, label.encode(), hashlib.sha256), self.random)

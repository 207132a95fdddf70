"""What must be shown again is sealed: AES-256-GCM-SIV, bound to the row and column it belongs to.

A person's values are sealed under a key of that person's own; erasing the person destroys that key. What
is about nobody yet, or must outlive an erasure, is sealed under the store's key, of which there are epochs: what an old
one sealed is sealed anew, and the old one destroyed when the backups of its time are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.errors import BrokerError

KEY_SIZE = 32
#: What the store's key seals begins with its epoch.
EPOCH_SIZE = 2
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
        return Sealer(self.digest(label), self.random)

    def digest(self, label: str) -> bytes:
        """32 bytes that only this key gives."""
        return hmac.digest(self.key, label.encode(), hashlib.sha256)


@dataclass(frozen=True, kw_only=True)
class StoreSealer(Sealer):
    """Seals with the newest epoch of the store's key, ``key``, and opens what any of ``epochs`` sealed."""

    epoch: int
    epochs: Mapping[int, bytes] = field(repr=False)

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Seal *plain* for *place*, its epoch before it."""
        return prefix_of(self.epoch) + super().seal(plain, place=place)

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Open what was sealed for *place*, or raise :class:`SealBroken`; an epoch that is unknown is named."""
        epoch = int.from_bytes(sealed[:EPOCH_SIZE])
        key = self.epochs.get(epoch)
        if key is None:
            raise SealBroken(
                f"what is sealed at {place.partition(':')[0]} is of storage epoch {epoch}, whose key is not here"
            )
        return Sealer(key, self.random).open(sealed[EPOCH_SIZE:], place=place)

    def derive(self, label: str) -> StoreSealer:
        """A sealer for another use of the same epochs."""
        return store_sealer(
            {epoch: Sealer(key, self.random).digest(label) for epoch, key in self.epochs.items()}, self.random
        )


def store_sealer(epochs: Mapping[int, bytes], random: Callable[[int], bytes]) -> StoreSealer:
    """The store's sealer with these keys; the highest epoch seals."""
    newest = max(epochs)
    return StoreSealer(key=epochs[newest], random=random, epoch=newest, epochs=epochs)


def prefix_of(epoch: int) -> bytes:
    """What stands before a value of an epoch."""
    return epoch.to_bytes(EPOCH_SIZE)

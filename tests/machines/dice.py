"""Randomness, keys and signatures that come out alike in two worlds, wherever the same was done."""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from builders import the_keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from broker.proof.keyring import KeyRing
from broker.proof.keys import SigningKey
from broker.store.sealing import KEY_SIZE, Sealer, StoreSealer


class Dice:
    """Randomness that is set anew where two worlds must agree."""

    def __init__(self) -> None:
        self.throw("at first")

    def throw(self, seed: str) -> None:
        """Begin again from *seed*."""
        self._random = random.Random(seed)  # noqa: S311 - a test wants its run again, not secrecy

    def __call__(self, size: int) -> bytes:
        """Give so many bytes."""
        return self._random.randbytes(size)


class RepeatableKey(SigningKey):
    """ES256 whose signature of the same is the same (RFC 6979)."""

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Sign as the broker's key does, and let no randomness in."""
        head = super().sign(payload, typ=typ).rpartition(".")[0]
        private: Any = self.key.private_key
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        halves = decode_dss_signature(private.sign(head.encode(), algorithm))
        raw = b"".join(half.to_bytes(32, "big") for half in halves)
        return f"{head}.{urlsafe_b64encode(raw).rstrip(b'=').decode()}"


class RepeatableSealer(StoreSealer):
    """A person's key that is the same whoever met the person first: names made with it are nobody's to tell apart."""

    def new_key(self, *, place: str) -> tuple[Sealer, bytes]:
        """Draw as the store's sealer does, and take what the place gives instead."""
        self.random(KEY_SIZE)
        key = self.digest(place)
        return Sealer(key, self.random), self.seal(key, place=place)


def repeatable_sealer(epochs: Mapping[int, bytes], random: Callable[[int], bytes]) -> StoreSealer:
    """Seal as the store does."""
    (epoch,) = epochs
    return RepeatableSealer(key=epochs[epoch], random=random, epoch=epoch, epochs=epochs)


@cache
def repeatable_keys() -> KeyRing:
    """The keys of both worlds."""
    keys = the_keys()
    receipts, tokens = (RepeatableKey(it.key) for it in (keys.receipts, keys.tokens) if isinstance(it, SigningKey))
    return replace(keys, receipts=receipts, tokens=tokens)

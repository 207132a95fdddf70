"""Who makes signing keys and keeps them: this process, or an HSM or a KMS behind the same few words.

Whoever signs asks for no more than ``JwsSigner`` (proof/keys) and ``RawKey`` (proof/note) say.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from broker.errors import BadConfiguration
from broker.proof.keys import MEMBERS, JwsSigner, SigningKey, generate_signing_key, import_signing_key
from broker.proof.masters import SECRET_SIZE, MasterKey
from broker.proof.note import RawKey
from broker.proof.sdjwt import encode

#: The uses that sign: those whose keys are JOSE's, and those of the log.
JOSE_USES, LOG_USES = ("receipts", "tokens"), ("log", "log_pq")


class Keysmith(Protocol):
    """Who makes signing keys, and takes them up by what their files hold: a private key, or its name in an HSM."""

    def make(self, use: str) -> bytes:
        """Make a key for *use*; return what its file is to hold, sealed."""

    def jws_signer(self, content: bytes) -> JwsSigner:
        """The key of :data:`JOSE_USES` that the file's content leads to, or :class:`BadConfiguration`."""

    def log_key(self, use: str, content: bytes) -> RawKey:
        """The key of :data:`LOG_USES` that the file's content leads to, or :class:`BadConfiguration`."""


@dataclass(frozen=True)
class Custody:
    """Who keeps the keys: the master key that seals their files, and the smith that makes them."""

    master: MasterKey
    smith: Keysmith


@dataclass(frozen=True)
class LocalSmith:
    """Makes keys in this process; their files hold the private keys. ``random(n)`` gives n bytes."""

    random: Callable[[int], bytes] = field(repr=False)

    def make(self, use: str) -> bytes:
        """A JWK for JOSE, a seed of 32 bytes for the log."""
        if use in JOSE_USES:
            return json.dumps(generate_signing_key().key.as_dict(private=True)).encode()
        return self.random(SECRET_SIZE)

    def jws_signer(self, content: bytes) -> SigningKey:
        """The key of the JWK."""
        try:
            return import_signing_key(json.loads(content))
        except ValueError as error:
            raise BadConfiguration("a signing key must be a private key on P-256, as a JWK") from error

    def log_key(self, use: str, content: bytes) -> RawKey:
        """The key of the seed."""
        if len(content) != SECRET_SIZE:
            raise BadConfiguration(f"holds {len(content)} bytes where {SECRET_SIZE} belong")
        if use == "log_pq":
            return MLDSA44PrivateKey.from_seed_bytes(content)
        return Ed25519PrivateKey.from_private_bytes(content)


def public_of(smith: Keysmith, use: str, content: bytes) -> dict[str, str]:
    """The public half of the key that *content* leads to, as a JWK of the members that its name is made of."""
    if use in JOSE_USES:
        jwk = smith.jws_signer(content).public()
        return {name: jwk[name] for name in MEMBERS["EC"]}
    public = encode(smith.log_key(use, content).public_key().public_bytes_raw())
    if use == "log_pq":
        return {"kty": "AKP", "alg": "ML-DSA-44", "pub": public}
    return {"kty": "OKP", "crv": "Ed25519", "x": public}

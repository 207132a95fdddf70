"""Keys that sign for the broker: ES256 for everything JOSE, named by their RFC 7638 thumbprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.errors import BadConfiguration
from broker.proof.sdjwt import encode

ALGORITHM = "ES256"
#: How long readers may keep the key set and the verifier keys, in seconds.
MAX_AGE = 300
_ES256, _HALF = ECDSA(SHA256()), 32
#: The members that make a key, and its name.
MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "AKP": ("alg", "kty", "pub")}
Jwk = Mapping[str, str]


class JwsSigner(Protocol):
    """A key that signs what JOSE knows. One in an HSM offers the same."""

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint of the public key."""

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Return the compact JWS of *payload*, its header ``alg``, ``typ``, ``kid`` and no more."""

    def public(self) -> dict[str, Any]:
        """The JWK to publish."""


@dataclass(frozen=True)
class SigningKey:
    """An ES256 key in this process."""

    key: ECKey = field(repr=False)

    @cached_property
    def kid(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        return self.key.thumbprint()

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Return the compact JWS of *payload*; ``typ`` keeps each kind of token from passing for another."""
        # Three parts, put together by hand (RFC 7515 section 7.1): a library takes twice as long as the signature.
        header = json.dumps({"alg": ALGORITHM, "typ": typ, "kid": self.kid}, separators=(",", ":"))
        signed = f"{encode(header.encode())}.{encode(payload)}"
        private = self.key.private_key
        assert private is not None  # noqa: S101 - a signing key has it
        # RFC 7518 section 3.4: r and s, 32 bytes each.
        r, s = decode_dss_signature(private.sign(signed.encode("ascii"), _ES256))
        return f"{signed}.{encode(r.to_bytes(_HALF) + s.to_bytes(_HALF))}"

    def public(self) -> dict[str, Any]:
        """The JWK to publish."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638: SHA-256 over the members that make the key, in one writing."""
    members = {name: jwk[name] for name in MEMBERS[jwk["kty"]]}
    return encode(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())


def import_signing_key(jwk: Mapping[str, Any]) -> SigningKey:
    """Return the private key in *jwk*, or raise :class:`BadConfiguration`."""
    try:
        key = ECKey.import_key(dict(jwk))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise BadConfiguration("a signing key must be a private key on P-256, as a JWK") from error
    if key.curve_name != "P-256" or not key.is_private:
        raise BadConfiguration("a signing key must be a private key on P-256")
    return SigningKey(key)


def generate_signing_key() -> SigningKey:
    """Make a new key from the operating system's randomness."""
    return SigningKey(ECKey.generate_key("P-256"))

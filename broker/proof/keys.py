"""The broker's signing keys: ES256 for everything JOSE, named by their RFC 7638 thumbprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.errors import BadConfiguration

ALGORITHM = "ES256"


@dataclass(frozen=True)
class SigningKey:
    """One ES256 key. The interface is ``kid``, ``sign`` and ``public``: a key in an HSM can offer the same."""

    key: ECKey = field(repr=False)

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        return self.key.thumbprint()

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Return the compact JWS of *payload*; ``typ`` keeps each kind of token from passing for another."""
        header = {"alg": ALGORITHM, "typ": typ, "kid": self.kid}
        return jws.serialize_compact(header, payload, self.key, algorithms=[ALGORITHM])

    def public(self) -> dict[str, Any]:
        """The JWK to publish."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """Every key and secret of a broker. ``blinding`` and ``storage`` are 32 bytes each."""

    receipts: SigningKey
    tokens: SigningKey
    blinding: bytes = field(repr=False)
    storage: bytes = field(repr=False)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The key set of ``/.well-known/jwks.json``."""
        return {"keys": [self.receipts.public(), self.tokens.public()]}


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

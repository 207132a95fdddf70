"""A client's public keys, as it registers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.errors import MalformedRequest
from broker.proof.keys import ALGORITHM

_MEMBERS = {"kty", "crv", "x", "y", "kid", "use", "alg", "key_ops"}
_MAX_KEYS = 8


def read_client_keys(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key set with only public P-256 keys in it, or raise :class:`MalformedRequest`."""
    keys = jwks.get("keys")
    if set(jwks) != {"keys"} or not isinstance(keys, list) or not 1 <= len(keys) <= _MAX_KEYS:
        raise MalformedRequest(f"jwks must be an object with a list of 1 to {_MAX_KEYS} keys")
    read = [_key(entry) for entry in keys]
    if len({entry["kid"] for entry in read}) != len(read):
        raise MalformedRequest("jwks: two keys have the same kid; which one signs must not be a matter of order")
    return {"keys": read}


def _key(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict) or entry.get("kty") != "EC" or entry.get("crv") != "P-256":
        raise MalformedRequest("jwks: every key must be an EC key on P-256")
    if set(entry) - _MEMBERS:
        raise MalformedRequest("jwks: only public members are accepted; a private key must never leave its owner")
    if entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHM) != ALGORITHM:
        raise MalformedRequest(f"jwks: every key must be for signing with {ALGORITHM}")
    try:
        key = ECKey.import_key({name: entry[name] for name in ("kty", "crv", "x", "y")})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise MalformedRequest("jwks: a key is not a point on P-256") from error
    kid = entry.get("kid", key.thumbprint())
    if not isinstance(kid, str):
        raise MalformedRequest("jwks: kid must be text")
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}

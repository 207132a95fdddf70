"""Whether one of the broker's keys signed a plain JWT of its own, such as a batch of the trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.errors import MalformedRequest
from broker.proof.claims import StepFailed
from broker.proof.keys import ALGORITHM
from broker.proof.sdjwt import header_of


def check_signature(jwt: str, *, typ: str, jwks: Mapping[str, Any], index: int | None) -> int | None:
    """Raise :class:`StepFailed` unless *jwt* is signed as *typ* by a key of *jwks*.

    What a compromised key signed counts only below the place in the log that its entry names, which is returned;
    *index* is the place.
    """
    try:
        header = header_of(jwt)
    except MalformedRequest as error:
        raise StepFailed(f"it is no JWT: {error.detail}") from error
    if header.keys() != {"alg", "typ", "kid"} or (header["alg"], header["typ"]) != (ALGORITHM, typ):
        raise StepFailed(f"its header must say alg {ALGORITHM}, typ {typ} and a key id, and no more")
    found = jwks.get("keys")
    named = [jwk for jwk in found if _is_named(jwk, header["kid"])] if isinstance(found, list) else []
    if len(named) != 1:
        raise StepFailed(f"the key set must hold exactly one key {header['kid']!r}; it holds {len(named)}")
    end = counts_below(named[0])
    if end is not None and (index is None or index >= end):
        raise StepFailed("the key was compromised before this was in the log")
    _check(jwt, named[0])
    return end


def _is_named(jwk: object, kid: object) -> bool:
    return isinstance(jwk, dict) and jwk.get("kid") == kid


def counts_below(jwk: Mapping[str, Any]) -> int | None:
    """The place in the log below which what this key signed counts; None when it counts anywhere, and outside too.

    Raises :class:`StepFailed` for a key that signs something else, and for a revocation that cannot be read.
    """
    if jwk.get("signs", "evidence") != "evidence":
        raise StepFailed("the key signs no evidence")
    if "d" in jwk:
        raise StepFailed("the key must be a public key")
    if "revoked" not in jwk:
        return None
    revoked = jwk["revoked"]
    size = revoked.get("log_size") if isinstance(revoked, dict) else None
    if type(size) is not int or size < 0:
        raise StepFailed("the key's revocation cannot be read")
    return size


def _check(jwt: str, jwk: Mapping[str, Any]) -> None:
    try:
        key = ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")})
        if jwk["crv"] != "P-256" or key.thumbprint() != jwk["kid"]:
            raise StepFailed("the key's id is not its thumbprint, or it is on another curve")
        jws.deserialize_compact(jwt, key, algorithms=[ALGORITHM])
    except (JoseError, ValueError, KeyError) as error:
        raise StepFailed("the signature is not that key's over these bytes") from error

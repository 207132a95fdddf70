"""A batch of the trail: signed, over the digests of its entries and over the batch before. A leaf of the log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.errors import MalformedRequest
from broker.proof.keys import JwsSigner
from broker.proof.merkle import HASH_SIZE, leaf_hash, root_of
from broker.proof.sdjwt import decode, encode, payload_of

TYP = "trail-batch+jwt"


@dataclass(frozen=True, kw_only=True)
class BatchClaims:
    """What a batch says. ``previous`` is the leaf of the batch before, None for the first."""

    issuer: str
    batch_id: str
    issued_at: datetime
    number: int
    digests: Sequence[bytes]
    previous: bytes | None


def sign_batch(claims: BatchClaims, key: JwsSigner) -> str:
    """Sign a batch over the Merkle root of its digests (RFC 6962), in their order."""
    issued = int(claims.issued_at.timestamp())
    payload = {
        "iss": claims.issuer,
        "jti": claims.batch_id,
        "iat": issued,
        "batch": {
            "number": claims.number,
            "entries": len(claims.digests),
            "root": encode(batch_root(claims.digests)),
            "previous": None if claims.previous is None else encode(claims.previous),
        },
    }
    return key.sign(json.dumps(payload, separators=(",", ":")).encode(), typ=TYP)


def batch_root(digests: Sequence[bytes]) -> bytes:
    """The root over the entries of one batch."""
    return root_of([leaf_hash(digest) for digest in digests])


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch as it was signed, not verified yet."""

    issuer: str
    issued_at: int
    number: int
    entries: int
    root: bytes
    previous: bytes | None


def read_batch(jwt: str) -> Batch:
    """Take a batch apart, or raise :class:`MalformedRequest`; its signature is not looked at."""
    payload = payload_of(jwt)
    batch, issuer, issued = payload.get("batch"), payload.get("iss"), payload.get("iat")
    if not isinstance(batch, dict) or not isinstance(issuer, str) or not _is_number(issued):
        raise MalformedRequest("a batch says who issued it, when, and what it chains")
    number, entries, previous = batch.get("number"), batch.get("entries"), batch.get("previous")
    if not _is_number(number) or not _is_number(entries) or (previous is None) != (number == 0):
        raise MalformedRequest("a batch says its number, how many entries it chains, and the batch before")
    return Batch(
        issuer=issuer,
        issued_at=int(str(issued)),
        number=int(str(number)),
        entries=int(str(entries)),
        root=_hash(batch.get("root")),
        previous=None if previous is None else _hash(previous),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _hash(value: object) -> bytes:
    raw = decode(value) if isinstance(value, str) else b""
    if len(raw) != HASH_SIZE:
        raise MalformedRequest(f"a batch's root and the batch before are {HASH_SIZE} bytes in base64url")
    return raw

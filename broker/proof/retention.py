"""That answers were dropped as too old, signed: up to which moment, how many rows, and a digest. A leaf of the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.errors import MalformedRequest
from broker.proof.keys import JwsSigner
from broker.proof.receipt import timestamp
from broker.proof.sdjwt import encode, payload_of

TYP = "retention+jwt"
_SIZE = 32


@dataclass(frozen=True, kw_only=True)
class RetentionClaims:
    """Everything that was decided before a moment was dropped; ``dropped`` counts rows by table.

    ``digests`` is the sum of the digests of their entries in the trail, modulo 2^256, in whatever order they came.
    ``faults`` is how many rows were not as the trail says; an operator let them go with the others.
    """

    issuer: str
    issued_at: datetime
    retention_id: str
    before: datetime
    dropped: Mapping[str, int]
    digests: int
    faults: int


def sign_retention(claims: RetentionClaims, key: JwsSigner) -> str:
    """Sign a retention."""
    payload = {
        "iss": claims.issuer,
        "jti": f"retention-{claims.retention_id}",
        "iat": int(claims.issued_at.timestamp()),
        "retention": {
            "retention_id": claims.retention_id,
            "before": timestamp(claims.before),
            "dropped": dict(sorted(claims.dropped.items())),
            "digests": encode(claims.digests.to_bytes(_SIZE)),
            "faults": claims.faults,
        },
    }
    return key.sign(json.dumps(payload, separators=(",", ":")).encode(), typ=TYP)


@dataclass(frozen=True, kw_only=True)
class SignedRetention:
    """A retention as it was signed, not verified yet."""

    issued_at: int
    retention_id: str
    before: str
    dropped: Mapping[str, int]
    faults: int


def read_retention(jwt: str) -> SignedRetention:
    """Take a retention apart, or raise :class:`MalformedRequest`; its signature is not looked at."""
    payload = payload_of(jwt)
    said = payload.get("retention")
    if not isinstance(said, dict) or not isinstance(said.get("dropped"), dict):
        raise MalformedRequest("a retention says what was dropped")
    numbers = {"iat": payload.get("iat"), "faults": said.get("faults"), **said["dropped"]}
    if not all(type(number) is int and number >= 0 for number in numbers.values()):
        raise MalformedRequest("a retention counts in whole numbers")
    return SignedRetention(
        issued_at=int(str(payload["iat"])),
        retention_id=str(said.get("retention_id")),
        before=str(said.get("before")),
        dropped=said["dropped"],
        faults=said["faults"],
    )

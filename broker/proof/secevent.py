"""Security event tokens (RFC 8417, OpenID SSF 1.0 section 4.1): signed, named, about one thing, without an end.

Signed with the keys that sign evidence: what a client was told is what it may have to show that it knew, and no key
that signs tokens says anything of a consent. A SET is no leaf of the log: its event names a receipt that is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.proof.keys import JwsSigner

TYP = "secevent+jwt"
MEDIA_TYPE = f"application/{TYP}"


@dataclass(frozen=True, kw_only=True)
class SetClaims:
    """What one SET says. ``sub_id`` is a subject identifier (RFC 9493); ``told`` is the event's own content."""

    issuer: str
    event_id: str
    audience: str
    txn: str
    sub_id: Mapping[str, str]
    uri: str
    told: Mapping[str, object]
    occurred_at: datetime


def sign_set(claims: SetClaims, key: JwsSigner) -> str:
    """Sign an event. Sent again it says the same to the letter: ``iat`` is when it happened, not when it is sent."""
    payload = {
        "iss": claims.issuer,
        "iat": int(claims.occurred_at.timestamp()),
        "jti": claims.event_id,
        "aud": claims.audience,
        "txn": claims.txn,
        "sub_id": dict(claims.sub_id),
        "events": {claims.uri: dict(claims.told)},
    }
    return key.sign(json.dumps(payload, separators=(",", ":")).encode(), typ=TYP)


def about_receipt(issuer: str, receipt_id: str) -> dict[str, str]:
    """The subject of an event about a consent: the receipt that it was given with (SSF 1.0 section 3.5.1)."""
    return {"format": "jwt_id", "iss": issuer, "jti": receipt_id}


def about_stream(stream_id: str) -> dict[str, str]:
    """The subject of an event about a stream itself (SSF 1.0 section 8.1.4.1)."""
    return {"format": "opaque", "id": stream_id}

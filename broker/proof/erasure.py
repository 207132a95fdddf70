"""The certificate of an erasure: what was destroyed and what stays, signed, and leading to nobody.

The account is a salted disclosure that the person's own copy carries and no other: the broker keeps the JWT alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.proof.keys import JwsSigner
from broker.proof.receipt import Party, timestamp
from broker.proof.sdjwt import Disclosure, SdJwt, commit, encode

TYP = "erasure-certificate+sd-jwt"
PERSON, OPERATOR = "person", "operator"


@dataclass(frozen=True, kw_only=True)
class CertificateClaims:
    """Everything a certificate says in clear; ``destroyed`` and ``kept`` count rows by their kind.

    ``entries`` are the digests of the trail's entries that lost key and salt. ``replayed`` says that a database which
    had come back from a backup was erased again.
    """

    certificate_id: str
    erasure_id: str
    issued_at: datetime
    broker: Party
    by: str
    objects: bool
    withdrawn: int
    destroyed: Mapping[str, int]
    kept: Mapping[str, int]
    entries: Iterable[bytes]
    storage_epoch: int
    replayed: bool


def sign_certificate(claims: CertificateClaims, disclosure: Disclosure, key: JwsSigner) -> SdJwt:
    """Sign a certificate over its claims and the digest of its one disclosure."""
    raw = json.dumps(commit(_payload(claims), [disclosure]), ensure_ascii=False, separators=(",", ":")).encode()
    return SdJwt(jwt=key.sign(raw, typ=TYP), disclosures=(disclosure,))


def trail_commitment(digests: Iterable[bytes]) -> dict[str, object]:
    """How a certificate commits to entries of the trail: how many, and SHA-256 over their digests.

    The digests come sorted, and one at a time, however many there are.
    """
    count, whole = 0, hashlib.sha256()
    for digest in digests:
        count += 1
        whole.update(digest)
    return {"entries": count, "sha256": encode(whole.digest())}


def _payload(claims: CertificateClaims) -> dict[str, object]:
    return {
        "iss": claims.broker.id,
        "jti": claims.certificate_id,
        "iat": int(claims.issued_at.timestamp()),
        "vct": f"{claims.broker.id}/schemas/erasure-certificate/1",
        "erasure": {
            "erasure_id": claims.erasure_id,
            "operation": "dpv:Erase",
            "right": "eu-gdpr:A17",
            "time": timestamp(claims.issued_at),
            "by": claims.by,
            "erased_by": claims.broker.claims(role="dpv:DataProcessor", kind="dpv:DataProcessor"),
            "withdrawn": claims.withdrawn,
            "destroyed": dict(sorted(claims.destroyed.items())),
            "kept": dict(sorted(claims.kept.items())),
            "objection_kept": claims.objects,
            "trail": trail_commitment(sorted(claims.entries)),
            "storage_epoch": claims.storage_epoch,
            "replayed": claims.replayed,
        },
    }

"""The consent receipt: ISO/IEC TS 27560 fields with W3C DPV terms, as an SD-JWT, one per event.

Account, identifier and the words shown are disclosures: erasing them leaves signature and leaf whole. A
receipt has no ``exp``: it stays checkable for ever; the consent's own end is ``event.valid_until``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from broker.core.consent import ConsentStatus
from broker.core.purposes import PURPOSES
from broker.proof.keys import JwsSigner
from broker.proof.sdjwt import Disclosure, SdJwt, commit

TYP = "consent-receipt+sd-jwt"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
ACCOUNT, IDENTIFIER, WORDS = "account", "identifier", "notice_words"

#: Who caused the event, and how it reads in DPV.
#: A link is in the hands of whoever holds the receipt: it is nobody's act in particular.
_BY = {"person": "dpv:DataSubject", "client": "dpv:DataController", "broker": "dpv:DataProcessor", "link": "link"}
EVENT_TYPE = {
    ConsentStatus.GIVEN: "dpv:ExplicitlyExpressedConsent",
    ConsentStatus.REFUSED: "dpv:ConsentRefused",
    ConsentStatus.WITHDRAWN: "dpv:WithdrawConsent",
    ConsentStatus.REVOKED: "dpv:ConsentRevoked",
    ConsentStatus.EXPIRED: "dpv:ConsentExpired",
}


@dataclass(frozen=True, kw_only=True)
class Party:
    """A business or the broker, as a receipt names it."""

    id: str
    name: str
    contact: str
    address: str | None = None

    def claims(self, *, role: str, kind: str) -> dict[str, str]:
        """ISO/IEC TS 27560 party fields."""
        address = {"address": self.address} if self.address else {}
        return {"id": self.id, "role": role, "type": kind, "name": self.name, "contact": self.contact, **address}


@dataclass(frozen=True, kw_only=True)
class NoticeRef:
    """Which notice was shown, in which language.

    ``sha256`` is the digest of the disclosure that holds the exact words shown: they name the person, so they
    are salted. ``text_sha256`` is that of the same words with the personal values left open.
    """

    id: str
    version: str
    language: str
    sha256: str
    text_sha256: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened to a consent, by whom and how."""

    status: ConsentStatus
    time: datetime
    by: str
    method: str
    valid_until: datetime
    txn: str
    gpc: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptClaims:
    """Everything a receipt says in clear."""

    receipt_id: str
    grant_id: str
    replaces: str | None
    pairwise: str
    client_id: str
    client: Party
    broker: Party
    platform: str
    purposes: tuple[str, ...]
    purpose_texts: Mapping[str, str]
    location: str
    notice: NoticeRef
    event: Event
    policy: Mapping[str, str]
    status_uri: str
    status_index: int
    withdrawal_uri: str
    brand: str | None = None
    narrower: Mapping[str, str] = field(default_factory=dict)


def sign_receipt(claims: ReceiptClaims, disclosures: tuple[Disclosure, ...], key: JwsSigner) -> SdJwt:
    """Sign one event's receipt over its claims and the digests of its disclosures."""
    payload = commit(_payload(claims), disclosures)
    raw = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return SdJwt(jwt=key.sign(raw, typ=TYP), disclosures=disclosures)


def leaf_data(jwt: str) -> bytes:
    """What the log holds of a receipt: SHA-256 of the issuer-signed JWT."""
    return hashlib.sha256(jwt.encode("ascii")).digest()


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _payload(claims: ReceiptClaims) -> dict[str, object]:
    issued = int(claims.event.time.timestamp())
    return {
        "iss": claims.broker.id,
        "jti": claims.receipt_id,
        "iat": issued,
        "nbf": issued,
        "sub": claims.pairwise,
        "aud": claims.client_id,
        "vct": f"{claims.broker.id}/schemas/consent-receipt/1",
        "schema_version": PROFILE,
        "status": {"status_list": {"idx": claims.status_index, "uri": claims.status_uri}},
        "record": _record(claims),
    }


def _record(claims: ReceiptClaims) -> dict[str, object]:
    return {
        "record_id": claims.grant_id,
        "replaces": claims.replaces,
        "platform": claims.platform,
        **({"brand": claims.brand} if claims.brand else {}),
        "notice": {
            "id": claims.notice.id,
            "version": claims.notice.version,
            "language": claims.notice.language,
            "sha256": claims.notice.sha256,
            "text_sha256": claims.notice.text_sha256,
        },
        "processing": [_processing(purpose, claims) for purpose in claims.purposes],
        "withdrawal": {"uri": claims.withdrawal_uri, "control": "dpv:WithdrawConsent"},
        "rights": ["eu-gdpr:A7-3", "eu-gdpr:A17", "eu-gdpr:A20", "eu-gdpr:A21"],
        "parties": [
            claims.client.claims(role="dpv:DataController", kind="dpv:Recipient"),
            claims.broker.claims(role="dpv:DataProcessor", kind="dpv:DataProcessor"),
        ],
        "policy": dict(claims.policy),
        "event": _event(claims.event),
    }


def _processing(purpose: str, claims: ReceiptClaims) -> dict[str, object]:
    """One purpose. What was refused has no lawful basis, and nothing of it is stored."""
    allowed = {
        "lawful_basis": "eu-gdpr:A6-1-a-explicit-consent",
        "storage": {"locations": [claims.location], "retention": timestamp(claims.event.valid_until)},
    }
    broader = claims.narrower.get(purpose)
    return {
        "purpose": PURPOSES[broader or purpose].concept,
        "purpose_id": purpose,
        **({"broader": broader} if broader else {}),
        "purpose_text": claims.purpose_texts.get(purpose, purpose),
        "operation": ["dpv:Match", "dpv:Store"],
        "personal_data": ["pd:Username", "pd:UID"],
        "necessity": "dpv:Optional",
        "data_source": "dpv:DataSubjectDataSource",
        "recipients": [claims.client.id],
        "jurisdictions": [claims.location],
        **({} if claims.event.status is ConsentStatus.REFUSED else allowed),
    }


def _event(event: Event) -> dict[str, object]:
    return {
        "type": EVENT_TYPE[event.status],
        "state": event.status.dpv,
        "time": timestamp(event.time),
        "valid_until": timestamp(event.valid_until),
        "by": _BY[event.by],
        "method": event.method,
        "txn": event.txn,
        "signals": {} if event.gpc is None else {"gpc": event.gpc},
    }

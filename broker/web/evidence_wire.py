"""What travels as evidence, as models: the bundle, the status list token, and everything that a person takes home."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from broker.actions.export_person import Everything
from broker.actions.list_businesses import BusinessView
from broker.actions.list_consents import ConsentView
from broker.core.conditions import ACTS
from broker.core.policy import BASES, REASONS
from broker.proof.bundle import FORM
from broker.proof.receipt import timestamp
from broker.store.businesses import Told
from broker.web.wire import Wire

_STATUSES = ("given", "withdrawn", "revoked", "expired")


class KeysWire(Wire):
    """Keys that ride along as a hint: a reader takes them from the broker, or nothing is proved."""

    jwks: dict[str, Any]
    vkeys: list[str]


class BundleWire(Wire):
    """``application/vnd.consent-broker.bundle+json``: a receipt or a statement, with its proof in one file.

    ``evidence`` is the SD-JWT. ``proof`` is a ``c2sp.org/tlog-proof@v1``, checkpoint and all; null in the few seconds
    before a checkpoint holds the evidence.
    """

    media_type: str = Field(alias="mediaType", json_schema_extra={"const": FORM})
    evidence: str
    proof: str | None
    keys: KeysWire


class EntriesWire(Wire):
    """``lst`` is base64url of zlib of two bits an entry, from the lowest bit up: 0 valid, 1 invalid, 2 suspended."""

    bits: Annotated[int, Field(json_schema_extra={"const": 2})]
    lst: str


class StatusTokenWire(Wire):
    """The claims of a status list token (``statuslist+jwt``). Times are seconds since 1970."""

    sub: str
    iat: int
    exp: int
    ttl: int = Field(ge=1)
    status_list: EntriesWire


class StatusListsAnswer(Wire):
    """``GET /status``: where every list is."""

    status_lists: list[str]


class OwnAccountWire(Wire):
    """Whose export it is."""

    platform: str
    id: str
    handle: str
    proved_at: str


class OwnConsentWire(Wire):
    """A consent, as it stands."""

    grant_id: str
    client_id: str
    business: str
    contact: str
    record: str
    record_type: str
    purposes: list[str]
    status: str = Field(json_schema_extra={"enum": list(_STATUSES)})
    given_at: str
    valid_until: str
    ended_at: str | None
    ended_by: str | None


class OwnRefusalWire(Wire):
    """A no: of what was asked nothing else is kept."""

    business: str
    receipt_id: str
    refused_at: str


class OwnClaimWire(Wire):
    """What a business says it has a handle from, without consent."""

    basis: Literal["user_provided", "public"]
    expected_purposes: list[str]
    made_at: str


class OwnBusinessWire(Wire):
    """A business that has to do with the account, and since when the person objects to it, if they do."""

    client_id: str
    business: str
    claims: list[OwnClaimWire]
    last_asked_at: str | None
    objected_at: str | None


class OwnDecisionWire(Wire):
    """What a business was told."""

    id: str
    client_id: str
    act: str = Field(json_schema_extra={"enum": list(ACTS)})
    purpose: str
    permitted: bool
    basis: str | None = Field(json_schema_extra={"enum": [*BASES, None]})
    reason: str | None = Field(json_schema_extra={"enum": [*REASONS, None]})
    clauses: list[str]
    decided_at: str


class PersonExport(Wire):
    """Everything that is kept about a person, for themselves; each of ``receipts`` is a bundle that stands alone."""

    issuer: str
    exported_at: str
    account: OwnAccountWire
    objected_to_all_at: str | None
    consents: list[OwnConsentWire]
    refusals: list[OwnRefusalWire]
    businesses: list[OwnBusinessWire]
    decisions: list[OwnDecisionWire]
    receipts: list[BundleWire]

    @classmethod
    def from_core(cls, found: Everything, *, issuer: str, now: datetime) -> PersonExport:
        """The export as it travels."""
        proven = found.person.proven
        account = OwnAccountWire(
            platform=proven.account.platform,
            id=proven.account.id,
            handle=proven.handle,
            proved_at=timestamp(found.person.proved_at),
        )
        return cls(
            issuer=issuer,
            exported_at=timestamp(now),
            account=account,
            objected_to_all_at=_moment(found.businesses.objected_at),
            consents=[_consent(consent) for consent in found.answers.consents],
            refusals=[
                OwnRefusalWire(
                    business=refusal.business,
                    receipt_id=refusal.receipt.receipt_id,
                    refused_at=timestamp(refusal.receipt.issued_at),
                )
                for refusal in found.answers.refusals
            ],
            businesses=[_business(view) for view in found.businesses.views],
            decisions=[_decision(told) for told in found.decisions],
            receipts=[BundleWire.model_validate(bundle.to_json()) for bundle in found.receipts],
        )


def _consent(consent: ConsentView) -> OwnConsentWire:
    return OwnConsentWire(
        grant_id=consent.grant_id,
        client_id=consent.client_id,
        business=consent.business,
        contact=consent.contact,
        record=consent.masked,
        record_type=consent.identifier_type,
        purposes=list(consent.purposes),
        status=consent.status.value,
        given_at=timestamp(consent.given_at),
        valid_until=timestamp(consent.valid_until),
        ended_at=_moment(consent.ended_at),
        ended_by=consent.ended_by,
    )


def _business(view: BusinessView) -> OwnBusinessWire:
    return OwnBusinessWire(
        client_id=view.client_id,
        business=view.business,
        claims=[
            OwnClaimWire(
                basis=claim.basis,  # type: ignore[arg-type] # one of core.evidence.TAGS
                expected_purposes=list(claim.expected_purposes),
                made_at=timestamp(claim.made_at),
            )
            for claim in view.claims
        ],
        last_asked_at=_moment(view.asked_at),
        objected_at=_moment(view.objected_at),
    )


def _decision(told: Told) -> OwnDecisionWire:
    return OwnDecisionWire(
        id=told.decision_id,
        client_id=told.client_id,
        act=told.act,
        purpose=told.purpose,
        permitted=told.permitted,
        basis=told.basis,
        reason=told.reason,
        clauses=list(told.clauses),
        decided_at=timestamp(told.decided_at),
    )


def _moment(time: datetime | None) -> str | None:
    return timestamp(time) if time else None

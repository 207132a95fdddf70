"""Everything that a person takes home, as a model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from broker.actions.export_person import Everything
from broker.actions.list_businesses import BusinessView
from broker.actions.list_confirmations import Confirmation
from broker.actions.list_consents import ConsentView
from broker.actions.list_questions import QuestionView
from broker.actions.look_at_account import LastLook
from broker.core.conditions import ACTS
from broker.core.policy import BASES, REASONS
from broker.proof.bundle import Bundle
from broker.proof.receipt import timestamp
from broker.store.people import Person
from broker.store.signals import GPC, Signal
from broker.web.evidence_wire import BundleWire
from broker.web.wire import Wire

_STATUSES = ("given", "withdrawn", "revoked", "expired")


class OwnAccountWire(Wire):
    """Whose export it is: as the account was proved, and as it was seen last.

    ``checked_at`` is when the platform was last asked about it; ``gone_at`` and ``protected_at`` when it was first seen
    to be so, null while it is not.
    """

    platform: str
    id: str
    handle: str
    proved_at: str
    seen_as: str
    checked_at: str | None
    gone_at: str | None
    protected_at: str | None


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


class OwnSignalWire(Wire):
    """What the person's browser signals, since when, and when they lifted it, if they did."""

    signal: Literal["gpc"]
    first_seen_at: str
    seen_at: str
    lifted_at: str | None


class OwnDecisionWire(Wire):
    """What a business was told; ``asked_by`` is how it named the account."""

    id: str
    client_id: str
    business: str
    asked_by: Literal["id", "handle"]
    act: str = Field(json_schema_extra={"enum": list(ACTS)})
    purpose: str
    permitted: bool
    basis: str | None = Field(json_schema_extra={"enum": [*BASES, None]})
    reason: str | None = Field(json_schema_extra={"enum": [*REASONS, None]})
    clauses: list[str]
    decided_at: str


class OwnActionWire(Wire):
    """What a business said that it did; ``receipt`` holds its signed statement, and stands alone."""

    action: Literal["unlinked", "deleted", "restricted"]
    done_at: str
    confirmed_at: str
    receipt: BundleWire


class OwnConfirmationWire(Wire):
    """A consent that ended, and what its business said of that, the latest first."""

    grant_id: str
    client_id: str
    event: str
    due_at: str
    statements: list[OwnActionWire]


class PersonExport(Wire):
    """Everything that is kept about a person, for themselves; each of ``receipts`` is a bundle that stands alone.

    ``decisions_kept_since`` is when the oldest decisions may be from that are kept; null while all are.
    """

    issuer: str
    exported_at: str
    account: OwnAccountWire
    objected_to_all_at: str | None
    signals: list[OwnSignalWire]
    consents: list[OwnConsentWire]
    refusals: list[OwnRefusalWire]
    businesses: list[OwnBusinessWire]
    decisions: list[OwnDecisionWire]
    decisions_kept_since: str | None
    receipts: list[BundleWire]
    confirmations: list[OwnConfirmationWire]

    @classmethod
    def from_core(cls, found: Everything, *, issuer: str, now: datetime) -> PersonExport:
        """The export as it travels."""
        return cls(
            issuer=issuer,
            exported_at=timestamp(now),
            account=_account(found.person, found.look),
            objected_to_all_at=_moment(found.businesses.objected_at),
            signals=[_signal(found.businesses.signal)] if found.businesses.signal else [],
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
            decisions=[_decision(question) for question in found.questions.views],
            decisions_kept_since=_moment(found.questions.kept_since),
            receipts=[BundleWire.model_validate(bundle.to_json()) for bundle in found.receipts],
            confirmations=[_confirmation(one, found.actions) for one in found.confirmations.by_grant.values()],
        )


def _account(person: Person, look: LastLook) -> OwnAccountWire:
    proven = person.proven
    return OwnAccountWire(
        platform=proven.account.platform,
        id=proven.account.id,
        handle=proven.handle,
        proved_at=timestamp(look.proved_at),
        seen_as=look.handle,
        checked_at=_moment(look.checked_at),
        gone_at=_moment(look.presence.gone_at),
        protected_at=_moment(look.presence.protected_at),
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


def _signal(signal: Signal) -> OwnSignalWire:
    return OwnSignalWire(
        signal=GPC,
        first_seen_at=timestamp(signal.first_seen_at),
        seen_at=timestamp(signal.seen_at),
        lifted_at=_moment(signal.lifted_at),
    )


def _decision(question: QuestionView) -> OwnDecisionWire:
    told = question.told
    return OwnDecisionWire(
        id=told.decision_id,
        client_id=told.client_id,
        business=question.business,
        asked_by="handle" if told.by_handle else "id",
        act=told.act,
        purpose=told.purpose,
        permitted=told.permitted,
        basis=told.basis,
        reason=told.reason,
        clauses=list(told.clauses),
        decided_at=timestamp(told.decided_at),
    )


def _confirmation(found: Confirmation, bundles: Mapping[str, Bundle]) -> OwnConfirmationWire:
    return OwnConfirmationWire(
        grant_id=found.grant_id,
        client_id=found.client_id,
        event=found.event_id,
        due_at=timestamp(found.due_at),
        statements=[
            OwnActionWire(
                action=said.action,  # type: ignore[arg-type] # one of core.action.Action
                done_at=timestamp(said.done_at),
                confirmed_at=timestamp(said.received_at),
                receipt=BundleWire.model_validate(bundles[said.action_id].to_json()),
            )
            for said in found.statements
        ],
    )


def _moment(time: datetime | None) -> str | None:
    return timestamp(time) if time else None

"""Everything a person has answered, in the form their pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_evidence
from broker.actions.read_grant import sd_jwt_text, valid_until, withdrawal_uri
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.errors import NotFound
from broker.proof.bundle import Bundle
from broker.store.clients import find_client
from broker.store.consents import details_of, find_consent, list_consents
from broker.store.database import Transaction
from broker.store.people import Person, find_person
from broker.store.receipts import StoredReceipt, find_receipt, list_receipts
from broker.store.routes import CAPABILITY, find_way_in


@dataclass(frozen=True, kw_only=True)
class ReceiptView:
    """One receipt in the list beneath a consent."""

    receipt_id: str
    status: ConsentStatus
    issued_at: datetime


@dataclass(frozen=True, kw_only=True)
class ConsentView:
    """One consent as its person sees it."""

    grant_id: str
    client_id: str
    business: str
    contact: str
    platform: str
    handle: str
    identifier_type: str
    masked: str
    purposes: tuple[str, ...]
    narrower: Mapping[str, str]
    status: ConsentStatus
    given_at: datetime
    valid_until: datetime
    ended_at: datetime | None
    ended_by: str | None
    receipts: tuple[ReceiptView, ...]

    @property
    def live(self) -> bool:
        """Whether it can be withdrawn."""
        return self.status is ConsentStatus.GIVEN


@dataclass(frozen=True, kw_only=True)
class RefusalView:
    """A no, as its person sees it: to whom and when; of the record nothing was kept."""

    business: str
    receipt: ReceiptView


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Everything one person has answered."""

    consents: tuple[ConsentView, ...]
    refusals: tuple[RefusalView, ...]


def list_answers(tx: Transaction, broker: Broker, person: Person) -> Answers:
    """Return the person's consents and refusals, the latest first."""
    receipts = list_receipts(tx, person.key, store=broker.sealer, person=person.sealer)
    consents = [_consent_view(tx, broker, person, record, receipts) for record in list_consents(tx, person.key)]
    refusals = [
        RefusalView(business=_business(tx, receipt.client_id), receipt=_receipt_view(receipt))
        for receipt in receipts
        if receipt.status is ConsentStatus.REFUSED
    ]
    return Answers(consents=tuple(consents), refusals=tuple(refusals))


def open_capability(tx: Transaction, broker: Broker, capability: str) -> ConsentView:
    """Return the one consent that a receipt's link opens, or raise :class:`NotFound`."""
    route = find_way_in(tx, CAPABILITY, capability)
    record = find_consent(tx, route.account, route.target) if route else None
    person = find_person(tx, broker.sealer, record.account) if record else None
    if record is None or person is None:
        raise NotFound("this link opens no consent")
    return _consent_view(tx, broker, person, record, [])


@dataclass(frozen=True, kw_only=True)
class ReceiptFile:
    """A receipt to keep: the file, and what it is about. Its proof is there once a checkpoint holds the receipt."""

    view: ReceiptView
    bundle: Bundle
    withdrawal_uri: str
    valid_until: datetime


def open_receipt(tx: Transaction, broker: Broker, person: Person, receipt_id: str) -> ReceiptFile:
    """Return the person's own receipt, or raise :class:`NotFound`."""
    stored = find_receipt(tx, person.key, receipt_id, store=broker.sealer, person=person.sealer)
    if stored is None:
        raise NotFound("you have no receipt of that number")
    return ReceiptFile(
        view=_receipt_view(stored),
        bundle=bundle_evidence(tx, broker, sd_jwt_text(stored)),
        withdrawal_uri=withdrawal_uri(stored),
        valid_until=valid_until(stored),
    )


def _consent_view(
    tx: Transaction, broker: Broker, person: Person, record: ConsentRecord, receipts: list[StoredReceipt]
) -> ConsentView:
    client = find_client(tx, record.client_id)
    details = details_of(tx, record, sealer=person.sealer)
    own = tuple(_receipt_view(receipt) for receipt in receipts if receipt.grant_id == record.grant_id)
    business = client.registration.client_name if client else record.client_id
    return ConsentView(
        grant_id=record.grant_id,
        client_id=record.client_id,
        business=f"{record.brand} ({business})" if record.brand else business,
        contact=client.registration.contacts[0] if client else "",
        platform=broker.label_of(person.proven.account.platform),
        handle=details.handle,
        identifier_type=record.identifier.type,
        masked=details.masked,
        purposes=record.purposes,
        narrower=client.registration.narrower if client else {},
        status=record.status_at(broker.now()),
        given_at=record.given_at,
        valid_until=record.valid_until,
        ended_at=record.ended_at,
        ended_by=record.ended_by,
        receipts=own,
    )


def _business(tx: Transaction, client_id: str) -> str:
    client = find_client(tx, client_id)
    return client.registration.client_name if client else client_id


def _receipt_view(receipt: StoredReceipt) -> ReceiptView:
    return ReceiptView(receipt_id=receipt.receipt_id, status=receipt.status, issued_at=receipt.issued_at)

"""Everything a person has answered, in the form their pages show: page by page, and no receipt opened for a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_evidence
from broker.actions.list_confirmations import Confirmations, list_confirmations
from broker.actions.read_grant import sd_jwt_text, valid_until, withdrawal_uri
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.errors import NotFound
from broker.proof.bundle import Bundle
from broker.store.clients import find_client
from broker.store.consents import details_of, find_consent, list_consents, live_consents, past_consents
from broker.store.paging import Place
from broker.store.people import Person, find_person
from broker.store.receipts import ReceiptHead, StoredReceipt, find_receipt, receipt_heads, refusals_of
from broker.store.routes import CAPABILITY, find_way_in
from broker.store.transaction import Transaction


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

    @property
    def place(self) -> Place:
        """Where it stands in its list: by when it was given, or by when it ended."""
        return Place(self.given_at if self.live else self.ended_at or self.valid_until, self.grant_id)


@dataclass(frozen=True, kw_only=True)
class RefusalView:
    """A no, as its person sees it: to whom and when; of the record nothing was kept."""

    business: str
    receipt: ReceiptView

    @property
    def place(self) -> Place:
        """Where it stands among what is past."""
        return Place(self.receipt.issued_at, self.receipt.receipt_id)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a person has answered, the latest first: what stands, and what has ended or was refused.

    ``more_live`` and ``more_past`` are the places from which either list goes on, where it does.
    """

    live: tuple[ConsentView, ...]
    past: tuple[ConsentView | RefusalView, ...]
    more_live: Place | None = None
    more_past: Place | None = None

    @property
    def consents(self) -> tuple[ConsentView, ...]:
        """The consents among them, those that stand first."""
        return (*self.live, *(one for one in self.past if isinstance(one, ConsentView)))

    @property
    def refusals(self) -> tuple[RefusalView, ...]:
        """The refusals among them."""
        return tuple(one for one in self.past if isinstance(one, RefusalView))


def list_answers(
    tx: Transaction,
    broker: Broker,
    person: Person,
    *,
    live_before: Place | None = None,
    past_before: Place | None = None,
    live: int | None = None,
    past: int | None = None,
) -> Answers:
    """Return the person's answers: as many as *live* and *past* say, with None all, and from a place on."""
    standing = live_consents(tx, person.key, now=broker.now(), before=live_before, limit=_and_one(live))
    over = past_consents(tx, person.key, now=broker.now(), before=past_before, limit=_and_one(past))
    refused = refusals_of(tx, person.key, before=past_before, limit=_and_one(past))
    live_views = _consent_views(tx, broker, person, standing)
    past_views: list[ConsentView | RefusalView] = [
        *_consent_views(tx, broker, person, over),
        *(RefusalView(business=_business(tx, head.client_id), receipt=_receipt_view(head)) for head in refused),
    ]
    past_views.sort(key=lambda view: view.place, reverse=True)
    return Answers(
        live=tuple(live_views[:live]),
        past=tuple(past_views[:past]),
        more_live=_more(live_views, live),
        more_past=_more(past_views, past),
    )


@dataclass(frozen=True)
class Told:
    """The names of businesses that have a consent of the person, and of all that ever had one."""

    standing: tuple[str, ...]
    ever: tuple[str, ...]


def businesses_told(tx: Transaction, broker: Broker, person: Person) -> Told:
    """Return whom an erasure withdraws from, and whom it is told to."""
    records, now = list_consents(tx, person.key), broker.now()
    names = {record.grant_id: _named(find_client(tx, record.client_id), record) for record in records}
    standing = {names[record.grant_id] for record in records if record.status_at(now) is ConsentStatus.GIVEN}
    return Told(*(tuple(sorted(found, key=str.casefold)) for found in (standing, set(names.values()))))


@dataclass(frozen=True, kw_only=True)
class OpenedConsent:
    """What a receipt's link opens: one consent, and what its business said of that one; nothing else of its person."""

    consent: ConsentView
    confirmations: Confirmations


def open_capability(tx: Transaction, broker: Broker, capability: str) -> OpenedConsent:
    """Return the one consent that a receipt's link opens, or raise :class:`NotFound`."""
    route = find_way_in(tx, CAPABILITY, capability)
    record = find_consent(tx, route.account, route.target) if route else None
    person = find_person(tx, broker.sealer, record.account) if record else None
    if record is None or person is None:
        raise NotFound("this link opens no consent")
    return OpenedConsent(
        consent=_consent_view(tx, broker, person, record, []),
        confirmations=list_confirmations(tx, broker, record.account, grant_id=record.grant_id),
    )


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


def _consent_views(
    tx: Transaction, broker: Broker, person: Person, records: Sequence[ConsentRecord]
) -> list[ConsentView]:
    heads = receipt_heads(tx, person.key, {record.grant_id for record in records})
    return [_consent_view(tx, broker, person, record, heads) for record in records]


def _consent_view(
    tx: Transaction, broker: Broker, person: Person, record: ConsentRecord, heads: Sequence[ReceiptHead]
) -> ConsentView:
    client = find_client(tx, record.client_id)
    details = details_of(tx, record, sealer=person.sealer)
    own = tuple(_receipt_view(head) for head in heads if head.grant_id == record.grant_id)
    return ConsentView(
        grant_id=record.grant_id,
        client_id=record.client_id,
        business=_named(client, record),
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


def _named(client: Client | None, record: ConsentRecord) -> str:
    name = client.registration.client_name if client else record.client_id
    return f"{record.brand} ({name})" if record.brand else name


def _business(tx: Transaction, client_id: str) -> str:
    client = find_client(tx, client_id)
    return client.registration.client_name if client else client_id


def _receipt_view(receipt: StoredReceipt | ReceiptHead) -> ReceiptView:
    return ReceiptView(receipt_id=receipt.receipt_id, status=receipt.status, issued_at=receipt.issued_at)


def _and_one(limit: int | None) -> int | None:
    """One more than is shown tells whether there are more."""
    return None if limit is None else limit + 1


def _more(views: Sequence[ConsentView | RefusalView], limit: int | None) -> Place | None:
    return views[limit - 1].place if limit is not None and len(views) > limit else None

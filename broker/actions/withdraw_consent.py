"""The end of a consent: record, association and tokens end in one transaction, and the end has a receipt.

From its commit the next match says no. Tokens of the grant carry its id and are looked up against the record,
so they end with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.actions.broker import Broker
from broker.actions.issue_receipt import Draft, account_disclosure, identifier_disclosure, issue_receipt
from broker.core.blinding import DIGEST_SIZE
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Association
from broker.errors import NotFound
from broker.proof.receipt import ACCOUNT, IDENTIFIER, Event, NoticeRef
from broker.proof.sdjwt import payload_of
from broker.store.clients import find_client
from broker.store.consents import consents_of_pair, details_of, end_consent, find_consent, list_consents
from broker.store.objections import object_to
from broker.store.people import Person, find_held, hold_person
from broker.store.receipts import StoredReceipt, find_receipt, invalidate
from broker.store.routes import CAPABILITY, GRANT, RECEIPT, add_route, find_route, find_way_in
from broker.store.transaction import Transaction

#: How a consent came to its end, as its receipt records it.
BY_PERSON, BY_LINK, BY_CLIENT, BY_RENEWAL = "page:consents", "link:receipt", "api:grants", "renewal"
BY_ERASURE, BY_DATE = "erasure", "date"
_NOBODY = bytes(DIGEST_SIZE)
#: Whose act that is. A link is in the hands of whoever holds the receipt, the business included.
_WHO = {
    BY_PERSON: "person",
    BY_LINK: "link",
    BY_CLIENT: "client",
    BY_RENEWAL: "person",
    BY_ERASURE: "person",
    BY_DATE: "broker",
}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A consent as it stands after the call; ``receipt_id`` is that of its end, None if it had ended before."""

    record: ConsentRecord
    receipt_id: str | None


def withdraw_consent(
    tx: Transaction, broker: Broker, *, account: bytes, grant_id: str, method: str = BY_PERSON
) -> Ending:
    """End the person's own consent. Ending it twice is no error: it stays withdrawn.

    One that the business gave up before, or that has expired, stays what it is; the person's own no is kept as an
    objection to that business, so that no other ground serves it either; one by a receipt's link is not. One that was
    renewed a moment ago, while the person looked at a page that showed it, is not what they meant to leave standing:
    the one in its place ends.
    """
    ending = _end(tx, broker, account, grant_id, status=ConsentStatus.WITHDRAWN, method=method)
    if method == BY_PERSON and ending.record.ended_by == BY_RENEWAL:
        return _end_renewal(tx, broker, ending)
    # A link is in the hands of whoever holds the receipt: it ends that one grant, and says no to nothing else.
    if method == BY_PERSON and ending.receipt_id is None and _ended_without_them(ending.record, broker.now()):
        object_to(tx, account, ending.record.client_id, why=method, now=broker.now())
    return ending


def withdraw_all(tx: Transaction, broker: Broker, *, account: bytes, method: str = BY_PERSON) -> int:
    """End every consent of the person that stands, each with its receipt, and say how many those were.

    What ended before stays what it was.
    """
    hold_person(tx, account)  # before they are listed: nothing is given anew between the list and the end
    now = broker.now()
    standing = [record for record in list_consents(tx, account) if record.status_at(now) is ConsentStatus.GIVEN]
    for record in standing:
        withdraw_consent(tx, broker, account=account, grant_id=record.grant_id, method=method)
    return len(standing)


def withdraw_by_link(tx: Transaction, broker: Broker, *, capability: str) -> Ending:
    """End the one consent that a receipt's link opens. The business holds the receipt too: recorded as by link."""
    route = find_way_in(tx, CAPABILITY, capability)
    if route is None:
        raise NotFound("this link opens no consent")
    return withdraw_consent(tx, broker, account=route.account, grant_id=route.target, method=BY_LINK)


def relinquish_grant(tx: Transaction, broker: Broker, *, client_id: str, grant_id: str) -> Ending:
    """A client gives up what it holds: revoked, in DPV's words, since it was not the person."""
    record = find_grant(tx, client_id=client_id, grant_id=grant_id)
    return _end(tx, broker, record.account, grant_id, status=ConsentStatus.REVOKED, method=BY_CLIENT)


def end_renewed(tx: Transaction, broker: Broker, record: ConsentRecord) -> None:
    """End a consent in whose place the person has just given another: of one pair, one consent stands."""
    _end(tx, broker, record.account, record.grant_id, status=ConsentStatus.REVOKED, method=BY_RENEWAL)


def expire_consent(tx: Transaction, broker: Broker, record: ConsentRecord) -> Ending:
    """Write down the end of a consent whose date is over; for every match it was over before.

    One that the person or the business has ended stays what it is.
    """
    return _end(tx, broker, record.account, record.grant_id, status=ConsentStatus.EXPIRED, method=BY_DATE)


def find_grant(tx: Transaction, *, client_id: str, grant_id: str) -> ConsentRecord:
    """Return the client's own grant. Another client's reads like none."""
    route = find_route(tx, GRANT, grant_id)
    # The same statements for an id that nobody holds.
    record = find_consent(tx, route.account if route else _NOBODY, grant_id)
    if record is None or record.client_id != client_id:
        raise NotFound("this client holds no grant of that id")
    return record


def _end_renewal(tx: Transaction, broker: Broker, ending: Ending) -> Ending:
    """End what stands in the place of a consent that was renewed: of one pair that is one at most.

    Where that too has ended without the person, their no is kept as it would be had they named it.
    """
    old, now = ending.record, broker.now()
    pair = Association(client_id=old.client_id, account=old.account, identifier=old.identifier.digest)
    place = [record for record in consents_of_pair(tx, pair) if record.ended_by != BY_RENEWAL]
    for record in place:
        if record.status_at(now) is ConsentStatus.GIVEN:
            return withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
    if any(_ended_without_them(record, now) for record in place):
        object_to(tx, old.account, old.client_id, why=BY_PERSON, now=now)
    return ending


def _ended_without_them(record: ConsentRecord, now: datetime) -> bool:
    """Whether a consent ended by its date or by the business, and not by the person's own act."""
    status = record.status_at(now)
    return status is ConsentStatus.EXPIRED or (status is ConsentStatus.REVOKED and record.ended_by == BY_CLIENT)


def _end(
    tx: Transaction, broker: Broker, account: bytes, grant_id: str, *, status: ConsentStatus, method: str
) -> Ending:
    # Held before the consent's row: whoever gives a consent anew holds them in this order.
    person = find_held(tx, broker.sealer, account)
    record = find_consent(tx, account, grant_id)
    if record is None:
        raise NotFound("there is no consent of that id")
    now = broker.now()
    over = record.status_at(now) is ConsentStatus.EXPIRED
    if record.status is not ConsentStatus.GIVEN or over is not (status is ConsentStatus.EXPIRED):
        # It ended before; or only its date can end it any more, or cannot yet.
        return Ending(record=record, receipt_id=None)
    ended = record.ended(status, at=now, by=method)
    if not end_consent(tx, ended):
        # Somebody else ended it between the two statements: what they wrote stands.
        return Ending(record=find_consent(tx, account, grant_id) or record, receipt_id=None)
    event = Event(
        status=status, time=now, by=_WHO[method], method=method, valid_until=record.valid_until, txn=broker.new_id()
    )
    return Ending(record=ended, receipt_id=_sign_end(tx, broker, ended, person, event))


def _sign_end(tx: Transaction, broker: Broker, record: ConsentRecord, person: Person | None, event: Event) -> str:
    client = find_client(tx, record.client_id)
    assert person is not None  # noqa: S101 - a consent has a person
    assert client is not None  # noqa: S101 - and a client
    given = _given_receipt(tx, broker, record, person)
    invalidate(tx, given.entry)
    payload = _table(payload_of(given.jwt)["record"])
    details = details_of(tx, record, sealer=person.sealer)
    receipt_id = broker.new_id()
    issue_receipt(
        tx,
        broker,
        Draft(
            receipt_id=receipt_id,
            grant_id=record.grant_id,
            replaces=record.receipt_id,
            client=client,
            person=person,
            platform=person.proven.account.platform,
            purposes=record.purposes,
            purpose_texts=_purpose_texts(payload["processing"]),
            notice=NoticeRef(**_texts(payload["notice"])),
            event=event,
            withdrawal_uri=str(_table(payload["withdrawal"])["uri"]),
            disclosures=[
                account_disclosure(broker, person),
                identifier_disclosure(broker, details.identifier),
            ],
            kept=frozenset({ACCOUNT, IDENTIFIER}),
            brand=record.brand,
            announced=event.method != BY_RENEWAL,
        ),
    )
    add_route(tx, RECEIPT, receipt_id, account=record.account, target=record.grant_id)
    return receipt_id


def _given_receipt(tx: Transaction, broker: Broker, record: ConsentRecord, person: Person) -> StoredReceipt:
    given = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
    assert given is not None  # noqa: S101 - stored in the consent's own transaction
    return given


def _table(value: object) -> Mapping[str, object]:
    assert isinstance(value, dict)  # noqa: S101 - a payload this broker signed
    return value


def _purpose_texts(processing: object) -> dict[str, str]:
    assert isinstance(processing, list)  # noqa: S101 - a payload this broker signed
    return {entry["purpose_id"]: entry["purpose_text"] for entry in processing}


def _texts(value: object) -> dict[str, str]:
    return {name: str(entry) for name, entry in _table(value).items()}

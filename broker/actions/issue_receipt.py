"""Sign the receipt of one event and store it with its status entry, leaf and event: all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.actions.broker import Broker, party_of
from broker.core.client import Client
from broker.core.consent import ConsentStatus
from broker.core.identifiers import ProvenAccount
from broker.proof.receipt import (
    ACCOUNT,
    IDENTIFIER,
    Event,
    NoticeRef,
    ReceiptClaims,
    leaf_data,
    sign_receipt,
    timestamp,
)
from broker.proof.sdjwt import SALT_SIZE, Disclosure, SdJwt, disclose
from broker.store.events import save_event
from broker.store.people import Person, pairwise_name
from broker.store.receipts import Standing, StatusEntry, StoredReceipt, save_receipt, take_status_entry
from broker.store.transaction import Transaction

#: The event a client is told of. A refusal has none: the client must not learn whose account refused.
EVENTS = {
    ConsentStatus.GIVEN: "consent-granted",
    ConsentStatus.WITHDRAWN: "consent-withdrawn",
    ConsentStatus.REVOKED: "consent-withdrawn",
    ConsentStatus.EXPIRED: "consent-expired",
}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a receipt is about, before it is signed.

    ``kept`` names the disclosures that are stored; ``announced`` says whether the client is told of the event.
    """

    receipt_id: str
    grant_id: str
    replaces: str | None
    client: Client
    person: Person
    platform: str
    purposes: tuple[str, ...]
    purpose_texts: Mapping[str, str]
    notice: NoticeRef
    event: Event
    withdrawal_uri: str
    disclosures: Sequence[Disclosure]
    kept: frozenset[str]
    brand: str | None = None
    announced: bool = True


def issue_receipt(tx: Transaction, broker: Broker, draft: Draft) -> SdJwt:
    """Sign *draft* and store everything that one event leaves behind."""
    entry = take_status_entry(tx, draw=broker.draw, standing=_standing(draft))
    signed = sign_receipt(_claims(broker, draft, entry), tuple(draft.disclosures), broker.keys.receipts)
    kept = [disclosure.encoded for disclosure in draft.disclosures if disclosure.name in draft.kept]
    stored = StoredReceipt(
        account=draft.person.key,
        receipt_id=draft.receipt_id,
        grant_id=draft.grant_id,
        client_id=draft.client.client_id,
        status=draft.event.status,
        issued_at=draft.event.time,
        jwt=signed.jwt,
        disclosures=tuple(kept),
        leaf=leaf_data(signed.jwt),
        entry=entry,
    )
    save_receipt(tx, stored, store=broker.sealer, person=draft.person.sealer)
    if draft.announced and draft.event.status in EVENTS:
        save_event(
            tx,
            event_id=broker.new_id(),
            account=draft.person.key,
            client_id=draft.client.client_id,
            kind=EVENTS[draft.event.status],
            grant_id=draft.grant_id,
            receipt_id=draft.receipt_id,
            given_id=_given(draft),
            txn=draft.event.txn,
            now=draft.event.time,
        )
    return signed


def _given(draft: Draft) -> str:
    """The receipt that the consent was given with: what an end replaces."""
    if draft.event.status is ConsentStatus.GIVEN:
        return draft.receipt_id
    assert draft.replaces is not None  # noqa: S101 - an end replaces what it ends
    return draft.replaces


def account_disclosure(broker: Broker, person: Person) -> Disclosure:
    """The account that was proved, salted."""
    return disclose(ACCOUNT, account_value(person), salt=broker.random(SALT_SIZE))


def account_value(person: Person) -> dict[str, str]:
    """The account as receipts and token answers name it."""
    proven: ProvenAccount = person.proven
    return {
        "platform": proven.account.platform,
        "id": proven.account.id,
        "handle": proven.handle,
        "verified_by": "oauth2",
        "verified_at": timestamp(person.proved_at),
    }


def identifier_disclosure(broker: Broker, identifier: dict[str, str]) -> Disclosure:
    """The off-platform identifier, salted."""
    return disclose(IDENTIFIER, identifier, salt=broker.random(SALT_SIZE))


def _standing(draft: Draft) -> Standing | None:
    """The consent that the receipt's entry stands for; a refusal and an end have none."""
    if draft.event.status is not ConsentStatus.GIVEN:
        return None
    return Standing(client_id=draft.client.client_id, valid_until=draft.event.valid_until)


def _claims(broker: Broker, draft: Draft, entry: StatusEntry) -> ReceiptClaims:
    policy = broker.policies.governing(draft.platform).ref
    return ReceiptClaims(
        receipt_id=draft.receipt_id,
        grant_id=draft.grant_id,
        replaces=draft.replaces,
        pairwise=pairwise_name(draft.person.sealer, draft.client.client_id),
        client_id=draft.client.client_id,
        client=party_of(draft.client),
        broker=broker.party,
        platform=draft.platform,
        purposes=draft.purposes,
        purpose_texts=draft.purpose_texts,
        location=broker.location,
        notice=draft.notice,
        event=draft.event,
        policy={"id": policy.id, "version": policy.version, "digest": policy.digest},
        status_uri=broker.url(f"/status/{entry.list_id}"),
        status_index=entry.position,
        withdrawal_uri=draft.withdrawal_uri,
        brand=draft.brand,
        narrower=draft.client.registration.narrower,
    )

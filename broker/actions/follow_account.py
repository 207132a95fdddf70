"""An account that changes is followed by its permanent id: it bears another handle, is gone, or is back.

A proof and the platform's own answer are worth the same: both say which handle an id bears now. What was consented to
stays with the id. Whoever holds a live consent is told that something changed, never a handle: they may look it up.
"""

from __future__ import annotations

from dataclasses import replace

from broker.actions.broker import Broker
from broker.core.consent import ConsentStatus
from broker.core.identifiers import ProvenAccount, same_handle
from broker.core.presence import Presence
from broker.platforms import Sighting
from broker.store.consents import list_consents
from broker.store.events import save_event
from broker.store.people import Person, find_person, hold_handle, hold_person, save_proof, save_seen_as
from broker.store.presences import presence_of, save_presence
from broker.store.receipts import put_to_sleep
from broker.store.transaction import Transaction

#: What may have changed of an account. Clients are told of the first three; the last two bear on public data alone.
RENAMED, GONE, BACK, PROTECTED, UNPROTECTED = "renamed", "gone", "back", "protected", "unprotected"
TOLD = (GONE, BACK, RENAMED)
EVENT = "handle-changed"


def follow_proof(tx: Transaction, broker: Broker, proven: ProvenAccount, *, environment: str) -> Person:
    """Record a proof: the person, then the handle. Of two proofs at once the second waits, and they agree on one."""
    now, account = broker.now(), broker.blinder.account(proven.account, environment=environment)
    hold_person(tx, account)
    before = find_person(tx, broker.sealer, account)
    person = save_proof(tx, broker.sealer, account, proven, now=now)
    hold_handle(tx, _handle(broker, person, proven.handle, environment), account, now=now)
    if before is not None:
        presence = presence_of(tx, account)
        _note(tx, broker, person, presence, changes_of(before, presence, Sighting(id="", handle=proven.handle)))
    return person


def follow_sighting(
    tx: Transaction, broker: Broker, person: Person, sighting: Sighting, *, environment: str
) -> tuple[str, ...]:
    """Record what the platform said of an account, and return what changed. The person is held by the caller."""
    presence = presence_of(tx, person.key)
    changes = changes_of(person, presence, sighting)
    if RENAMED in changes and sighting.handle is not None:
        save_seen_as(tx, person, sighting.handle)
        hold_handle(tx, _handle(broker, person, sighting.handle, environment), person.key, now=broker.now())
    _note(tx, broker, person, presence, changes)
    return changes


def changes_of(person: Person, presence: Presence, sighting: Sighting) -> tuple[str, ...]:
    """What a sighting says that was not known. Of what the platform did not say, nothing changed."""
    found = []
    if sighting.gone is not None and sighting.gone != presence.gone:
        found.append(GONE if sighting.gone else BACK)
    if sighting.handle is not None and not same_handle(sighting.handle, person.seen_as):
        found.append(RENAMED)
    if sighting.protected is not None and sighting.protected != presence.protected:
        found.append(PROTECTED if sighting.protected else UNPROTECTED)
    return tuple(found)


def _note(tx: Transaction, broker: Broker, person: Person, presence: Presence, changes: tuple[str, ...]) -> None:
    """Write down how the account stands now, and tell who holds a live consent of it."""
    now = broker.now()
    after = presence
    if GONE in changes or BACK in changes:
        after = replace(after, gone_at=now if GONE in changes else None)
    if PROTECTED in changes or UNPROTECTED in changes:
        after = replace(after, protected_at=now if PROTECTED in changes else None)
    if after != presence:
        save_presence(tx, person.key, after)
    told = [change for change in TOLD if change in changes]
    if told:
        _tell(tx, broker, person.key, told, asleep=after.gone)


def _tell(tx: Transaction, broker: Broker, account: bytes, told: list[str], *, asleep: bool) -> None:
    """An event for each consent that stands; its entry in the status list sleeps as long as the account is gone."""
    now = broker.now()
    for record in list_consents(tx, account):
        if record.status is ConsentStatus.GIVEN:
            put_to_sleep(tx, account, record.receipt_id, asleep=asleep)
        if record.status_at(now) is not ConsentStatus.GIVEN:
            continue
        for change in told:
            save_event(
                tx,
                event_id=broker.new_id(),
                account=account,
                client_id=record.client_id,
                kind=EVENT,
                grant_id=record.grant_id,
                receipt_id=record.receipt_id,
                given_id=record.receipt_id,
                txn=broker.new_id(),  # one that all shared would show two businesses that the account is the same
                now=now,
                more={"change": change},
            )


def _handle(broker: Broker, person: Person, handle: str, environment: str) -> bytes:
    return broker.blinder.handle(person.proven.account.platform, handle, environment=environment)

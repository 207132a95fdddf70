"""What a business says that it did: taken when it is signed, its own and possible; kept whole, once, and proved."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import NOON, Clock, all_at_once, an_account, consented
from events import withdrawn
from lives import erased, with_marks
from sqlmodel import col
from statements import a_key, a_statement, keyed, keys_of, owed, stated

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.list_confirmations import late_answers, list_confirmations
from broker.actions.publish_log import publish_checkpoint
from broker.actions.record_action import MOST, bundle_action, open_action
from broker.core.action import agreed_time
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.errors import CommandRefused, MalformedRequest, NotFound
from broker.proof.action import TYP
from broker.proof.checkpoint import read_vkeys
from broker.proof.sdjwt import assemble, payload_of
from broker.proof.verify import verify_evidence
from broker.store.action_tables import ActionRow
from broker.store.actions import ToldEvent, find_event, list_actions
from broker.store.deliveries import find_deliveries
from broker.store.writing import change


@pytest.fixture
def broker(broker: Broker, tmp_path: Path) -> Broker:
    """Give a whole broker with its folder of marks."""
    return with_marks(broker, tmp_path / "marks")


@pytest.fixture
def own_broker(own_broker: Broker, tmp_path: Path) -> Broker:
    """Give the same on a file that a test may spoil."""
    return with_marks(own_broker, tmp_path / "marks")


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a business with a key."""
    return keyed(broker)


@pytest.fixture
def record(broker: Broker, client: Client) -> ConsentRecord:
    """Give a consent that was withdrawn."""
    record = consented(broker, client)
    withdrawn(broker, record)
    return record


@pytest.fixture
def event(broker: Broker, client: Client, record: ConsentRecord) -> ToldEvent:
    """Give the event that the business is to answer."""
    (found,) = owed(broker, client)
    assert record.grant_id == found.grant_id
    return found


def faults(broker: Broker) -> list[str]:
    """What the audit names."""
    found: list[str] = []
    audit(broker, lambda finding: found.append(str(finding)), patience=0)
    return found


def test_a_statement_is_kept_whole_and_its_receipt_is_evidence(
    broker: Broker, client: Client, event: ToldEvent, record: ConsentRecord
) -> None:
    text = a_statement(broker, event, iss=client.client_id, aud=broker.issuer, iat=int(NOON.timestamp()))
    recorded = stated(broker, client, text)
    keep_log(broker)
    publish_checkpoint(broker)
    with broker.database.reading() as tx:
        bundle = bundle_action(tx, broker, recorded.action)
    verdict = verify_evidence(str(bundle), jwks=broker.keys.jwks(), vkeys=read_vkeys("\n".join(broker.log.vkeys)))
    assert (True, True) == (verdict.anchored, verdict.logged), verdict.steps
    said = verdict.payload["action"]
    assert isinstance(said, dict)
    assert (text, event.event_id, "unlinked", "2026-11-23T12:00:00Z", "2026-12-23T12:00:00Z") == tuple(
        said[name] for name in ("statement", "event", "action", "done_at", "due_at")
    )
    assert a_key().thumbprint() == said["key"]["kid"]
    assert [] == faults(broker)
    for personal in (record.account.hex(), "JaneCanary", "2244994945", "jane.canary"):
        assert personal not in str(verdict.payload)


def test_the_same_again_is_the_same_and_another_is_a_further_one(
    broker: Broker, client: Client, event: ToldEvent
) -> None:
    text = a_statement(broker, event)
    first, again = stated(broker, client, text), stated(broker, client, text)
    assert (True, False, first.action) == (first.first, again.first, again.action)
    assert stated(broker, client, a_statement(broker, event, action="deleted")).first
    with broker.database.reading() as tx:
        assert ["deleted", "unlinked"] == sorted(it.action for it in list_actions(tx, limit=9))


def test_the_same_many_times_at_once_is_kept_once(broker: Broker, client: Client, event: ToldEvent) -> None:
    text = a_statement(broker, event)
    found = all_at_once(4, lambda _: stated(broker, client, text))
    assert 1 == sum(it.first for it in found)
    assert 1 == len({it.action.action_id for it in found})


def test_there_is_an_end_to_what_is_said_of_one_event(broker: Broker, client: Client, event: ToldEvent) -> None:
    texts = [a_statement(broker, event) for _ in range(MOST + 1)]
    for text in texts[:-1]:
        stated(broker, client, text)
    with pytest.raises(CommandRefused):
        stated(broker, client, texts[-1])
    assert not stated(broker, client, texts[0]).first


def forged(broker: Broker, event: ToldEvent) -> str:
    """A genuine statement whose payload says another action."""
    head, _payload, signature = a_statement(broker, event).split(".")
    said = {"event": event.event_id, "action": "deleted", "done_at": "2026-11-23T12:00:00Z"}
    return f"{head}.{urlsafe_b64encode(json.dumps(said).encode()).rstrip(b'=').decode()}.{signature}"


LIES = {
    "another key under the right name": lambda broker, event: a_statement(
        broker, event, key=a_key("a stranger's"), header={"kid": a_key().kid}
    ),
    "a key that is not registered": lambda broker, event: a_statement(broker, event, key=a_key("a stranger's")),
    "what was signed was changed": forged,
    "a key that travels along": lambda broker, event: a_statement(
        broker, event, key=a_key("a stranger's"), header={"jwk": a_key("a stranger's").as_dict(private=False)}
    ),
    "another type": lambda broker, event: a_statement(broker, event, header={"typ": "client-authentication+jwt"}),
    "another client": lambda broker, event: a_statement(broker, event, iss="somebody else"),
    "another broker": lambda broker, event: a_statement(broker, event, aud="https://other.example"),
    "two audiences": lambda broker, event: a_statement(broker, event, aud=[broker.issuer, "https://other.example"]),
    "a time in words": lambda broker, event: a_statement(broker, event, iat="now"),
    "an unknown action": lambda broker, event: a_statement(broker, event, action="archived"),
    "no action": lambda broker, event: a_statement(broker, event, action=None),
    "an action in a list": lambda broker, event: a_statement(broker, event, action=["unlinked"]),
    "words of its own": lambda broker, event: a_statement(broker, event, note="Jane rang"),
    "a number for an event": lambda broker, event: a_statement(broker, event, event=7),
    "done tomorrow": lambda broker, event: a_statement(broker, event, done_at="2026-11-24T12:00:00Z"),
    "done before": lambda broker, event: a_statement(broker, event, done_at="2026-11-23T11:59:00Z"),
    "done without a zone": lambda broker, event: a_statement(broker, event, done_at="2026-11-23T12:00:00"),
    "done in seconds": lambda broker, event: a_statement(broker, event, done_at=1795435200),
    "done in the year one": lambda broker, event: a_statement(broker, event, done_at="0001-01-01T00:00:00+14:00"),
    "no signature": lambda broker, event: a_statement(broker, event).rpartition(".")[0] + ".",
    "no JWS": lambda _broker, event: event.event_id,
    "more than anybody says": lambda broker, event: a_statement(broker, event, aud="x" * 5000),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_what_is_not_the_clients_own_possible_statement_is_refused(sqlite_broker: Broker, lie: object) -> None:
    client = keyed(sqlite_broker)
    withdrawn(sqlite_broker, consented(sqlite_broker, client))
    (event,) = owed(sqlite_broker, client)
    assert callable(lie)
    with pytest.raises(MalformedRequest):
        stated(sqlite_broker, client, lie(sqlite_broker, event))
    assert [event] == owed(sqlite_broker, client)


def test_a_statement_without_a_kid_or_a_type_is_held_against_every_key(
    broker: Broker, client: Client, event: ToldEvent
) -> None:
    assert stated(broker, client, a_statement(broker, event, header={"kid": None, "typ": None})).first
    assert stated(broker, client, a_statement(broker, event, done_at="2026-11-23T14:00:00.25+02:00")).first


def test_an_event_of_another_business_reads_like_none(broker: Broker, event: ToldEvent) -> None:
    other = keyed(broker, a_key("another's"))
    said = []
    for told in (event, "a" * 26, "no id at all"):
        with pytest.raises(NotFound) as refusal:
            stated(broker, other, a_statement(broker, told, key=a_key("another's")))
        said.append(refusal.value.detail)
    assert 1 == len(set(said))


def test_a_receipt_opens_to_the_client_that_earned_it_alone(broker: Broker, client: Client, event: ToldEvent) -> None:
    action = stated(broker, client, a_statement(broker, event)).action
    other = keyed(broker, a_key("another's"))
    with broker.database.reading() as tx:
        bundle = open_action(tx, broker, client_id=client.client_id, action_id=action.action_id)
        assert assemble(action.jwt) == bundle.evidence
        for client_id, action_id in ((other.client_id, action.action_id), (client.client_id, "none")):
            with pytest.raises(NotFound):
                open_action(tx, broker, client_id=client_id, action_id=action_id)


def test_a_consent_that_was_given_asks_for_no_action(broker: Broker, client: Client) -> None:
    consented(broker, client)
    with broker.database.reading() as tx:
        (delivery,) = find_deliveries(tx, client_id=client.client_id, limit=9)
        event = find_event(tx, client.client_id, delivery.event_id)
    assert event is not None
    with pytest.raises(MalformedRequest):
        stated(broker, client, a_statement(broker, event))


def test_who_has_not_answered_in_the_agreed_time_is_late(broker: Broker, clock: Clock) -> None:
    client = keyed(broker, action_within="P7D")
    withdrawn(broker, consented(broker, client))
    (event,) = owed(broker, client)

    def late() -> list[str]:
        with broker.database.reading() as tx:
            return [it.event.event_id for it in late_answers(tx, now=broker.now())]

    clock.passes(days=7)
    assert [] == late()
    clock.passes(seconds=1)
    assert [event.event_id] == late()
    stated(broker, client, a_statement(broker, event))
    assert [] == late()


def test_after_an_erasure_the_business_still_answers_and_one_answer_is_enough(
    broker: Broker, client: Client, clock: Clock
) -> None:
    record = consented(broker, client)
    erased(broker, an_account())
    asked = owed(broker, client)
    assert ["consent-withdrawn", "account-erased"] == [
        event.kind for event in sorted(asked, key=lambda e: -len(e.kind))
    ]
    with broker.database.reading() as tx:
        assert {} == list_confirmations(tx, broker, record.account).by_grant
    (event,) = [event for event in asked if event.kind == "account-erased"]
    clock.passes(hours=1)
    assert stated(broker, client, a_statement(broker, event, action="deleted")).first
    assert [] == owed(broker, client)


def test_an_erasure_leaves_what_was_said_and_no_way_to_the_person(
    broker: Broker, client: Client, event: ToldEvent, record: ConsentRecord
) -> None:
    action = stated(broker, client, a_statement(broker, event)).action
    erased(broker, an_account())
    with broker.database.reading() as tx:
        assert action in list_actions(tx, limit=9)
        assert {} == list_confirmations(tx, broker, record.account).by_grant


def test_the_person_sees_what_was_confirmed_and_what_is_late(broker: Broker, client: Client, clock: Clock) -> None:
    first = consented(broker, client, an_account())
    other = keyed(broker, a_key("another's"), client_name="Contoso Market")
    second = consented(broker, other, an_account())
    for record in (first, second):
        withdrawn(broker, record)
    (event,) = owed(broker, client)
    stated(broker, client, a_statement(broker, event))
    clock.passes(days=31)
    with broker.database.reading() as tx:
        found = list_confirmations(tx, broker, first.account)
    assert (1, 2) == (found.confirmed, len(found.by_grant))
    assert (False, True) == tuple(found.by_grant[record.grant_id].late for record in (first, second))
    latest = found.by_grant[first.grant_id].latest
    assert latest is not None
    assert "unlinked" == latest.action


RECEIPTS = {
    "the key of another": {"key": a_key("a stranger's").as_dict(private=False)},
    "another action": {"action": "deleted"},
    "another event": {"event": "a" * 26},
    "no statement": {"statement": None},
    "no name": {"stated_by": {}},
    "received at another time": {"received_at": "2026-11-23T12:00:01Z"},
    "done at no time": {"done_at": "noon"},
}


@pytest.mark.parametrize("changes", RECEIPTS.values(), ids=RECEIPTS.keys())
def test_a_receipt_that_is_not_borne_out_by_its_statement_is_none(
    sqlite_broker: Broker, changes: dict[str, object]
) -> None:
    client = keyed(sqlite_broker)
    withdrawn(sqlite_broker, consented(sqlite_broker, client))
    (event,) = owed(sqlite_broker, client)
    claims: dict[str, Any] = payload_of(stated(sqlite_broker, client, a_statement(sqlite_broker, event)).action.jwt)
    claims["action"] |= changes
    # Signed with the broker's own key: it is what it says that does not hold.
    forged = assemble(sqlite_broker.keys.receipts.sign(json.dumps(claims).encode(), typ=TYP))
    verdict = verify_evidence(forged, jwks=sqlite_broker.keys.jwks())
    assert ("payload", False) == (verdict.steps[-1].name, verdict.steps[-1].ok)


WRITTEN = {
    "another action": {"action": "deleted"},
    "another time": {"done_at": NOON - timedelta(seconds=5)},
    "another event": {"event_id": "a" * 26},
    "another receipt": {"jwt": "a.b.c"},
}


@pytest.mark.parametrize("columns", WRITTEN.values(), ids=WRITTEN.keys())
def test_the_audit_names_an_action_that_nobody_stated_so(own_broker: Broker, columns: dict[str, object]) -> None:
    client = keyed(own_broker)
    withdrawn(own_broker, consented(own_broker, client))
    (event,) = owed(own_broker, client)
    stated(own_broker, client, a_statement(own_broker, event))
    with own_broker.database.transaction() as tx:
        # Written as the broker writes, MAC and trail and all: what was signed tells.
        change(tx, ActionRow, col(ActionRow.event_id) == event.event_id, **columns)
    assert any(line.startswith("actions") for line in faults(own_broker))


def test_the_audit_names_what_was_stated_by_a_key_that_is_not_its_clients(own_broker: Broker) -> None:
    client = keyed(own_broker)
    withdrawn(own_broker, consented(own_broker, client))
    (event,) = owed(own_broker, client)
    forger = replace(client, registration=replace(client.registration, jwks=keys_of(a_key("a stranger's"))))
    stated(own_broker, forger, a_statement(own_broker, event, key=a_key("a stranger's")))
    assert ["its client did not sign the statement"] == [
        line.partition(": ")[2] for line in faults(own_broker) if line.startswith("actions")
    ]


LENGTHS = {"P30D": True, "P4W": True, "P1D": True, "P31D": False, "P1M": False, "P5W": False, "30": False, "P0D": False}


@pytest.mark.parametrize(("length", "holds"), LENGTHS.items())
def test_nobody_agrees_on_more_than_thirty_days(length: str, *, holds: bool) -> None:
    if holds:
        assert timedelta(days=1) <= agreed_time(length) <= timedelta(days=30)
    else:
        with pytest.raises(MalformedRequest):
            agreed_time(length)

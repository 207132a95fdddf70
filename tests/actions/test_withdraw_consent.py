from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from builders import (
    NOON,
    Clock,
    a_choice,
    a_pen,
    a_question,
    a_request,
    all_at_once,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
)
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.linking import Proved
from broker.actions.record_consent import record_consent
from broker.actions.withdraw_consent import (
    Ending,
    find_grant,
    relinquish_grant,
    withdraw_by_link,
    withdraw_consent,
)
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.errors import NotFound
from broker.proof.sdjwt import payload_of
from broker.proof.verify import verify_receipt
from broker.store.consents import find_consent
from broker.store.database import Database
from broker.store.people import find_person
from broker.store.receipts import StoredReceipt, find_receipt

End = Callable[[Broker, ConsentRecord], Ending]


def stored(broker: Broker, record: ConsentRecord, receipt_id: str) -> StoredReceipt:
    """Open one receipt of the consent's person."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        found = find_receipt(tx, record.account, receipt_id, store=broker.sealer, person=person.sealer)
    assert found is not None
    return found


def said(broker: Broker, record: ConsentRecord, receipt_id: str) -> dict[str, Any]:
    """Read the record part of a receipt."""
    part = payload_of(stored(broker, record, receipt_id).jwt)["record"]
    assert isinstance(part, dict)
    return part


def capability(broker: Broker, record: ConsentRecord) -> str:
    """Take the link's secret out of the receipt, as its holder does."""
    uri: str = said(broker, record, record.receipt_id)["withdrawal"]["uri"]
    return uri.rpartition("/")[2]


def by_person(broker: Broker, record: ConsentRecord) -> Ending:
    with broker.database.transaction() as tx:
        return withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


def by_link(broker: Broker, record: ConsentRecord) -> Ending:
    secret = capability(broker, record)
    with broker.database.transaction() as tx:
        return withdraw_by_link(tx, broker, capability=secret)


def by_client(broker: Broker, record: ConsentRecord) -> Ending:
    with broker.database.transaction() as tx:
        return relinquish_grant(tx, broker, client_id=record.client_id, grant_id=record.grant_id)


WAYS = pytest.mark.parametrize(
    ("end", "status", "by", "method"),
    [
        (by_person, ConsentStatus.WITHDRAWN, "dpv:DataSubject", "page:consents"),
        (by_link, ConsentStatus.WITHDRAWN, "link", "link:receipt"),
        (by_client, ConsentStatus.REVOKED, "dpv:DataController", "api:grants"),
    ],
    ids=["by the person", "by link", "by the client"],
)
ENDS = pytest.mark.parametrize("end", [by_person, by_link, by_client])


@WAYS
def test_an_end_is_recorded_with_who_and_how(
    broker: Broker, client: Client, clock: Clock, *, end: End, status: ConsentStatus, by: str, method: str
) -> None:
    record = consented(broker, client)
    clock.passes(days=3)
    ending = end(broker, record)
    assert (status, NOON + timedelta(days=3), False) == (
        ending.record.status, ending.record.ended_at, ending.record.associated,
    )  # fmt: skip
    assert ending.receipt_id is not None
    event = said(broker, record, ending.receipt_id)["event"]
    assert (status.dpv, by, method, "2026-11-26T12:00:00Z") == (
        event["state"], event["by"], event["method"], event["time"],
    )  # fmt: skip


@WAYS
def test_the_next_match_on_another_connection_says_no(
    broker: Broker, client: Client, *, end: End, status: ConsentStatus, by: str, method: str
) -> None:
    assert by
    assert method
    record = consented(broker, client)
    assert asked(broker, client).decision.permitted
    other = Database(broker.database.engine.url.render_as_string(hide_password=False), pen=a_pen())
    elsewhere = object.__new__(Broker)
    vars(elsewhere).update({**vars(broker), "database": other})
    assert asked(elsewhere, client).decision.permitted
    end(broker, record)
    answer = asked(elsewhere, client).decision
    other.close()
    expected = {ConsentStatus.WITHDRAWN: "withdrawn", ConsentStatus.REVOKED: "no_basis"}[status]
    assert (False, expected) == (answer.permitted, answer.reason)


@ENDS
def test_the_receipt_of_the_end_is_signed_and_replaces_that_of_the_beginning(
    broker: Broker, client: Client, end: End
) -> None:
    record = consented(broker, client, None, "newsletter", brand="Northwind Kids")
    ending = end(broker, record)
    assert ending.receipt_id is not None
    receipt = stored(broker, record, ending.receipt_id)
    verdict = verify_receipt("~".join([receipt.jwt, *receipt.disclosures, ""]), jwks=broker.keys.jwks())
    assert verdict.anchored
    first, last = said(broker, record, record.receipt_id), said(broker, record, ending.receipt_id)
    assert record.receipt_id == last["replaces"]
    for name in ("record_id", "platform", "brand", "notice", "processing", "withdrawal", "parties"):
        assert first[name] == last[name]
    assert {"account", "identifier"} == set(verdict.disclosed)


@ENDS
def test_ending_it_twice_changes_nothing_and_is_no_error(
    broker: Broker, client: Client, clock: Clock, end: End
) -> None:
    record = consented(broker, client)
    first = end(broker, record)
    clock.passes(hours=1)
    second = end(broker, record)
    assert (first.record, None) == (second.record, second.receipt_id)


@pytest.mark.parametrize(("first", "second"), [(by_person, by_client), (by_client, by_link), (by_link, by_client)])
def test_the_first_end_stands_whoever_comes_after(broker: Broker, client: Client, first: End, second: End) -> None:
    record = consented(broker, client)
    ended = first(broker, record)
    assert ended.record == second(broker, record).record


def test_of_many_ends_at_once_one_has_a_receipt(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    ways = (by_person, by_client)
    endings = all_at_once(8, lambda number: ways[number % 2](broker, record))
    assert 1 == sum(ending.receipt_id is not None for ending in endings)
    assert 1 == len({ending.record.status for ending in endings})


def test_only_the_consent_that_is_meant_ends(broker: Broker, client: Client, other_client: Client) -> None:
    ended = consented(broker, client)
    consented(broker, other_client)
    consented(broker, client, identifier=an_identifier("other.canary@mailbox.example"))
    consented(broker, client, an_account("7777777", "BobCanary"))
    by_person(broker, ended)
    questions = (
        (client, a_question()),
        (other_client, a_question()),
        (client, a_question(identifier=an_identifier("other.canary@mailbox.example"))),
        (client, a_question(an_account("7777777", "BobCanary"))),
    )
    assert [False, True, True, True] == [asked(broker, who, what).decision.permitted for who, what in questions]


@pytest.mark.parametrize("grant_id", ["", "made up", "a" * 26, "a\0b"])
def test_a_grant_that_nobody_gave_is_not_found(broker: Broker, client: Client, grant_id: str) -> None:
    record = consented(broker, client)
    with pytest.raises(NotFound), broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=grant_id)
    with pytest.raises(NotFound), broker.database.transaction() as tx:
        relinquish_grant(tx, broker, client_id=client.client_id, grant_id=grant_id)
    with pytest.raises(NotFound), broker.database.transaction() as tx:
        withdraw_by_link(tx, broker, capability=grant_id)


def test_nobody_ends_what_is_another_persons(broker: Broker, client: Client) -> None:
    mine, other = consented(broker, client), consented(broker, client, an_account("7777777", "BobCanary"))
    with pytest.raises(NotFound), broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=other.account, grant_id=mine.grant_id)
    assert asked(broker, client).decision.permitted


def test_no_client_ends_or_reads_what_another_holds(broker: Broker, client: Client, other_client: Client) -> None:
    record = consented(broker, client)
    failures = []
    for grant_id in (record.grant_id, "made up"):
        for act in (relinquish_grant, lambda tx, _, **names: find_grant(tx, **names)):
            with pytest.raises(NotFound) as caught, broker.database.transaction() as tx:
                act(tx, broker, client_id=other_client.client_id, grant_id=grant_id)
            failures.append(caught.value.detail)
    assert 1 == len(set(failures))
    assert asked(broker, client).decision.permitted


@pytest.mark.parametrize("name", ["grant_id", "receipt_id"])
def test_a_link_is_opened_by_its_secret_and_by_no_other_name(broker: Broker, client: Client, name: str) -> None:
    record = consented(broker, client)
    with pytest.raises(NotFound), broker.database.transaction() as tx:
        withdraw_by_link(tx, broker, capability=getattr(record, name))


@ENDS
def test_a_consent_that_ran_out_is_over_and_nobody_ends_it_again(
    broker: Broker, client: Client, clock: Clock, end: End
) -> None:
    record = consented(broker, client)
    clock.passes(days=400)
    assert end(broker, record).receipt_id is None
    assert "expired" == asked(broker, client).decision.reason


def test_the_end_of_a_consent_leaves_its_events_in_order(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    ending = by_person(broker, record)
    with broker.database.transaction() as tx:
        events = {row["receipt_id"]: row["type"] for row in all_rows(tx)["events"]}
        found = find_consent(tx, record.account, record.grant_id)
    assert {record.receipt_id: "consent-granted", ending.receipt_id: "consent-withdrawn"} == events
    assert ending.record == found


def test_a_withdrawal_and_a_new_consent_of_one_pair_at_once_are_both_done(broker: Broker, client: Client) -> None:
    """Each waits for the other at most once: neither is refused because the database finds them waiting in a ring."""
    record = consented(broker, client)
    for _ in range(4):
        seen = proved(broker, an_account(), a_request(client))

        def give(seen: Proved = seen) -> ConsentRecord:
            with broker.database.transaction() as tx:
                return record_consent(tx, broker, client, a_choice(seen, "customer-care"))

        def withdraw(record: ConsentRecord = record) -> None:
            with broker.database.transaction() as tx:
                withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)

        done: list[Any] = all_at_once(2, lambda number, acts=(give, withdraw): acts[number]())
        assert [ConsentRecord, type(None)] == [type(it) for it in done]
        record = done[0]

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    NOON,
    Clock,
    a_choice,
    a_request,
    all_at_once,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    undone,
)
from invariants import assert_sound
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.record_consent import Choice, record_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.notice import words_digest
from broker.errors import FlowBroken, PolicyRefused
from broker.proof.sdjwt import payload_of
from broker.proof.verify import Verdict, verify_receipt
from broker.store.people import find_person
from broker.store.receipts import list_receipts


def receipts(broker: Broker, account: bytes) -> list[Verdict]:
    """Verify every receipt of a person, the latest first."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, account)
        assert person is not None
        stored = list_receipts(tx, account, store=broker.sealer, person=person.sealer)
    return [verify_receipt("~".join([one.jwt, *one.disclosures, ""]), jwks=broker.keys.jwks()) for one in stored]


def allow(broker: Broker, client: Client, choice: Choice) -> ConsentRecord:
    """Record a choice in a transaction of its own."""
    with broker.database.transaction() as tx:
        return record_consent(tx, broker, client, choice)


def counts(broker: Broker) -> dict[str, int]:
    """Count the rows of every table."""
    with broker.database.transaction() as tx:
        return {name: len(rows) for name, rows in all_rows(tx).items()}


def test_a_yes_is_a_record_for_what_was_ticked_until_the_day_that_was_shown(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "newsletter")
    account = broker.blinder.account(an_account().account)
    assert (account, client.client_id, ("newsletter",)) == (record.account, record.client_id, record.purposes)
    assert (ConsentStatus.GIVEN, NOON, NOON.replace(year=2027)) == (
        record.status, record.given_at, record.valid_until,
    )  # fmt: skip
    assert broker.blinder.identifier(client.client_id, an_identifier()) == record.identifier.digest


def test_a_yes_leaves_one_row_of_each_kind(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), a_request(client))
    before = counts(broker)
    allow(broker, client, a_choice(seen, "customer-care"))
    after = counts(broker)
    expected = dict.fromkeys(
        ("consents", "associations", "receipts", "leaves", "events", "deliveries", "status_entries", "notices"), 1
    )  # fmt: skip
    assert {**expected, "routes": 3, "pairs": 1} == {
        name: after[name] - before[name] for name in after if after[name] > before[name] and name != "trail"
    }


def test_the_receipt_says_what_happened_and_anyone_can_check_it(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "customer-care", brand="Northwind Kids")
    [verdict] = receipts(broker, record.account)
    assert verdict.anchored
    said = verdict.payload["record"]
    assert isinstance(said, dict)
    assert (record.receipt_id, client.client_id, record.grant_id, None, "Northwind Kids") == (
        verdict.payload["jti"], verdict.payload["aud"], said["record_id"], said["replaces"], said["brand"],
    )  # fmt: skip
    assert ["customer-care"] == [entry["purpose_id"] for entry in said["processing"]]
    assert 26 == len(said["event"].pop("txn"))
    assert {
        "type": "dpv:ExplicitlyExpressedConsent",
        "state": "dpv:ConsentGiven",
        "time": "2026-11-23T12:00:00Z",
        "valid_until": "2027-11-23T12:00:00Z",
        "by": "dpv:DataSubject",
        "method": "button:allow",
        "signals": {"gpc": False},
    } == said["event"]


def test_the_receipt_discloses_account_identifier_and_the_words_that_were_read(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), a_request(client))
    choice = a_choice(seen, "customer-care")
    record = allow(broker, client, choice)
    [verdict] = receipts(broker, record.account)
    assert {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"} == verdict.disclosed[
        "identifier"
    ]
    assert choice.notice.words() == verdict.disclosed["notice_words"]
    assert {
        "platform": "x", "id": "2244994945", "handle": "JaneCanary",
        "verified_by": "oauth2", "verified_at": "2026-11-23T12:00:00Z",
    } == verdict.disclosed["account"]  # fmt: skip


def test_the_payload_itself_names_neither_account_nor_identifier(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    [verdict] = receipts(broker, record.account)
    for value in ("JaneCanary", "2244994945", "jane.canary", "mailbox.example"):
        assert value not in str(verdict.payload)


def test_the_notice_is_archived_with_its_personal_values_left_open(broker: Broker, client: Client) -> None:
    choice = a_choice(proved(broker, an_account(), a_request(client)), "customer-care")
    record = allow(broker, client, choice)
    with broker.database.transaction() as tx:
        [kept] = all_rows(tx)["notices"]
    assert (choice.text, words_digest(choice.text)) == (kept["text"], kept["sha256"])
    [verdict] = receipts(broker, record.account)
    said = verdict.payload["record"]
    assert isinstance(said, dict)
    assert kept["sha256"] == said["notice"]["text_sha256"]


@pytest.mark.parametrize("gpc", [True, False])
def test_the_browsers_signal_is_in_the_receipt_and_changes_nothing_else(
    broker: Broker, client: Client, *, gpc: bool
) -> None:
    seen = proved(broker, an_account(), a_request(client))
    record = allow(broker, client, a_choice(seen, "newsletter", gpc=gpc))
    [verdict] = receipts(broker, record.account)
    said = verdict.payload["record"]
    assert isinstance(said, dict)
    assert ({"gpc": gpc}, ("newsletter",)) == (said["event"]["signals"], record.purposes)


def test_purposes_stand_in_the_order_they_were_asked(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "newsletter", "customer-care")
    assert ("customer-care", "newsletter") == record.purposes


@pytest.mark.parametrize(
    "ticked", [(), ("direct-marketing",), ("customer-care", "direct-marketing"), ("profiling",)],
    ids=["nothing", "what was not asked", "one too many", "what none may ask"],
)  # fmt: skip
def test_ticks_that_are_no_consent_leave_nothing(broker: Broker, client: Client, ticked: tuple[str, ...]) -> None:
    seen = proved(broker, an_account(), a_request(client))
    before = counts(broker)
    with pytest.raises(PolicyRefused) as caught:
        allow(broker, client, a_choice(seen, *ticked))
    assert ("MATCH-2",) == caught.value.clauses
    assert before == counts(broker)


def test_a_sign_in_of_ones_own_is_no_consent(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), None)
    with pytest.raises(FlowBroken):
        allow(broker, client, a_choice(seen, "customer-care"))


def test_an_account_that_is_not_known_any_more_consents_to_nothing(broker: Broker, client: Client) -> None:
    seen = replace(proved(broker, an_account(), a_request(client)), proven=an_account("555555", "Stranger"))
    with pytest.raises(FlowBroken):
        allow(broker, client, a_choice(seen, "customer-care"))


def test_a_proof_alone_permits_nothing(broker: Broker, client: Client) -> None:
    proved(broker, an_account(), a_request(client))
    assert "no_basis" == asked(broker, client).decision.reason


def test_a_second_yes_takes_the_place_of_the_first(broker: Broker, client: Client, clock: Clock) -> None:
    first = consented(broker, client, None, "customer-care")
    clock.passes(days=1)
    second = consented(broker, client, None, "newsletter")
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    standing = {row["grant_id"]: (row["status"], row["ended_by"]) for row in rows["consents"]}
    assert {first.grant_id: ("revoked", "renewal"), second.grant_id: ("given", None)} == standing
    said = [verdict.payload["record"] for verdict in receipts(broker, first.account)]
    assert [first.receipt_id] * 2 == [part["replaces"] for part in said if isinstance(part, dict) and part["replaces"]]
    assert ["consent-granted"] * 2 == [row["type"] for row in rows["events"]]


def test_a_yes_to_another_business_or_about_another_record_takes_nobodys_place(
    broker: Broker, client: Client, other_client: Client
) -> None:
    consented(broker, client)
    consented(broker, other_client)
    consented(broker, client, identifier=an_identifier("other@mailbox.example"))
    consented(broker, client, an_account("7777777", "BobCanary"))
    with broker.database.transaction() as tx:
        assert ["given"] * 4 == [row["status"] for row in all_rows(tx)["consents"]]


def test_a_yes_after_the_end_date_ends_nothing(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client, valid_for="P1D")
    clock.passes(days=2)
    second = consented(broker, client)
    [latest, _] = receipts(broker, second.account)
    said = latest.payload["record"]
    assert isinstance(said, dict)
    assert said["replaces"] is None


def test_of_many_yeses_at_once_about_one_pair_one_stands(broker: Broker, client: Client) -> None:
    choices = [a_choice(proved(broker, an_account(), a_request(client)), "customer-care") for _ in range(4)]
    records = all_at_once(4, lambda number: allow(broker, client, choices[number]))
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    assert ["given", "revoked", "revoked", "revoked"] == sorted(row["status"] for row in rows["consents"])
    assert {record.grant_id for record in records} == {row["grant_id"] for row in rows["consents"]}
    assert 1 == len(rows["associations"])


def test_one_record_has_another_digest_for_each_business(broker: Broker, client: Client, other_client: Client) -> None:
    one, other = consented(broker, client), consented(broker, other_client)
    assert one.account == other.account
    assert one.identifier.digest != other.identifier.digest


@pytest.mark.parametrize(
    ("valid_for", "until"),
    [("P1D", NOON + timedelta(days=1)), ("P1M", NOON.replace(month=12)), ("P10Y", NOON.replace(year=2036))],
)
def test_a_consent_ends_on_the_day_that_was_asked(
    broker: Broker, client: Client, valid_for: str, until: object
) -> None:
    record = consented(broker, client, valid_for=valid_for)
    assert until == record.valid_until
    [verdict] = receipts(broker, record.account)
    said = verdict.payload["record"]
    assert isinstance(said, dict)
    assert record.valid_until.strftime("%Y-%m-%dT%H:%M:%SZ") == said["event"]["valid_until"]


def test_the_end_is_that_of_the_notice_however_long_it_was_read(broker: Broker, client: Client, clock: Clock) -> None:
    seen = proved(broker, an_account(), a_request(client))
    clock.passes(minutes=9)
    record = allow(broker, client, a_choice(seen, "customer-care"))
    assert (NOON + timedelta(minutes=9), NOON.replace(year=2027)) == (record.given_at, record.valid_until)


def test_the_events_of_one_client_name_the_receipt(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    with broker.database.transaction() as tx:
        [event] = all_rows(tx)["events"]
    assert ("consent-granted", record.receipt_id, record.grant_id) == (
        event["type"], event["receipt_id"], event["grant_id"],
    )  # fmt: skip


def test_every_name_that_was_given_out_is_its_own(broker: Broker, client: Client) -> None:
    records = [consented(broker, client, identifier=an_identifier(f"canary{n}@mailbox.example")) for n in range(10)]
    names = {name for record in records for name in (record.grant_id, record.receipt_id)}
    assert 20 == len(names)
    assert {26} == {len(name) for name in names}
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, records[0].account)
        assert person is not None
        stored = list_receipts(tx, person.key, store=broker.sealer, person=person.sealer)
    links = {str(payload_of(receipt.jwt)["record"]["withdrawal"]["uri"]) for receipt in stored}  # type: ignore[index,call-overload]
    assert 10 == len(links)


def test_a_later_step_that_fails_takes_the_consent_with_it(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), a_request(client))
    before = counts(broker)
    with undone(broker.database) as tx:
        record_consent(tx, broker, client, a_choice(seen, "customer-care"))
    assert before == counts(broker)
    assert_sound(broker.database, broker)

"""Before an automated message: consent, ceilings, repetition; exact for as many as ask at once."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from acts_of_terms import contacted, offered, with_limits
from builders import (
    Clock,
    a_tag,
    all_at_once,
    an_account,
    an_identifier,
    consented,
    registered,
)
from raw_rows import all_rows
from sqlalchemy import text

from broker.actions.broker import Broker
from broker.actions.decide_match import Answer
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.fingerprint import Fingerprint
from broker.core.identifiers import ProvenAccount

PURPOSES = ("customer-care", "contact")
YES, RATE = (True, ("CONTACT-1",)), (False, ("CONTACT-3",))
REPEATED = (False, ("CONTACT-4",))
HELLO = Fingerprint(sha256=sha256(b"hello").digest(), simhash=0xFFFF_0000_FFFF_0000)


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a business that declared contact."""
    return registered(broker, purposes=PURPOSES)


def people(broker: Broker, client: Client, count: int) -> list[ProvenAccount]:
    """Let so many people consent to contact."""
    found = [an_account(f"10000000{number:02}", f"Person{number:02}") for number in range(count)]
    for account in found:
        consented(broker, client, account, "contact", purposes=("contact",))
    return found


def result(answer: Answer) -> tuple[bool, tuple[str, ...]]:
    """An answer's heart."""
    return answer.decision.permitted, answer.decision.clauses


def checked(
    broker: Broker, client: Client, account: ProvenAccount | None = None, fingerprint: Fingerprint | None = None
) -> tuple[bool, tuple[str, ...]]:
    """Ask whether a message may go, and take the answer's heart."""
    return result(contacted(broker, client, account, fingerprint))


# --- consent (CONTACT-1) ----------------------------------------------------------------------------------------


def test_a_consent_that_names_contact_permits_a_message(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "contact", purposes=PURPOSES)
    answer = contacted(broker, client)
    assert (YES, "consent", record) == (result(answer), answer.decision.basis, answer.decision.consent)
    assert YES == result(contacted(broker, client, account_id=None, handle="JaneCanary"))


def test_a_link_alone_implies_no_contact(broker: Broker, client: Client) -> None:
    assert (False, ("CONTACT-1",)) == checked(broker, client)
    consented(broker, client, None, "customer-care", purposes=PURPOSES)
    assert (False, ("CONTACT-1",)) == checked(broker, client)


@pytest.mark.parametrize("tag", [a_tag(), a_tag("public"), a_tag("public", "platform")], ids=lambda tag: tag.tag)
def test_no_other_ground_permits_a_message(broker: Broker, client: Client, tag: object) -> None:
    assert offered(broker, client, replace(tag, expected_purposes=("contact",))).ground is not None  # type: ignore[type-var]
    assert (False, ("CONTACT-1",)) == checked(broker, client)


def test_a_consent_to_contact_is_its_own_pairs_clients_and_times(broker: Broker, client: Client, clock: Clock) -> None:
    other = registered(broker, purposes=PURPOSES)
    record = consented(broker, client, None, "contact", purposes=PURPOSES, valid_for="P1D")
    asked = [
        contacted(broker, other),
        contacted(broker, client, an_account("7777777")),
        contacted(broker, client, identifier=an_identifier("other.canary@mailbox.example")),
    ]
    assert [(False, ("CONTACT-1",))] * 3 == [result(answer) for answer in asked]
    clock.now = record.valid_until
    assert (False, ("CONTACT-1",)) == checked(broker, client)


def test_a_withdrawn_consent_permits_no_message_from_the_next_check_on(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "contact", purposes=PURPOSES)
    assert YES == checked(broker, client)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
    assert (False, ("CONTACT-1",)) == checked(broker, client)


def test_contact_that_was_never_declared_is_refused_by_that_clause(broker: Broker) -> None:
    client = registered(broker)
    assert (False, ("APPLICATION-1",)) == checked(broker, client)


# --- ceilings (CONTACT-3) ---------------------------------------------------------------------------------------


def test_the_rate_holds_to_the_microsecond(broker: Broker, client: Client, clock: Clock) -> None:
    few = with_limits(broker, contacts_per_minute=2)
    [account] = people(broker, client, 1)
    assert [YES, YES, RATE] == [checked(few, client, account) for _ in range(3)]
    clock.passes(seconds=59.999999)
    assert RATE == checked(few, client, account)
    clock.passes(microseconds=1)
    assert [YES, YES, RATE] == [checked(few, client, account) for _ in range(3)]


def test_a_refused_check_counts_for_nothing(broker: Broker, client: Client, clock: Clock) -> None:
    few = with_limits(broker, contacts_per_minute=1)
    [account] = people(broker, client, 1)
    assert [(False, ("CONTACT-1",))] * 3 == [checked(few, client, an_account("7777777")) for _ in range(3)]
    assert [YES, RATE, RATE] == [checked(few, client, account) for _ in range(3)]
    clock.passes(minutes=1)
    assert YES == checked(few, client, account)


def test_every_client_has_ceilings_of_its_own(broker: Broker, client: Client) -> None:
    few, other = with_limits(broker, contacts_per_minute=1), registered(broker, purposes=PURPOSES)
    for who in (client, other):
        [account] = people(broker, who, 1)
        assert [YES, RATE] == [checked(few, who, account) for _ in range(2)]


def test_the_breadth_counts_accounts_and_not_messages(broker: Broker, client: Client, clock: Clock) -> None:
    few = with_limits(broker, contact_accounts_per_day=2)
    one, two, three = people(broker, client, 3)
    assert [YES, YES, YES, RATE, YES] == [checked(few, client, who) for who in (one, one, two, three, two)]
    clock.passes(hours=23, minutes=59, seconds=59.999999)
    assert RATE == checked(few, client, three)
    clock.passes(microseconds=1)
    assert YES == checked(few, client, three)


@pytest.mark.parametrize("limit", ["contacts_per_minute", "contact_accounts_per_day"])
def test_of_checks_at_once_exactly_as_many_pass_as_the_ceiling_lets(broker: Broker, client: Client, limit: str) -> None:
    few, accounts = with_limits(broker, **{limit: 2}), people(broker, client, 6)
    outcomes = all_at_once(6, lambda number: checked(few, client, accounts[number]))
    assert [RATE] * 4 + [YES] * 2 == sorted(outcomes)


# --- repetition (CONTACT-4) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (HELLO, True),
        (Fingerprint(sha256=HELLO.sha256), True),
        (Fingerprint(sha256=HELLO.sha256, simhash=0), True),
        (Fingerprint(simhash=HELLO.simhash), True),
        (Fingerprint(simhash=0xFFFF_0000_FFFF_0007), True),
        (Fingerprint(simhash=0xFFFE_0001_FFFF_8000), True),
        (Fingerprint(simhash=0x7FFF_0000_FFFF_0000), True),
        (Fingerprint(simhash=0xFFFF_0000_FFFF_000F), False),
        (Fingerprint(simhash=0xFFFE_0001_FFFE_0001), False),
        (Fingerprint(simhash=0x0000_FFFF_0000_FFFF), False),
        (Fingerprint(sha256=sha256(b"good bye").digest()), False),
        (Fingerprint(), False),
    ],
    ids=[
        "the same", "the same bytes", "the same bytes, said to look otherwise", "the same look",
        "three bits in one band", "a bit in each of three bands", "the highest bit", "four bits in one band",
        "a bit in each of four bands", "nothing alike", "other bytes", "no fingerprint",
    ],
)  # fmt: skip
def test_nearly_the_same_content_does_not_go_to_another_account(
    sqlite_broker: Broker, other: Fingerprint, *, alike: bool
) -> None:
    broker, client = sqlite_broker, registered(sqlite_broker, purposes=PURPOSES)
    one, two = people(broker, client, 2)
    assert YES == checked(broker, client, one, HELLO)
    assert (REPEATED if alike else YES) == checked(broker, client, two, other)


def test_content_is_told_by_all_of_its_64_bits_on_each_database(broker: Broker, client: Client) -> None:
    one, two, three = people(broker, client, 3)
    high, low = (Fingerprint(simhash=bits) for bits in (2**64 - 1, 2**64 - 8))
    assert [YES, REPEATED] == [checked(broker, client, *asked) for asked in ((one, high), (two, low))]
    assert YES == checked(broker, client, three, Fingerprint(simhash=0))


def test_the_same_content_may_go_to_the_same_account_again(broker: Broker, client: Client) -> None:
    one, two = people(broker, client, 2)
    assert [YES, YES, REPEATED, YES] == [checked(broker, client, who, HELLO) for who in (one, one, two, one)]


def test_content_counts_for_a_day_and_for_its_own_client(broker: Broker, client: Client, clock: Clock) -> None:
    other = registered(broker, purposes=PURPOSES)
    one, two = people(broker, client, 2)
    [its_own] = people(broker, other, 1)
    assert [YES, YES] == [checked(broker, client, one, HELLO), checked(broker, other, its_own, HELLO)]
    clock.passes(days=1, microseconds=-1)
    assert REPEATED == checked(broker, client, two, HELLO)
    clock.passes(microseconds=1)
    assert YES == checked(broker, client, two, HELLO)


def test_of_checks_at_once_with_one_content_one_passes(broker: Broker, client: Client) -> None:
    accounts = people(broker, client, 5)
    outcomes = all_at_once(5, lambda number: checked(broker, client, accounts[number], HELLO))
    assert [REPEATED] * 4 + [YES] == sorted(outcomes)


def test_every_check_is_written_down_and_only_a_message_is_kept(broker: Broker, client: Client) -> None:
    [account] = people(broker, client, 1)
    answers = [contacted(broker, client, who, HELLO) for who in (account, an_account("7777777"))]
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    assert {answer.decision_id for answer in answers} == {row["decision_id"] for row in rows["decisions"]}
    assert {("contact", "contact")} == {(row["act"], row["purpose"]) for row in rows["decisions"]}
    assert [answers[0].decision_id] == [row["check_id"] for row in rows["contacts"]]


def test_the_content_is_found_by_index_and_not_by_looking_at_every_message(sqlite_broker: Broker) -> None:
    with sqlite_broker.database.transaction() as tx:
        plan = tx.execute(text(
            "EXPLAIN QUERY PLAN SELECT account FROM contacts WHERE client_id = 'c' AND checked_at > 'd'"
            " AND (band_0 = 1 OR band_1 = 2 OR band_2 = 3 OR band_3 = 4 OR sha256 = x'00')"
        )).all()  # fmt: skip
    assert not [row for row in plan if "SCAN" in row[-1]]

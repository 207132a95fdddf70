"""A notice that means something else asks again; the old consent does not stretch, and nothing ends by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import a_question, asked, consented, registered
from events import deliveries

from broker.actions.broker import Broker
from broker.actions.check_contact import check_contact
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.fingerprint import Fingerprint
from broker.core.notice import Meanings
from broker.policies import Policies, load_policies
from broker.proof.sdjwt import payload_of
from broker.store.consents import find_consent
from broker.store.people import find_person
from broker.store.receipts import find_receipt

REASONS = ("customer-care", "newsletter")


def meaning(broker: Broker, notice: int = 1, **purposes: int) -> Broker:
    """The broker after somebody declared that."""
    numbers = {name.replace("_", "-"): number for name, number in purposes.items()}
    return replace(broker, policies=replace(broker.policies, meanings=Meanings(notice=notice, purposes=numbers)))


def answers(broker: Broker, client: Client) -> list[str | None]:
    """What a match for each purpose is answered: None is yes."""
    return [asked(broker, client, a_question(purpose=purpose)).decision.reason for purpose in REASONS]


def test_a_purpose_that_means_something_else_is_asked_again_and_the_others_stand(
    broker: Broker, client: Client
) -> None:
    consented(broker, client)
    assert [None, None] == answers(broker, client)
    assert ["notice_changed", None] == answers(meaning(broker, customer_care=2), client)
    assert ["notice_changed"] * 2 == answers(meaning(broker, notice=2), client)
    assert [None, None] == answers(broker, client), "what was declared by mistake is taken back"


def test_a_denial_names_the_clause_of_the_document_in_force(broker: Broker, client: Client) -> None:
    consented(broker, client)
    later = meaning(broker, customer_care=2)
    assert ("MATCH-2",) == asked(later, client).decision.clauses
    mastodons = Policies({"x": load_policies().governing("mastodon")}, meanings=later.policies.meanings)
    decision = asked(replace(later, policies=mastodons), client).decision
    assert ("notice_changed", ("SERVER-3",)) == (decision.reason, decision.clauses)


def test_who_is_asked_again_reads_the_new_notice_and_the_receipt_names_what_it_replaces(
    broker: Broker, client: Client
) -> None:
    first = consented(broker, client)
    later = meaning(broker, customer_care=2)
    second = consented(later, client)
    assert [None, None] == answers(later, client)
    assert ["notice_changed", None] == answers(broker, client)
    assert (first.receipt_id, None) == (replaced(broker, second), replaced(broker, first))
    with broker.database.reading() as tx:
        kept = find_consent(tx, first.account, first.grant_id)
    assert kept is not None
    assert (ConsentStatus.REVOKED, "renewal") == (kept.status, kept.ended_by)


def replaced(broker: Broker, record: ConsentRecord) -> object:
    """What a consent's receipt says that it replaces."""
    with broker.database.reading() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        receipt = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
    assert receipt is not None
    said = payload_of(receipt.jwt)["record"]
    assert isinstance(said, dict)
    return said["replaces"]


def test_nobody_is_written_to_and_nothing_ends_when_a_meaning_changes(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    answers(meaning(broker, notice=2), client)
    assert ["consent-granted"] == [it.kind for it in deliveries(broker, client)]
    with broker.database.reading() as tx:
        kept = find_consent(tx, record.account, record.grant_id)
    assert kept is not None
    assert ConsentStatus.GIVEN is kept.status


@pytest.mark.parametrize("ticked", [("contact",), ("customer-care",)], ids=["allowed once", "never allowed"])
def test_no_message_goes_out_on_a_consent_that_meant_something_else(broker: Broker, ticked: tuple[str, ...]) -> None:
    purposes = ("customer-care", "contact")
    client = registered(broker, purposes=purposes)
    consented(broker, client, None, *ticked, purposes=purposes)
    later = meaning(broker, contact=2)
    with broker.database.transaction() as tx:
        answer = check_contact(tx, later, client, a_question(purpose="contact"), Fingerprint()).decision
    expected = "notice_changed" if ticked == ("contact",) else "purpose_not_granted"
    assert (False, expected, ("CONTACT-1",)) == (answer.permitted, answer.reason, answer.clauses)

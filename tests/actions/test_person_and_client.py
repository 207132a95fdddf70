"""Sessions, and what the two sides may read."""

from __future__ import annotations

import pytest
from builders import (
    NOON,
    Clock,
    a_registration,
    an_account,
    an_identifier,
    consented,
    proved,
    refused,
    registered,
)

from broker.actions.broker import Broker, party_of
from broker.actions.list_consents import Answers, list_answers, open_capability, open_receipt
from broker.actions.read_grant import granted_details, sd_jwt_text
from broker.actions.sign_in import sign_in, signed_in
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client, Standing
from broker.core.consent import ConsentStatus
from broker.core.identifiers import ProvenAccount
from broker.errors import NotFound, Unauthorized
from broker.proof.verify import verify_receipt
from broker.store.columns import metadata
from broker.store.flows import end_session
from broker.store.people import Person, find_person
from broker.store.receipts import find_receipt
from broker.store.transaction import Transaction


def person(tx: Transaction, broker: Broker, proven: ProvenAccount | None = None) -> Person:
    """Find the person whom most tests here are about, or another."""
    found = find_person(tx, broker.sealer, broker.blinder.account((proven or an_account()).account))
    assert found is not None
    return found


@pytest.fixture
def session(broker: Broker) -> str:
    """Give the session of somebody who signed in at noon."""
    proved(broker, an_account(), None)
    with broker.database.transaction() as tx:
        return sign_in(tx, broker, person(tx, broker))


def visits(broker: Broker, session: str | None) -> bool:
    """Come back with a session; say whether it counted."""
    try:
        with broker.database.transaction() as tx:
            return an_account() == signed_in(tx, broker, session).proven
    except Unauthorized:
        return False


def test_a_session_lasts_while_it_is_used(broker: Broker, session: str, clock: Clock) -> None:
    for _ in range(10):
        clock.passes(minutes=14.9)
        assert visits(broker, session)


def test_a_session_idle_for_fifteen_minutes_is_over(broker: Broker, session: str, clock: Clock) -> None:
    clock.passes(minutes=15)
    assert [False, False] == [visits(broker, session), visits(broker, session)]


def test_a_session_is_over_after_eight_hours_however_busy(broker: Broker, session: str, clock: Clock) -> None:
    awake = []
    for _ in range(49):
        clock.passes(minutes=10)
        awake.append(visits(broker, session))
    assert [True] * 47 + [False] * 2 == awake


@pytest.mark.parametrize("session", [None, "", "made up"])
def test_no_session_is_nobodys(broker: Broker, session: str | None) -> None:
    assert not visits(broker, session)


def test_every_sign_in_has_a_session_of_its_own(broker: Broker, session: str) -> None:
    with broker.database.transaction() as tx:
        second = sign_in(tx, broker, person(tx, broker))
    with broker.database.transaction() as tx:
        end_session(tx, session)
    assert [False, True] == [visits(broker, session), visits(broker, second)]


def test_a_client_without_a_contact_is_named_by_its_address(client: Client) -> None:
    assert "privacy@northwind.example" == party_of(client).contact
    unnamed = Client(
        client_id="c", registration=a_registration(contacts=()), standing=Standing.ACTIVE, registered_at=NOON
    )  # fmt: skip
    assert "https://northwind.example" == party_of(unnamed).contact


# --- what the two sides read -----------------------------------------------------------------------------------


def answers(broker: Broker) -> Answers:
    """List what the person has answered."""
    with broker.database.transaction() as tx:
        return list_answers(tx, broker, person(tx, broker))


def test_a_person_who_answered_nothing_has_an_empty_page(broker: Broker) -> None:
    proved(broker, an_account(), None)
    assert Answers(live=(), past=()) == answers(broker)


def test_a_person_sees_every_answer_the_latest_first(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    first = consented(broker, client, None, "newsletter")
    clock.passes(days=1)
    second = consented(broker, other_client, brand="Contoso Kids", identifier=an_identifier("jane@work.example"))
    clock.passes(days=1)
    no = refused(broker, other_client)
    consented(broker, client, an_account("7777777", "BobCanary"))
    found = answers(broker)
    assert [second.grant_id, first.grant_id] == [view.grant_id for view in found.consents]
    assert ["Contoso Kids (Contoso Market)", "Northwind Bikes"] == [view.business for view in found.consents]
    assert ["j•••@work.example", "j•••@mailbox.example"] == [view.masked for view in found.consents]
    assert [("Contoso Market", no)] == [(view.business, view.receipt.receipt_id) for view in found.refusals]


def test_each_consent_shows_its_standing_and_its_receipts(broker: Broker, client: Client, clock: Clock) -> None:
    over = consented(broker, client, valid_for="P1D")
    ended = consented(broker, client, identifier=an_identifier("second@mailbox.example"))
    consented(broker, client, identifier=an_identifier("third@mailbox.example"))
    clock.passes(days=2)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=ended.account, grant_id=ended.grant_id)
    views = {view.grant_id: view for view in answers(broker).consents}
    assert [False, False, True] == sorted(view.live for view in views.values())
    assert ConsentStatus.EXPIRED is views[over.grant_id].status
    assert [ConsentStatus.WITHDRAWN, ConsentStatus.GIVEN] == [
        receipt.status for receipt in views[ended.grant_id].receipts
    ]


def test_a_receipt_is_opened_by_its_person_only(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    consented(broker, client, an_account("7777777", "BobCanary"))
    with broker.database.transaction() as tx:
        file = open_receipt(tx, broker, person(tx, broker), record.receipt_id)
    verdict = verify_receipt(file.bundle.evidence, jwks=broker.keys.jwks())
    assert verdict.anchored
    assert {"account", "identifier", "notice_words"} == set(verdict.disclosed)
    with broker.database.transaction() as tx:
        mine, other = person(tx, broker), person(tx, broker, an_account("7777777", "BobCanary"))
    for who, name in ((other, record.receipt_id), (mine, "made up")):
        with pytest.raises(NotFound), broker.database.transaction() as tx:
            open_receipt(tx, broker, who, name)


def test_a_link_shows_its_one_consent(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    consented(broker, client, identifier=an_identifier("other@mailbox.example"))
    with broker.database.transaction() as tx:
        file = open_receipt(tx, broker, person(tx, broker), record.receipt_id)
        view = open_capability(tx, broker, file.withdrawal_uri.rpartition("/")[2]).consent
    assert (record.grant_id, "j•••@mailbox.example", ()) == (view.grant_id, view.masked, view.receipts)
    for name in ("made up", record.grant_id):
        with pytest.raises(NotFound), broker.database.transaction() as tx:
            open_capability(tx, broker, name)


def test_a_grant_whose_person_or_receipt_is_gone_reads_like_none(own_broker: Broker) -> None:
    record = consented(own_broker, registered(own_broker))
    for table in ("receipts", "people"):
        with own_broker.database.transaction() as tx:
            tx.execute(metadata.tables[table].delete())
        with pytest.raises(NotFound), own_broker.database.transaction() as tx:
            granted_details(tx, own_broker, record)


def test_a_client_reads_what_it_was_granted_with_the_receipt(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "newsletter", brand="Northwind Kids")
    proved(broker, an_account(handle="moved_on"), None)
    with broker.database.transaction() as tx:
        details = granted_details(tx, broker, record)
        sealer = person(tx, broker).sealer
        stored = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=sealer)
    assert stored is not None
    assert {
        "type": "off_platform_match",
        "platform": "x",
        "identifier": {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"},
        "purposes": ["newsletter"],
        "account": {"platform": "x", "id": "2244994945", "handle": "JaneCanary"},
        "brand": "Northwind Kids",
        "grant_id": record.grant_id,
        "receipt": sd_jwt_text(stored),
        "valid_until": "2027-11-23T12:00:00Z",
    } == details
    assert verify_receipt(str(details["receipt"]), jwks=broker.keys.jwks()).anchored

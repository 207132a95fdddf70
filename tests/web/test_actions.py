"""What a person reads of what businesses did: confirmed, not yet, not in time; and takes home as evidence."""

from __future__ import annotations

import json

import pytest
from builders import Clock, consented
from events import withdrawn
from flask.testing import FlaskClient
from statements import a_key, a_statement, keyed, owed, stated

from broker.actions.broker import Broker
from broker.actions.list_consents import open_capability, open_receipt
from broker.actions.sign_in import sign_in
from broker.core.consent import ConsentRecord
from broker.proof.verify import verify_evidence
from broker.store.people import find_person
from broker.web.security import PERSON_COOKIE


def visit(broker: Broker, http: FlaskClient, record: ConsentRecord) -> FlaskClient:
    """Sign the person of a consent in."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        http.set_cookie(PERSON_COOKIE, sign_in(tx, broker, person), domain="consent.example", secure=True)
    return http


def shown(http: FlaskClient, path: str = "/consents", language: str = "en") -> str:
    """Read a page."""
    answer = http.get(path, base_url="https://consent.example", headers={"Accept-Language": language})
    assert 200 == answer.status_code
    return answer.text.replace("\u00a0", " ")


def test_the_page_says_who_confirmed_and_until_when_the_others_have_time(
    broker: Broker, http: FlaskClient, clock: Clock
) -> None:
    first, second = keyed(broker, client_name="Example Shop"), keyed(broker, a_key("a"), client_name="Tardy & Sons")
    records = [consented(broker, client) for client in (first, second)]
    for record in records:
        withdrawn(broker, record)
    stated(broker, first, a_statement(broker, owed(broker, first)[0]))
    visitor = visit(broker, http, record)
    page = shown(visitor)
    assert "1 of 2 confirmed." in page
    assert "Example Shop confirmed on 23 November 2026 that it unlinked your account." in page
    assert "Tardy &amp; Sons has not confirmed yet what it did. It is to do so by 23 December 2026." in page
    german = shown(visitor, language="de")
    assert "1 von 2 haben bestätigt." in german
    assert (
        "Tardy &amp; Sons hat noch nicht bestätigt, was es getan hat. Das ist bis zum 23. Dezember 2026 zu tun."
        in german
    )
    clock.passes(days=31)
    visit(broker, http, record)
    for path in ("/consents", "/consents/past", "/consents/everything"):
        page = shown(visitor, path)
        assert "Tardy &amp; Sons has not confirmed what it did. It was to do so by 23 December 2026." in page


def link_of(broker: Broker, record: ConsentRecord) -> str:
    """The path of the link that stands in a consent's receipt."""
    with broker.database.reading() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        uri = open_receipt(tx, broker, person, record.receipt_id).withdrawal_uri
    return uri.removeprefix("https://consent.example")


def test_the_link_of_a_receipt_shows_what_was_confirmed_of_its_one_consent(
    broker: Broker, http: FlaskClient, clock: Clock
) -> None:
    first, second = keyed(broker, client_name="Example Shop"), keyed(broker, a_key("a"), client_name="Tardy & Sons")
    records = [consented(broker, client) for client in (first, second)]
    links = [link_of(broker, record) for record in records]
    assert "confirmed" not in shown(http, links[0])
    for record in records:
        withdrawn(broker, record)
    stated(broker, first, a_statement(broker, owed(broker, first)[0], action="deleted"))
    clock.passes(days=31)
    for record, link in zip(records, links, strict=True):
        with broker.database.transaction() as tx:
            opened = open_capability(tx, broker, link.rpartition("/")[2])
        assert {record.grant_id} == set(opened.confirmations.by_grant), "of the other not even the store is asked"
    mine, other = (shown(http, link) for link in links)
    assert "Example Shop confirmed on 23 November 2026 that it deleted what it held on this consent." in mine
    assert "Tardy &amp; Sons has not confirmed what it did. It was to do so by 23 December 2026." in other
    assert ("Tardy" in mine, "Example Shop" in other, "of 2" in mine + other) == (False, False, False)


@pytest.mark.parametrize("action", ["unlinked", "deleted", "restricted"])
def test_the_export_holds_what_was_stated_and_each_of_it_verifies(
    broker: Broker, http: FlaskClient, action: str
) -> None:
    client = keyed(broker)
    record = consented(broker, client)
    withdrawn(broker, record)
    stated(broker, client, a_statement(broker, owed(broker, client)[0], action=action))
    (found,) = json.loads(shown(visit(broker, http, record), "/consents/export"))["confirmations"]
    (said,) = found["statements"]
    assert (record.grant_id, action) == (found["grant_id"], said["action"])
    assert verify_evidence(json.dumps(said["receipt"]), jwks=broker.keys.jwks()).anchored

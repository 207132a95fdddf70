"""What the person takes home: each receipt with its proof, and everything that is kept about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import (
    a_question,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from contract import faults
from flask.testing import FlaskClient

from broker.actions.broker import Broker
from broker.actions.decide_match import answer_offer
from broker.actions.keep_log import keep_log
from broker.actions.object_to_matching import object_to_matching
from broker.actions.sign_in import sign_in
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.core.identifiers import ProvenAccount
from broker.proof.bundle import MEDIA_TYPE
from broker.proof.checkpoint import read_vkeys, vkeys_text
from broker.proof.verify import verify_evidence
from broker.store.people import Person, find_person
from broker.web.security import PERSON_COOKIE

ROOT = Path(__file__).parents[2]
JANE, BOB = an_account(), an_account("7777777", "BobCanary")


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a registered business."""
    return registered(broker)


@pytest.fixture
def record(broker: Broker, client: Client) -> ConsentRecord:
    """Give Jane's consent."""
    return consented(broker, client)


def person_of(broker: Broker, account: ProvenAccount) -> Person:
    """Find the person of an account that was proved."""
    with broker.database.reading() as tx:
        found = find_person(tx, broker.sealer, broker.blinder.account(account.account))
    assert found is not None
    return found


def visit(broker: Broker, http: FlaskClient, account: ProvenAccount = JANE) -> FlaskClient:
    """Sign somebody in on this browser."""
    with broker.database.transaction() as tx:
        session = sign_in(tx, broker, person_of(broker, account))
    http.set_cookie(PERSON_COOKIE, session, domain="localhost", secure=True)
    return http


def get(http: FlaskClient, path: str) -> Any:  # noqa: ANN401 - a test client's answer
    """Ask as a browser does: its cookies are for secure connections."""
    return http.get(path, base_url="https://localhost")


def logged(broker: Broker, text: str) -> bool:
    """Tell whether a file proves that it is in the log."""
    vkeys = read_vkeys(vkeys_text(signer.vkey for signer in broker.log.signers))
    return verify_evidence(text, jwks=broker.keys.jwks(), vkeys=vkeys).logged


def test_a_receipt_is_taken_home_with_its_proof(broker: Broker, http: FlaskClient, record: ConsentRecord) -> None:
    keep_log(broker)
    answer = get(visit(broker, http), f"/consents/receipts/{record.receipt_id}/download")
    assert (200, MEDIA_TYPE, "no-store") == (answer.status_code, answer.mimetype, answer.headers["Cache-Control"])
    name = f'attachment; filename="consent-receipt-{record.receipt_id}.bundle.json"'
    assert (name, True) == (answer.headers["Content-Disposition"], logged(broker, answer.text))


def test_or_as_what_it_says_to_other_tools(broker: Broker, http: FlaskClient, record: ConsentRecord) -> None:
    answer = get(visit(broker, http), f"/consents/receipts/{record.receipt_id}/download?form=dpv")
    assert ("application/ld+json", "dpv:ConsentReceipt") == (answer.mimetype, json.loads(answer.text)["@type"])
    assert f"consent-receipt-{record.receipt_id}.jsonld" in answer.headers["Content-Disposition"]


def test_the_page_says_when_the_proof_is_still_to_come_and_offers_to_look_again(
    broker: Broker, http: FlaskClient, record: ConsentRecord
) -> None:
    path = f"/consents/receipts/{record.receipt_id}"
    young = get(visit(broker, http), path).text
    assert ("It is not in the public log yet" in young, f'href="{path}">Look again' in young) == (True, True)
    assert 6 == young.count("<li>") - young.count('<li class="')
    keep_log(broker)
    grown = get(http, path).text
    assert "Look again" not in grown
    assert 8 == grown.count("<li>") - grown.count('<li class="')
    assert "The log with this receipt in it is signed" in grown
    assert ("could not be confirmed" in young, "could not be confirmed" in grown) == (False, False)


def test_a_receipt_is_for_its_own_person(broker: Broker, http: FlaskClient, record: ConsentRecord) -> None:
    proved(broker, BOB, None)
    for path in (f"/consents/receipts/{record.receipt_id}", f"/consents/receipts/{record.receipt_id}/download"):
        assert 401 == get(http, path).status_code
    visit(broker, http, BOB)
    for path in (f"/consents/receipts/{record.receipt_id}", f"/consents/receipts/{record.receipt_id}/download"):
        assert 404 == get(http, path).status_code


def everything(broker: Broker, http: FlaskClient, account: ProvenAccount = JANE) -> dict[str, Any]:
    """Take everything home."""
    answer = get(visit(broker, http, account), "/consents/export")
    assert (200, "application/json", "no-store", 'attachment; filename="consents.json"') == (
        answer.status_code,
        answer.mimetype,
        answer.headers["Cache-Control"],
        answer.headers["Content-Disposition"],
    )
    found: dict[str, Any] = answer.json
    assert [] == list(faults(found, json.loads((ROOT / "schemas" / "person-export.json").read_text())))
    return found


def test_everything_is_in_the_export_and_every_receipt_in_it_stands_alone(
    broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord
) -> None:
    other = registered(broker, client_name="Contoso Market")
    no = refused(broker, other)
    second = consented(broker, client, identifier=an_identifier("another@mailbox.example"))
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=second.account, grant_id=second.grant_id)
        object_to_matching(tx, broker, person_of(broker, JANE))
        ground = answer_offer(tx, broker, other, a_question(provenance=a_tag())).ground
    assert ground
    answers = [asked(broker, client), asked(broker, other)]
    keep_log(broker)
    found = everything(broker, http)
    assert ("https://consent.example", JANE.account.id, JANE.handle) == (
        found["issuer"],
        found["account"]["id"],
        found["account"]["handle"],
    )
    assert found["objected_to_all_at"]
    assert {record.grant_id: "given", second.grant_id: "withdrawn"} == {
        one["grant_id"]: one["status"] for one in found["consents"]
    }
    assert [(no, "Contoso Market")] == [(one["receipt_id"], one["business"]) for one in found["refusals"]]
    assert {"Northwind Bikes": 0, "Contoso Market": 1} == {
        one["business"]: len(one["claims"]) for one in found["businesses"]
    }
    told = {one["id"]: one["permitted"] for one in found["decisions"]}
    assert [True, False] == [told[answer.decision_id] for answer in answers]
    assert {"match", "associate"} == {one["act"] for one in found["decisions"]}
    receipts = [json.dumps(bundle) for bundle in found["receipts"]]
    assert (4, [True] * 4) == (len(receipts), [logged(broker, text) for text in receipts])


def test_a_young_receipt_is_in_the_export_without_its_proof(
    broker: Broker, http: FlaskClient, record: ConsentRecord
) -> None:
    (bundle,) = everything(broker, http)["receipts"]
    assert (record.grant_id in bundle["evidence"], bundle["proof"]) == (False, None)


def test_nobody_else_is_in_the_export(broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord) -> None:
    consented(broker, client, BOB, identifier=an_identifier("bob.canary@mailbox.example"))
    with broker.database.transaction() as tx:
        # A business may be wrong about whose address this is: its owner is nobody whom Jane should learn of.
        wrong = a_question(provenance=a_tag(), identifier=an_identifier("bob.canary@mailbox.example"))
        assert answer_offer(tx, broker, client, wrong).ground
    about_bob = asked(broker, client, a_question(BOB)).decision_id
    text = json.dumps(everything(broker, http))
    assert [] == [
        word for word in ("BobCanary", "7777777", "bob.canary", about_bob, record.account.hex()) if word in text
    ]


def test_the_export_is_for_who_is_signed_in(http: FlaskClient) -> None:
    assert 401 == get(http, "/consents/export").status_code


def test_the_page_leads_to_the_export(broker: Broker, http: FlaskClient, record: ConsentRecord) -> None:
    assert record.grant_id in (page := get(visit(broker, http), "/consents").text)
    assert 'href="/consents/export"' in page

"""The bundle on its way to the client that holds a receipt, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import a_question, a_tag, an_account, an_identifier, consented, refused, registered
from contract import faults
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_for_client
from broker.actions.decide_match import answer_offer
from broker.actions.keep_log import keep_log
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.errors import NotFound
from broker.oauth.models import GrantUser
from broker.proof.bundle import MEDIA_TYPE
from broker.proof.checkpoint import read_vkeys, vkeys_text
from broker.proof.dpv import MEDIA_TYPE as LINKED_DATA
from broker.proof.verify import Verdict, verify_evidence

ROOT = Path(__file__).parents[2]
Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a registered business."""
    return registered(broker)


@pytest.fixture
def record(broker: Broker, client: Client) -> ConsentRecord:
    """Give a consent."""
    return consented(broker, client)


def verdict_on(broker: Broker, text: str) -> Verdict:
    """Check a file with the broker's public keys, as anybody does."""
    vkeys = read_vkeys(vkeys_text(signer.vkey for signer in broker.log.signers))
    return verify_evidence(text, jwks=broker.keys.jwks(), vkeys=vkeys)


def test_a_client_has_the_bundle_of_its_receipt(
    broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer
) -> None:
    keep_log(broker)
    answer = http.get(f"/v1/receipts/{record.receipt_id}", headers=bearer(client))
    assert (200, MEDIA_TYPE, "no-store") == (answer.status_code, answer.mimetype, answer.headers["Cache-Control"])
    assert [] == list(faults(answer.json, json.loads((ROOT / "schemas" / "bundle.json").read_text())))
    verdict = verdict_on(broker, answer.text)
    assert (True, True, record.receipt_id) == (verdict.anchored, verdict.logged, verdict.payload["jti"])
    assert {"account", "identifier", "notice_words"} == set(verdict.disclosed)


def test_a_receipt_that_no_checkpoint_holds_yet_has_no_proof_and_then_has_one(
    broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer
) -> None:
    path, headers = f"/v1/receipts/{record.receipt_id}", bearer(client)
    young = http.get(path, headers=headers)
    assert (None, True) == ((young.json or {})["proof"], verdict_on(broker, young.text).anchored)
    keep_log(broker)
    grown = http.get(path, headers=headers)
    assert (young.json or {})["evidence"] == (grown.json or {})["evidence"]
    assert (False, True) == (verdict_on(broker, young.text).logged, verdict_on(broker, grown.text).logged)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", MEDIA_TYPE, "text/html", "application/*"])
def test_whoever_asks_for_no_linked_data_gets_the_bundle(
    http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer, accept: str | None
) -> None:
    headers = {**bearer(client), **({"Accept": accept} if accept else {})}
    assert MEDIA_TYPE == http.get(f"/v1/receipts/{record.receipt_id}", headers=headers).mimetype


def test_who_asks_for_linked_data_gets_what_the_receipt_says(
    http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer
) -> None:
    headers = {**bearer(client), "Accept": LINKED_DATA}
    answer = http.get(f"/v1/receipts/{record.receipt_id}", headers=headers)
    assert (200, LINKED_DATA, "no-store") == (answer.status_code, answer.mimetype, answer.headers["Cache-Control"])
    said = json.loads(answer.text)
    assert (f"https://consent.example/v1/receipts/{record.receipt_id}", "dpv:ConsentReceipt") == (
        said["@id"],
        said["@type"],
    )


def without_traces(answer: TestResponse) -> tuple[int, dict[str, Any]]:
    """Return status and body without what names the one request."""
    body = dict(answer.json or {})
    body.pop("instance")
    return answer.status_code, body


def test_anothers_a_refusal_and_one_that_is_nobodys_read_alike(
    broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer
) -> None:
    other = registered(broker, client_name="Contoso Market")
    theirs = consented(broker, other, an_account("7777777", "BobCanary"))
    no = refused(broker, client, identifier=an_identifier("another@mailbox.example"))
    names = (theirs.receipt_id, no, "a" * 26, "made up", record.grant_id)
    answers = [without_traces(http.get(f"/v1/receipts/{name}", headers=bearer(client))) for name in names]
    assert (404, "this client holds no receipt of that id") == (answers[0][0], answers[0][1]["detail"])
    assert [answers[0]] * len(names) == answers


def statements_of(broker: Broker, client: Client, receipt_id: str) -> list[str]:
    """Return the statements behind a receipt that is not the client's."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(broker.database.engine, "before_cursor_execute", note)
    try:
        with pytest.raises(NotFound), broker.database.reading() as tx:
            bundle_for_client(tx, broker, client_id=client.client_id, receipt_id=receipt_id)
    finally:
        event.remove(broker.database.engine, "before_cursor_execute", note)
    return seen


def test_they_come_of_the_same_statements(broker: Broker, client: Client) -> None:
    other = registered(broker, client_name="Contoso Market")
    theirs = consented(broker, other, an_account("7777777", "BobCanary"))
    no = refused(broker, client)
    first, *rest = [statements_of(broker, client, name) for name in (theirs.receipt_id, no, "a" * 26)]
    assert first
    assert [first, first] == rest


def test_the_receipt_of_an_end_is_the_clients_too(
    broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer
) -> None:
    with broker.database.transaction() as tx:
        ending = withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
    answer = http.get(f"/v1/receipts/{ending.receipt_id}", headers=bearer(client))
    assert "dpv:ConsentWithdrawn" in str(verdict_on(broker, answer.text).payload)


def test_it_takes_the_scope_consent(http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer) -> None:
    path = f"/v1/receipts/{record.receipt_id}"
    assert [401, 403] == [http.get(path).status_code, http.get(path, headers=bearer(client, "match")).status_code]


def test_a_token_behind_one_grant_opens_that_grants_receipts_alone(
    broker: Broker, http: FlaskClient, client: Client, record: ConsentRecord, bearer: Bearer
) -> None:
    another = consented(broker, client, identifier=an_identifier("another@mailbox.example"))
    headers = bearer(client, "consent", GrantUser(pairwise="ppid", account=record.account, grant_id=record.grant_id))
    statuses = [
        http.get(f"/v1/receipts/{name}", headers=headers).status_code
        for name in (record.receipt_id, another.receipt_id)
    ]
    assert [200, 404] == statuses


def test_a_statement_may_be_had_with_its_proof(
    broker: Broker, http: FlaskClient, client: Client, bearer: Bearer
) -> None:
    with broker.database.transaction() as tx:
        ground = answer_offer(tx, broker, client, a_question(provenance=a_tag())).ground
    assert ground
    keep_log(broker)
    path, headers = f"/v1/associations/{ground.association_id}", bearer(client, "match")
    plain = http.get(path, headers=headers)
    bundle = http.get(path, headers={**headers, "Accept": MEDIA_TYPE})
    assert ("application/json", MEDIA_TYPE) == (plain.mimetype, bundle.mimetype)
    assert (plain.json or {})["statement"] == (bundle.json or {})["evidence"]
    assert (True, "no-store") == (verdict_on(broker, bundle.text).logged, bundle.headers["Cache-Control"])


def test_every_leaf_of_a_receipt_is_proved_by_its_own_bundle(broker: Broker, client: Client) -> None:
    records = [consented(broker, client, an_account(str(900 + number), f"nb{number}")) for number in range(5)]
    keep_log(broker)
    for record in records:
        with broker.database.reading() as tx:
            bundle = bundle_for_client(tx, broker, client_id=client.client_id, receipt_id=record.receipt_id)
        assert verdict_on(broker, str(bundle)).logged

"""Receipts and tokens are checked by programs of others, with nothing but the published keys."""

import base64
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from harness import tags, wire
from harness.business import Business
from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker
from harness.strangers import RefusedError, ask, ask_all
from vectors.make import CERTIFICATE_TYP, FOLDER, JWKS, account_of, certified, jws, sd_jwt

SD_JWT = ["sd_jwt.mjs", "sd_jwt_verifier.py"]


@pytest.fixture
def linked(business: Business, person: Person) -> Linked:
    """Give a consent."""
    return person.consents(business)


@pytest.fixture
def jwks(broker: RunningBroker) -> dict[str, Any]:
    """Fetch the published keys."""
    keys: dict[str, Any] = broker.get("/.well-known/jwks.json").json()
    return keys


@pytest.mark.parametrize("program", SD_JWT)
def test_a_receipt_verifies_and_shows_what_it_discloses(linked: Linked, jwks: dict[str, Any], program: str) -> None:
    payload = ask(program, {"receipt": linked.receipt, "jwks": jwks})["payload"]
    assert (linked.account.id, linked.account.handle) == (
        payload["account"]["id"],
        payload["account"]["handle"],
    )
    assert "dpv:ConsentGiven" == payload["record"]["event"]["state"]
    assert linked.email in json.dumps(payload, ensure_ascii=False)


@pytest.mark.parametrize("program", SD_JWT)
def test_a_receipt_without_its_disclosures_verifies_and_names_nobody(
    linked: Linked, jwks: dict[str, Any], program: str
) -> None:
    payload = ask(program, {"receipt": linked.receipt.split("~")[0] + "~", "jwks": jwks})["payload"]
    assert [] == [word for word in (linked.account.id, linked.account.handle, linked.email) if word in str(payload)]
    assert payload_of(linked.receipt)["jti"] == payload["jti"]


@pytest.mark.parametrize("program", SD_JWT)
def test_the_certificate_of_an_erasure_verifies_with_its_account_and_without(program: str) -> None:
    keys, account = json.loads((FOLDER / JWKS).read_text()), account_of("jane")
    jwt = jws(certified(account, issued_at=datetime.now(UTC) - timedelta(hours=1)), typ=CERTIFICATE_TYP)
    named, nameless = (
        ask(program, {"receipt": receipt, "jwks": keys})["payload"] for receipt in (sd_jwt(jwt, account), sd_jwt(jwt))
    )
    assert ["jane"] == named.pop("account")["handles"]
    assert nameless == named
    assert "dpv:Erase" == named["erasure"]["operation"]


def with_another_purpose(receipt: str) -> str:
    """Return the receipt, or the statement, with a purpose that nobody granted."""
    header, _, signature = receipt.split("~", maxsplit=1)[0].split(".")
    payload = payload_of(receipt)
    if "record" in payload:
        payload["record"]["processing"][0]["purpose"] = "dpv:DirectMarketing"
    else:
        payload["statement"]["expected_purposes"] = ["direct-marketing"]
    changed = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return "~".join([f"{header}.{changed}.{signature}", *receipt.split("~")[1:]])


@pytest.mark.parametrize("program", SD_JWT)
def test_a_receipt_that_was_changed_does_not_verify(linked: Linked, jwks: dict[str, Any], program: str) -> None:
    with pytest.raises(RefusedError):
        ask(program, {"receipt": with_another_purpose(linked.receipt), "jwks": jwks})


@pytest.mark.parametrize("program", SD_JWT)
def test_a_disclosure_that_was_changed_is_not_taken(linked: Linked, jwks: dict[str, Any], program: str) -> None:
    head, *parts = linked.receipt.split("~")
    salt, name, value = json.loads(base64.urlsafe_b64decode(parts[0] + "=="))
    forged = json.dumps([salt, name, {**value, "id": "12"}]).encode()
    parts[0] = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
    try:
        answer = ask(program, {"receipt": "~".join([head, *parts]), "jwks": jwks})
    except RefusedError:
        return
    assert "'id': '12'" not in str(answer["payload"])


def test_jose_verifies_a_receipts_jwt(broker: RunningBroker, linked: Linked, jwks: dict[str, Any]) -> None:
    question = {"token": linked.receipt.split("~")[0], "jwks": jwks, "issuer": broker.issuer,
                "typ": "consent-receipt+sd-jwt"}  # fmt: skip
    assert payload_of(linked.receipt) == ask("jose.mjs", question)["payload"]


def test_jose_verifies_an_access_token(broker: RunningBroker, linked: Linked, jwks: dict[str, Any]) -> None:
    token = linked.token["access_token"]
    question = {"token": token, "jwks": jwks, "issuer": broker.issuer, "typ": "at+jwt"}
    assert payload_of(token) == ask("jose.mjs", question)["payload"]


def test_jose_does_not_take_a_receipt_for_a_token(broker: RunningBroker, linked: Linked, jwks: dict[str, Any]) -> None:
    question = {"token": linked.receipt.split("~")[0], "jwks": jwks, "issuer": broker.issuer, "typ": "at+jwt"}
    with pytest.raises(RefusedError):
        ask("jose.mjs", question)


@pytest.fixture
def statement(business: Business) -> str:
    """Offer an association and return its provenance statement."""
    offered = business.associate("7999999998", wire.fresh_email(), tags.user_provided()).json()
    found: str = offered["statement"]
    return found


@pytest.mark.parametrize("program", SD_JWT)
def test_a_provenance_statement_verifies_by_the_same_keys(
    business: Business, statement: str, jwks: dict[str, Any], program: str
) -> None:
    payload = ask(program, {"receipt": statement, "jwks": jwks})["payload"]
    assert ("7999999998", "signup-form") == (payload["account"]["id"], payload["evidence"]["channel"])
    assert business.client_id == payload["aud"]


def test_jose_does_not_take_a_statement_for_a_receipt(
    broker: RunningBroker, statement: str, jwks: dict[str, Any]
) -> None:
    question = {"token": statement.split("~", maxsplit=1)[0], "jwks": jwks, "issuer": broker.issuer}
    assert payload_of(statement) == ask("jose.mjs", {**question, "typ": "provenance-statement+sd-jwt"})["payload"]
    with pytest.raises(RefusedError):
        ask("jose.mjs", {**question, "typ": "consent-receipt+sd-jwt"})


@pytest.mark.parametrize("program", SD_JWT)
def test_a_statement_that_was_changed_does_not_verify(statement: str, jwks: dict[str, Any], program: str) -> None:
    with pytest.raises(RefusedError):
        ask(program, {"receipt": with_another_purpose(statement), "jwks": jwks})


def test_go_finds_a_receipt_in_the_log_within_five_seconds(
    broker: RunningBroker, business: Business, linked: Linked
) -> None:
    """The bundle as the client fetches it, and the keys as anybody does; and no other leaf by the same proof."""
    bundle = logged_bundle(business, payload_of(linked.receipt)["jti"])
    origin = f"{urlsplit(broker.issuer).netloc}/log"
    vkeys = broker.get("/log/vkeys").text.split()
    leaf = hashlib.sha256(bundle["evidence"].partition("~")[0].encode()).digest()
    question = {"ask": "proof", "origin": origin, "vkeys": vkeys, "proof": bundle["proof"]}
    leaves = [base64.b64encode(data).decode() for data in (leaf, leaf[::-1])]
    assert linked.receipt.partition("~")[0] == bundle["evidence"].partition("~")[0]
    assert [True, False] == [told["ok"] for told in ask_all("log.go", [{**question, "leaf": it} for it in leaves])]


def logged_bundle(business: Business, receipt_id: str) -> dict[str, Any]:
    """Fetch a bundle until its receipt is in a checkpoint, five seconds at most."""
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        answer = business.api("GET", f"receipts/{receipt_id}", scope="consent")
        assert 200 == answer.status_code, answer.text
        bundle: dict[str, Any] = answer.json()
        if bundle["proof"] is not None:
            return bundle
        time.sleep(0.1)
    raise AssertionError("no checkpoint holds the receipt after five seconds")

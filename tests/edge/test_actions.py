"""What a business says that it did, over HTTP: taken with its own key, answered with evidence, shown to the person."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import wire
from harness.answering import said, signed, states, told
from harness.business import Business, new_key
from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker

SQLITE = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def business(broker: RunningBroker) -> Business:
    """Register a business of this test's own."""
    return broker.business()


@pytest.fixture
def event_id(business: Business, person: Person) -> str:
    """Give the event of a withdrawal."""
    person.withdraws(person.consents(business).grant_id)
    (found,) = told(business)
    return found


def test_a_business_answers_and_holds_the_proof_that_it_did(
    broker: RunningBroker, business: Business, person: Person, event_id: str, tmp_path: Path
) -> None:
    text = signed(business, said(event_id, iss=business.client_id, aud=broker.issuer))
    first, again = states(business, text), states(business, text)
    assert (201, 200) == (first.status_code, again.status_code), first.text
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Content-Type"].startswith("application/vnd.consent-broker.bundle+json")
    headers = wire.bearer(business.client_token("consent"))
    ends = time.monotonic() + 20
    while (found := wire.get(first.headers["Location"], headers=headers).json())["proof"] is None:
        assert time.monotonic() < ends, "the receipt is in no checkpoint"
        time.sleep(0.2)
    action = payload_of(found["evidence"])["action"]
    assert (event_id, "unlinked", text) == (action["event"], action["action"], action["statement"])
    evidence, keys, vkeys = tmp_path / "receipt.json", tmp_path / "jwks.json", tmp_path / "vkeys"
    evidence.write_text(json.dumps(found))
    keys.write_text(broker.get("/.well-known/jwks.json").text)
    vkeys.write_text(broker.get("/log/vkeys").text)
    broker.command("verify", str(evidence), "--jwks", str(keys), "--vkeys", str(vkeys))
    page = person.browser.open(f"{broker.issuer}/consents").words
    assert "1 of 1 confirmed" in page
    assert re.search(r"confirmed on \d+\s\w+\s\d{4} that it unlinked your account", page), page


@SQLITE
def test_a_statement_comes_in_either_form_of_a_jws(business: Business, event_id: str) -> None:
    head, payload, signature = signed(business, said(event_id)).split(".")
    flattened = json.dumps({"protected": head, "payload": payload, "signature": signature})
    answers = [states(business, flattened, kind=kind) for kind in ("application/json", "application/jose+json")]
    answers.append(states(business, f"{head}.{payload}.{signature}", kind="application/jwt"))
    assert [201, 200, 200] == [answer.status_code for answer in answers]


REFUSED: dict[str, Callable[[Business, str], tuple[int, str, str]]] = {
    "another's key": lambda business, event: (400, signed(business, said(event), key=new_key()), "application/jose"),
    "another's key under our name": lambda business, event: (
        400, signed(business, said(event), key=new_key(), kid=business.key.thumbprint()), "application/jose"
    ),
    "a day too early": lambda business, event: (
        400, signed(business, said(event, done_at="2026-01-01T00:00:00Z")), "application/jose"
    ),
    "a day too late": lambda business, event: (
        400, signed(business, said(event, done_at="2999-01-01T00:00:00Z")), "application/jose"
    ),
    "another action": lambda business, event: (400, signed(business, said(event, action="sold")), "application/jose"),
    "what was not signed": lambda _business, event: (400, json.dumps(said(event)), "application/json"),
    "as a form": lambda business, event: (
        400, signed(business, said(event)), "application/x-www-form-urlencoded"
    ),
    "an unprotected header": lambda _business, _event: (
        400, json.dumps({"protected": "a", "payload": "a", "signature": "a", "header": {}}), "application/json"
    ),
    "no event of anybody's": lambda business, _event: (404, signed(business, said("a" * 26)), "application/jose"),
}  # fmt: skip


@SQLITE
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_its_own_word_is_a_problem(
    business: Business, event_id: str, case: Callable[[Business, str], tuple[int, str, str]]
) -> None:
    status, text, kind = case(business, event_id)
    answer = states(business, text, kind=kind)
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"]), answer.text
    assert 201 == states(business, signed(business, said(event_id))).status_code


@SQLITE
def test_an_event_of_another_business_reads_like_none_byte_for_byte(
    broker: RunningBroker, business: Business, event_id: str
) -> None:
    other = broker.business()
    mine = states(business, signed(business, said(event_id)))
    answers = [states(other, signed(other, said(name))) for name in (event_id, "a" * 26)]
    headers = wire.bearer(other.client_token("consent"))
    answers += [wire.get(f"{broker.issuer}/v1/actions/{name}", headers=headers)
                for name in (mine.headers["Location"].rpartition("/")[2], "a" * 26)]  # fmt: skip
    bodies = [{name: it for name, it in answer.json().items() if name != "instance"} for answer in answers]
    assert {404} == {answer.status_code for answer in answers}
    assert bodies[0] == bodies[1]
    assert bodies[2] == bodies[3]


@SQLITE
def test_another_token_says_nothing_for_a_business(business: Business, event_id: str, linked: Linked) -> None:
    text = signed(business, said(event_id))
    assert 403 == states(business, text, scope="match").status_code
    headers = {**wire.bearer(linked.token["access_token"]), "Content-Type": "application/jose"}
    assert 403 == wire.post(f"{business.issuer}/v1/actions", data=text, headers=headers).status_code
    headers = {"Content-Type": "application/jose"}
    assert 401 == wire.post(f"{business.issuer}/v1/actions", data=text, headers=headers).status_code


@SQLITE
def test_who_was_erased_is_still_answered_for(broker: RunningBroker, business: Business, person: Person) -> None:
    person.consents(business)
    person.signs_in()
    person.browser.submit(person.browser.open(f"{broker.issuer}/consents/erase").form, button=("choice", "erase"))
    ended = told(business)
    assert ended
    assert [201] * len(ended) == [
        states(business, signed(business, said(name, action="deleted"))).status_code for name in ended
    ]

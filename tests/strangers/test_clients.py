"""Client libraries of others drive the whole consent flow; nothing in them knows this broker."""

import json

import pytest
from harness import wire
from harness.business import Business, person_email
from harness.person import Person
from harness.running import RunningBroker
from harness.strangers import Conversation

PROGRAMS = ["openid_client.mjs", "authlib_client.py"]


def settings(business: Business, email: str) -> str:
    """Return what such a program is configured with."""
    key = {**business.key.as_dict(private=True), "kid": business.key.thumbprint()}
    return json.dumps({
        "issuer": business.issuer, "client_id": business.client_id, "redirect_uri": business.redirect_uri,
        "key": key, "details": business.details(identifier=person_email(email)),
    })  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_links_an_account(business: Business, person: Person, program: str) -> None:
    email = wire.fresh_email()
    with Conversation(program) as client:
        url = client.say(settings(business, email))["url"]
        notice = person.prove_account(person.browser.open(url))
        answer = client.say(person.allow(notice, ["customer-care"]).url)
    (granted,) = answer["token"]["authorization_details"]
    assert (person.account.id, ["customer-care"]) == (granted["account"]["id"], granted["purposes"])
    assert business.match(person.account.id, email)["decision"] is True


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_understands_a_refusal(business: Business, person: Person, program: str) -> None:
    with Conversation(program) as client:
        url = client.say(settings(business, wire.fresh_email()))["url"]
        notice = person.prove_account(person.browser.open(url))
        answer = client.say(person.refuse(notice).url)
    assert "access_denied" == answer["error"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_notices_an_answer_of_another_issuer(business: Business, person: Person, program: str) -> None:
    with Conversation(program) as client:
        url = client.say(settings(business, wire.fresh_email()))["url"]
        landed = person.allow(person.prove_account(person.browser.open(url)), ["customer-care"]).url
        honest = wire.query_of(landed)["iss"]
        assert business.issuer == honest
        escaped = honest.replace(":", "%3A").replace("/", "%2F")
        forged = landed.replace(escaped, "https%3A%2F%2Fattacker.example").replace(honest, "https://attacker.example")
        answer = client.say(forged)
    assert "error" in answer


def test_its_metadata_is_what_npm_takes_for_a_server(broker: RunningBroker, business: Business, person: Person) -> None:
    with Conversation("openid_client.mjs") as client:
        url = client.say(settings(business, wire.fresh_email()))["url"]
        notice = person.prove_account(person.browser.open(url))
        own = client.say(person.allow(notice, ["customer-care"]).url)["own"]
    assert ("match", 300, "bearer") == (own["scope"], own["expires_in"], own["token_type"].lower())
    assert broker.issuer == business.issuer

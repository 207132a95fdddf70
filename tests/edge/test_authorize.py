"""How a browser arrives: only with a pushed request, once, from its own client (RFC 9126 section 4)."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from harness import wire
from harness.browser import Browser, explains, set_cookie_lines
from harness.business import Business, challenge_of
from harness.person import Person
from harness.running import RunningBroker, RunningSandbox

COOKIE = "__Host-consent-broker-browser"
TABS = 40


def first_step(broker: RunningBroker, business: Business) -> tuple[str, str]:
    """Open the business's link without following it; return where it leads and the cookie's line."""
    answer = wire.get(business.authorize_url(business.par()))
    assert 303 == answer.status_code, answer.text
    (line,) = [line for line in set_cookie_lines(answer) if line.startswith(COOKIE)]
    assert broker.issuer not in answer.headers["Location"].split("?")[0]
    return answer.headers["Location"], line


def test_a_browser_is_sent_to_the_platform(broker: RunningBroker, business: Business, platform: RunningSandbox) -> None:
    location, _ = first_step(broker, business)
    asked = wire.query_of(location)
    assert f"{platform.url}/i/oauth2/authorize" == location.split("?")[0]
    assert f"{broker.issuer}/link/x/callback" == asked["redirect_uri"]


def test_the_platform_is_asked_for_as_little_as_will_do(broker: RunningBroker, business: Business) -> None:
    location, _ = first_step(broker, business)
    assert {"tweet.read", "users.read"} == set(wire.query_of(location)["scope"].split())


def test_the_platform_is_asked_with_pkce(broker: RunningBroker, business: Business) -> None:
    location, _ = first_step(broker, business)
    asked = wire.query_of(location)
    assert ("S256", 43) == (asked["code_challenge_method"], len(asked["code_challenge"]))


def test_state_and_challenge_are_new_every_time(broker: RunningBroker, business: Business) -> None:
    one, two = (wire.query_of(first_step(broker, business)[0]) for _ in range(2))
    assert one["state"] != two["state"]
    assert one["code_challenge"] != two["code_challenge"]
    assert min(len(one["state"]), len(two["state"])) >= 26


def test_the_platform_learns_nothing_about_the_request(business: Business) -> None:
    email = wire.fresh_email()
    details = business.details(identifier={"kind": "person", "type": "email", "value": email}, handle="johndoe")
    asked = business.par(details=details)
    location = wire.get(business.authorize_url(asked) + "&login_hint=johndoe&prompt=none").headers.get("Location", "")
    leaked = [word for word in (email.split("@")[0], "johndoe", business.client_id, asked.state, "prompt")
              if word in location]  # fmt: skip
    assert [] == leaked


def test_the_cookie_holds_a_handle_and_nothing_else(broker: RunningBroker, business: Business) -> None:
    location, line = first_step(broker, business)
    value, *attributes = [part.strip() for part in line.split(";")]
    marks = {attribute.lower() for attribute in attributes}
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= marks
    assert set() == {mark for mark in marks if mark.startswith("domain")}
    secret = value.partition("=")[2]
    assert 22 <= len(secret) <= 128
    assert wire.query_of(location)["state"] not in secret


def test_a_request_uri_works_once(business: Business, new_person: Callable[..., Person]) -> None:
    asked = business.par()
    first, second = new_person(), new_person()
    assert 200 == first.to_platform(business, asked).status
    page = second.to_platform(business, asked)
    assert (400, True, False) == (page.status, explains(page), page.left)


def test_a_request_uri_works_for_its_own_client_only(
    business: Business, other_business: Business, person: Person
) -> None:
    asked = business.par()
    page = person.to_platform(other_business, asked)
    assert (400, True) == (page.status, explains(page))


def test_a_strangers_try_does_not_spend_the_request_uri(
    business: Business, other_business: Business, new_person: Callable[..., Person]
) -> None:
    asked = business.par()
    new_person().to_platform(other_business, asked)
    assert 200 == new_person().to_platform(business, asked).status


def wrong_queries(business: Business) -> dict[str, list[tuple[str, str]]]:
    """Return queries that no pushed request stands behind."""
    uri = "urn:ietf:params:oauth:request_uri:"
    whole = [
        ("response_type", "code"), ("client_id", business.client_id), ("redirect_uri", business.redirect_uri),
        ("state", "s"), ("code_challenge", challenge_of("v" * 43)), ("code_challenge_method", "S256"),
    ]  # fmt: skip
    return {
        "nothing": [],
        "the whole request in the open": whole,
        "the whole request to a stranger": [
            *whole[:2],
            ("redirect_uri", "https://attacker.example/"),
            *whole[3:],
        ],
        "an unknown request_uri": [("client_id", business.client_id), ("request_uri", uri + "a" * 40)],
        "another kind of request_uri": [
            ("client_id", business.client_id),
            ("request_uri", "https://a.example/r"),
        ],
        "a request_uri with a NUL": [("client_id", business.client_id), ("request_uri", uri + "\x00")],
        "an unknown client": [("client_id", "a" * 26), ("request_uri", uri + "a" * 40)],
        "a request object": [("client_id", business.client_id), ("request", "e30.e30.")],
    }


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "the whole request in the open",
        "the whole request to a stranger",
        "an unknown request_uri",
        "another kind of request_uri",
        "a request_uri with a NUL",
        "an unknown client",
        "a request object",
    ],
)
def test_without_a_pushed_request_there_is_a_page_and_no_redirect(
    broker: RunningBroker, business: Business, person: Person, name: str
) -> None:
    query = urlencode(wrong_queries(business)[name])
    page = person.browser.open(f"{broker.issuer}/oauth/authorize?{query}")
    assert (400, True, False) == (page.status, explains(page), page.left)


@pytest.mark.parametrize("name", ["client_id", "request_uri"])
def test_a_parameter_that_stands_twice_gives_a_page(business: Business, person: Person, name: str) -> None:
    url = business.authorize_url(business.par())
    page = person.browser.open(f"{url}&{urlencode({name: wire.query_of(url)[name]})}")
    assert (400, True) == (page.status, explains(page))


def test_a_request_uri_without_its_client_gives_a_page(
    broker: RunningBroker, business: Business, person: Person
) -> None:
    query = urlencode({"request_uri": business.par().request_uri})
    assert 400 == person.browser.open(f"{broker.issuer}/oauth/authorize?{query}").status


def test_what_stands_in_the_address_cannot_change_what_was_pushed(business: Business, person: Person) -> None:
    asked = business.par()
    extra = urlencode({"redirect_uri": "https://attacker.example/", "state": "forged", "scope": "report"})
    page = person.browser.open(f"{business.authorize_url(asked)}&{extra}")
    if page.status != 200:
        assert 400 == page.status
        return
    landed = person.refuse(person.prove_account(page))
    assert business.redirect_uri == landed.url.split("?")[0]
    assert asked.state == landed.query["state"]


def test_forty_open_tabs_still_finish(broker: RunningBroker, business: Business, person: Person) -> None:
    asked = [business.par() for _ in range(TABS)]
    pages = [person.to_platform(business, one) for one in asked]
    assert max(len(f"{name}={value}") for name, value in person.browser.cookies.items()) <= 4096
    assert {COOKIE} == {name for name in person.browser.cookies if name.startswith("__Host-consent-broker")}
    for page, one in ((pages[0], asked[0]), (pages[-1], asked[-1])):
        landed = person.allow(person.prove_account(page), ["customer-care"])
        assert (one.state, broker.issuer) == (landed.query["state"], landed.query["iss"])


def test_a_cookie_that_somebody_planted_is_not_adopted(
    broker: RunningBroker, business: Business, platform: RunningSandbox
) -> None:
    browser = Browser(broker.issuer, platform.url)
    browser.cookies[COOKIE] = "planted-by-somebody-else"
    browser.open(business.authorize_url(business.par()))
    kept = browser.cookies[COOKIE]
    browser.close()
    assert "planted-by-somebody-else" != kept

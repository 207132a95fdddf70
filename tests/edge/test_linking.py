"""The way back from the platform: same browser, once, right answer; otherwise nothing is linked."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from harness import wire
from harness.browser import Page, explains
from harness.business import Asked, Business, person_email
from harness.person import Person
from harness.running import RunningBroker, RunningSandbox

PERMITTED = "permitted"


def nothing_is_linked(business: Business, person: Person, email: str) -> bool:
    """Tell whether the business holds nothing about the person."""
    return "no_basis" == business.match(person.account.id, email)["context"].get("reason", PERMITTED)


def asking(business: Business, **details: object) -> tuple[Asked, str]:
    """Push a request about an address of its own."""
    email = wire.fresh_email()
    return business.par(details=business.details(identifier=person_email(email), **details)), email


def refused(page: Page, *statuses: int) -> bool:
    """Tell whether a page refuses, in words, and sends the browser nowhere."""
    return page.status in (statuses or (400, 403)) and explains(page) and not page.left


def test_another_browser_cannot_bring_back_the_platforms_answer(
    business: Business, new_person: Callable[..., Person]
) -> None:
    asked, email = asking(business)
    starter, other = new_person(), new_person()
    callback = starter.callback_url(starter.to_platform(business, asked))
    page = other.browser.open(callback)
    assert refused(page)
    assert starter.account.handle not in page.answer.text
    assert nothing_is_linked(business, starter, email)


def test_a_browser_with_a_flow_of_its_own_cannot_bring_back_anothers(
    business: Business, new_person: Callable[..., Person], platform: RunningSandbox
) -> None:
    asked, email = asking(business)
    attacker, victim = new_person(), new_person()
    callback = attacker.callback_url(attacker.to_platform(business, asked))
    victim.to_platform(business, business.par())
    issued = platform.tokens()["issued"]
    assert refused(victim.browser.open(callback))
    assert issued == platform.tokens()["issued"]
    assert nothing_is_linked(business, attacker, email)


def test_anothers_try_does_not_spend_the_way_back(business: Business, new_person: Callable[..., Person]) -> None:
    starter, other = new_person(), new_person()
    callback = starter.callback_url(starter.to_platform(business, business.par()))
    other.to_platform(business, business.par())
    other.browser.open(callback)
    assert 200 == starter.browser.open(callback).status


def test_the_platforms_page_opened_elsewhere_leads_nowhere(
    business: Business, new_person: Callable[..., Person]
) -> None:
    asked, email = asking(business)
    attacker, victim = new_person(), new_person()
    at_platform = attacker.to_platform(business, asked)
    page = victim.prove_account(victim.browser.open(at_platform.url))
    assert refused(page)
    assert nothing_is_linked(business, victim, email)


def test_no_platform_token_outlives_a_refused_callback(
    business: Business, new_person: Callable[..., Person], platform: RunningSandbox
) -> None:
    starter, other = new_person(), new_person()
    before = platform.tokens()["live"]
    other.browser.open(starter.callback_url(starter.to_platform(business, business.par())))
    assert before == platform.tokens()["live"]


def test_the_platforms_token_is_revoked_once_the_account_is_known(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    before = platform.tokens()
    person.to_notice(business, business.par())
    after = platform.tokens()
    assert (before["issued"] + 1, before["revoked"] + 1, before["live"]) == (
        after["issued"], after["revoked"], after["live"],
    )  # fmt: skip


def test_the_platform_never_grants_more_than_reading(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    person.to_notice(business, business.par())
    assert ["tweet.read", "users.read"] == platform.tokens()["scopes"]


def test_an_answer_with_the_iss_of_another_server_is_refused(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    asked, email = asking(business)
    page = person.to_platform(business, asked)
    issued = platform.tokens()["issued"]
    platform.rehearse(iss="https://attacker.example")
    assert refused(person.prove_account(page))
    assert issued == platform.tokens()["issued"]
    assert nothing_is_linked(business, person, email)


@pytest.mark.parametrize("name", ["code", "state", "iss"])
def test_a_parameter_that_stands_twice_is_refused(business: Business, person: Person, name: str) -> None:
    asked, email = asking(business)
    callback = person.callback_url(person.to_platform(business, asked))
    value = wire.query_of(callback).get(name, "https://x.example")
    twice = callback + "&" + urlencode([(name, value)] * (2 if name == "iss" else 1))
    assert refused(person.browser.open(twice))
    assert nothing_is_linked(business, person, email)


def test_a_posted_callback_is_not_read(broker: RunningBroker, business: Business, person: Person) -> None:
    asked, email = asking(business)
    callback = person.callback_url(person.to_platform(business, asked))
    page = person.browser.post(f"{broker.issuer}/link/x/callback", list(wire.query_of(callback).items()))
    assert 405 == page.status
    assert nothing_is_linked(business, person, email)


def test_a_callback_works_once(business: Business, person: Person) -> None:
    callback = person.callback_url(person.to_platform(business, business.par()))
    assert 200 == person.browser.open(callback).status
    assert refused(person.browser.open(callback))


def test_an_old_cookie_does_not_bring_a_used_state_back(business: Business, person: Person) -> None:
    at_platform = person.to_platform(business, business.par())
    kept = dict(person.browser.cookies)
    callback = person.callback_url(at_platform)
    person.browser.open(callback)
    again = person.callback_url(person.browser.open(at_platform.url))
    person.browser.cookies = kept
    assert refused(person.browser.open(again))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "a"},
        {"state": "KNOWN"},
        {"code": "a", "state": "unknown"},
        {"code": "", "state": "KNOWN"},
        {"code": "a\x00", "state": "KNOWN"},
        {"code": "a", "state": "b\x00"},
        {"code": "a", "state": "x" * 100_000},
        {"code": "made-up", "state": "KNOWN"},
    ],
    ids=[
        "nothing",
        "no state",
        "no code",
        "unknown state",
        "empty code",
        "NUL in code",
        "NUL in state",
        "endless",
        "a code that the platform never gave",
    ],
)
def test_an_answer_that_lacks_something_is_a_page(
    broker: RunningBroker, business: Business, person: Person, query: dict[str, str]
) -> None:
    asked, email = asking(business)
    state = wire.query_of(person.to_platform(business, asked).url)["state"]
    filled = {name: state if value == "KNOWN" else value for name, value in query.items()}
    page = person.browser.open(f"{broker.issuer}/link/x/callback?{urlencode(filled)}")
    assert page.status in {400, 414, 502}
    assert nothing_is_linked(business, person, email)


def test_a_callback_of_another_platform_is_not_found(broker: RunningBroker, business: Business, person: Person) -> None:
    callback = person.callback_url(person.to_platform(business, business.par()))
    page = person.browser.open(callback.replace("/link/x/", "/link/y/"))
    assert page.status in {400, 404}
    assert broker.issuer in page.url


def test_a_callback_of_another_platform_does_not_spend_the_way_back(business: Business, person: Person) -> None:
    callback = person.callback_url(person.to_platform(business, business.par()))
    person.browser.open(callback.replace("/link/x/", "/link/y/"))
    assert 200 == person.browser.open(callback).status


def test_the_text_of_an_error_is_never_shown(broker: RunningBroker, business: Business, person: Person) -> None:
    state = wire.query_of(person.to_platform(business, business.par()).url)["state"]
    lie = "<script>alert('Call us')</script> Call 555-0100"
    for known in (state, "unknown"):
        query = urlencode({"error": "access_denied", "error_description": lie, "state": known})
        page = person.browser.open(f"{broker.issuer}/link/x/callback?{query}")
        assert "555-0100" not in page.answer.text


def test_an_error_with_an_unknown_state_ends_nobodys_flow(
    broker: RunningBroker, business: Business, person: Person
) -> None:
    at_platform = person.to_platform(business, business.par())
    query = urlencode({"error": "access_denied", "state": "unknown"})
    assert refused(person.browser.open(f"{broker.issuer}/link/x/callback?{query}"))
    assert 200 == person.prove_account(at_platform).status


def test_who_turns_back_at_the_platform_has_refused(broker: RunningBroker, business: Business, person: Person) -> None:
    asked, email = asking(business)
    landed = person.prove_account(person.to_platform(business, asked), choice="cancel")
    assert (business.redirect_uri, "access_denied", asked.state, broker.issuer) == (
        landed.url.split("?")[0], landed.query["error"], landed.query["state"], landed.query["iss"],
    )  # fmt: skip
    assert nothing_is_linked(business, person, email)

"""A platform that breaks, dawdles, lies, or proves somebody else: a page, and nothing linked."""

import pytest
from harness import wire
from harness.browser import Page, explains
from harness.business import Asked, Business, person_email
from harness.person import Person
from harness.running import RunningSandbox

#: What is looked at here happens before any row is, or after: one kind of database is enough.
pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

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


FAULTS: dict[str, dict[str, object]] = {
    "the token endpoint fails": {"token": 500},
    "the token endpoint is busy": {"token": 429},
    "the token endpoint answers a page": {"token": [200, "<html>maintenance</html>"]},
    "the token endpoint answers a list": {"token": [200, "[]"]},
    "the token endpoint answers no token": {"token": [200, '{"token_type":"bearer"}']},
    "the token endpoint answers a number": {"token": [200, '{"token_type":"bearer","access_token":7}']},
    "the token endpoint answers a nest": {"token": [200, "[" * 100_000]},
    "the account cannot be read": {"userinfo": 500},
    "the account is forbidden": {"userinfo": 403},
    "the account is no JSON": {"userinfo": [200, "{"]},
    "the account is empty": {"userinfo": [200, '{"data":{}}']},
    "the account is missing": {"userinfo": [200, '{"errors":[]}']},
    "the id is a number": {"userinfo": [200, '{"data":{"id":12,"username":"johndoe","name":"J"}}']},
    "the id is text": {"userinfo": [200, '{"data":{"id":"admin","username":"johndoe","name":"J"}}']},
    "the id has a line break": {"userinfo": [200, '{"data":{"id":"12\\n","username":"johndoe","name":"J"}}']},
    "the id is in other digits": {"userinfo": [200, '{"data":{"id":"\u0661\u0662","username":"johndoe","name":"J"}}']},
    "the id is too long": {"userinfo": [200, '{"data":{"id":"12345678901234567890","username":"j","name":"J"}}']},
    "the handle is markup": {"userinfo": [200, '{"data":{"id":"12","username":"<b>j</b>","name":"J"}}']},
    "the handle is Cyrillic": {"userinfo": [200, '{"data":{"id":"12","username":"j\u043ehn","name":"J"}}']},
    "the handle has a NUL": {"userinfo": [200, '{"data":{"id":"12","username":"jo\\u0000hn","name":"J"}}']},
    "the account stands twice": {
        "userinfo": [
            200,
            '{"data":{"id":"12","username":"a","name":"J"},"data":{"id":"13","username":"b","name":"K"}}',
        ]
    },
    "the account is endless": {"userinfo": [200, '{"data":"' + "x" * 3_000_000 + '"}']},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_a_platform_that_fails_leaves_a_page_and_nothing_linked(
    business: Business, person: Person, platform: RunningSandbox, faults: dict[str, object]
) -> None:
    asked, email = asking(business)
    page = person.to_platform(business, asked)
    platform.rehearse(**faults)
    assert refused(person.prove_account(page), 400, 502, 503, 504)
    platform.rehearse()
    assert nothing_is_linked(business, person, email)


def test_a_platform_token_is_revoked_also_when_the_account_cannot_be_read(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    page = person.to_platform(business, business.par())
    before = platform.tokens()
    platform.rehearse(userinfo=500)
    person.prove_account(page)
    after = platform.tokens()
    assert (before["issued"] + 1, before["live"]) == (after["issued"], after["live"])


def test_a_platform_that_cannot_revoke_does_not_stand_in_the_way(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    page = person.to_platform(business, business.par())
    platform.rehearse(revoke=500)
    assert 200 == person.prove_account(page).status


def test_a_platform_that_dawdles_past_patience_leaves_a_page(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    asked, email = asking(business)
    page = person.to_platform(business, asked)
    platform.rehearse(slow=14)
    assert refused(person.prove_account(page), 502, 503, 504)
    platform.rehearse()
    assert nothing_is_linked(business, person, email)


def test_the_account_proved_must_be_the_account_that_was_named(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    asked, email = asking(business, handle="somebody_else")
    before = platform.tokens()["live"]
    page = person.prove_account(person.to_platform(business, asked))
    assert (409, True, False) == (page.status, explains(page), page.left)
    assert before == platform.tokens()["live"]
    assert nothing_is_linked(business, person, email)


def test_a_handle_is_the_same_in_capitals_and_with_its_sign(business: Business, person: Person) -> None:
    asked, _ = asking(business, handle=person.account.handle.upper())
    assert 200 == person.prove_account(person.to_platform(business, asked)).status


def test_after_a_mismatch_the_callback_is_spent(business: Business, person: Person) -> None:
    asked, _ = asking(business, handle="somebody_else")
    callback = person.callback_url(person.to_platform(business, asked))
    assert 409 == person.browser.open(callback).status
    assert refused(person.browser.open(callback))

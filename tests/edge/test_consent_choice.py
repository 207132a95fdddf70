"""Who may press Allow, and what the press may say: a form is only as good as the page it came from."""

from collections.abc import Callable

import pytest
from harness.browser import Page, explains
from harness.business import Business
from harness.person import Person


def hidden(notice: Page) -> list[tuple[str, str]]:
    """Return the hidden pairs of the form."""
    return notice.form.filled()


TAMPERED: dict[str, list[tuple[str, str]]] = {
    "a purpose that was not asked for": [
        ("purpose", "customer-care"),
        ("purpose", "fraud-prevention"),
        ("choice", "allow"),
    ],
    "only a purpose that was not asked for": [("purpose", "account-takeover"), ("choice", "allow")],
    "a prohibited purpose": [("purpose", "background-check"), ("choice", "allow")],
    "a purpose with a NUL": [("purpose", "customer-care\x00"), ("choice", "allow")],
    "another choice": [("purpose", "customer-care"), ("choice", "yes")],
    "no choice": [("purpose", "customer-care")],
    "both choices": [("purpose", "customer-care"), ("choice", "allow"), ("choice", "refuse")],
    "allow twice": [("purpose", "customer-care"), ("choice", "allow"), ("choice", "allow")],
}


@pytest.mark.parametrize("pairs", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_form_that_says_something_else_links_nothing(
    business: Business, person: Person, notice: Page, email: str, pairs: list[tuple[str, str]]
) -> None:
    page = person.browser.post(notice.form.action, [*hidden(notice), *pairs])
    assert page.status in {400, 403, 422}
    assert explains(page)
    assert "no_basis" == business.reason(person.account.id, email)


def test_what_the_form_cannot_say_it_cannot_change(business: Business, person: Person, notice: Page) -> None:
    extra = [
        ("purpose", "customer-care"),
        ("choice", "allow"),
        ("valid_for", "P99Y"),
        ("account", "12"),
        ("identifier", "mallory@example.com"),
        ("redirect_uri", "https://attacker.example/"),
    ]
    landed = person.browser.post(notice.form.action, [*hidden(notice), *extra])
    if landed.left:
        assert business.redirect_uri == landed.url.split("?")[0]
        assert "no_basis" == business.reason(person.account.id, "mallory@example.com")
    else:
        assert landed.status in {400, 403, 422}


ALLOW = [("purpose", "customer-care"), ("choice", "allow")]


@pytest.mark.parametrize(
    "csrf", [[], [("csrf", "")], [("csrf", "guess")], [("csrf", "\x00")], [("csrf", "gu\u00e9ss")],
     [("csrf", "g" * 100_000)]],
    ids=["none", "empty", "a guess", "NUL", "no ASCII", "endless"],
)  # fmt: skip
def test_without_the_forms_own_token_nothing_is_linked(
    business: Business, person: Person, notice: Page, email: str, csrf: list[tuple[str, str]]
) -> None:
    page = person.browser.post(notice.form.action, [*csrf, *ALLOW])
    assert page.status in {400, 403}
    assert "no_basis" == business.reason(person.account.id, email)


def test_the_token_of_another_persons_form_is_no_good(
    business: Business, new_person: Callable[..., Person], person: Person, notice: Page, email: str
) -> None:
    theirs = new_person().to_notice(business, business.par())
    page = person.browser.post(notice.form.action, [("csrf", theirs.form.value_of("csrf")), *ALLOW])
    assert page.status in {400, 403}
    assert "no_basis" == business.reason(person.account.id, email)


def test_the_token_of_another_tab_is_no_good(business: Business, person: Person, notice: Page, email: str) -> None:
    theirs = person.to_notice(business, business.par())
    page = person.browser.post(notice.form.action, [("csrf", theirs.form.value_of("csrf")), *ALLOW])
    assert page.status in {400, 403}
    assert "no_basis" == business.reason(person.account.id, email)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
    ids=[
        "cross-site",
        "cross-site by metadata",
        "same-site",
        "foreign origin",
        "cross-site without an origin",
    ],
)
def test_a_form_sent_from_elsewhere_links_nothing(
    business: Business, person: Person, notice: Page, email: str, headers: dict[str, str]
) -> None:
    page = person.browser.post(notice.form.action, [*hidden(notice), *ALLOW], headers=headers)
    assert page.status in {400, 403}
    assert "no_basis" == business.reason(person.account.id, email)


def test_another_browser_can_neither_read_nor_press(
    business: Business, new_person: Callable[..., Person], person: Person, notice: Page, email: str
) -> None:
    other = new_person()
    seen = other.browser.open(notice.url)
    assert seen.status in {400, 403, 404}
    assert person.account.handle not in seen.answer.text
    page = other.browser.post(notice.form.action, [*hidden(notice), *ALLOW])
    assert page.status in {400, 403, 404}
    assert "no_basis" == business.reason(person.account.id, email)


def test_another_browser_with_a_notice_of_its_own_can_neither_read_nor_press_this_one(
    business: Business, new_person: Callable[..., Person], person: Person, notice: Page, email: str
) -> None:
    other = new_person()
    own = other.to_notice(business, business.par())
    seen = other.browser.open(notice.url)
    assert (True, False) == (seen.status in {400, 403, 404}, person.account.handle in seen.answer.text)
    for csrf in (notice.form.value_of("csrf"), own.form.value_of("csrf")):
        page = other.browser.post(notice.form.action, [("csrf", csrf), *ALLOW])
        assert page.status in {400, 403, 404}
    assert "no_basis" == business.reason(person.account.id, email)


def test_reading_changes_nothing(business: Business, person: Person, notice: Page, email: str) -> None:
    for _ in range(2):
        page = person.browser.open(
            f"{notice.url}?choice=allow&purpose=customer-care&csrf={notice.form.value_of('csrf')}"
        )
        assert not page.left
    assert "no_basis" == business.reason(person.account.id, email)
    assert "code" in person.allow(notice, ["customer-care"]).query


def test_a_choice_is_made_once(business: Business, person: Person, notice: Page, email: str) -> None:
    assert "code" in person.allow(notice, ["customer-care"]).query
    for again in (person.allow(notice, ["newsletter"]), person.refuse(notice)):
        assert (False, True) == ("code" in again.query, again.status in {303, 400, 403, 404, 409, 410})
    assert ("permitted", "purpose_not_granted") == (
        business.reason(person.account.id, email), business.reason(person.account.id, email, "newsletter"),
    )  # fmt: skip


def test_a_refusal_is_not_turned_into_a_yes(business: Business, person: Person, notice: Page, email: str) -> None:
    person.refuse(notice)
    assert "code" not in person.allow(notice, ["customer-care"]).query
    assert "no_basis" == business.reason(person.account.id, email)


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_choice_of_another_type_is_refused(
    business: Business, person: Person, notice: Page, email: str, kind: str
) -> None:
    page = person.browser.post(notice.form.action, [*hidden(notice), *ALLOW], headers={"Content-Type": kind})
    assert page.status in {400, 403, 415, 422}
    assert "no_basis" == business.reason(person.account.id, email)

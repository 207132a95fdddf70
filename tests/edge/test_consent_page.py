"""The notice and the choice: what a person reads, and that nothing but their own press of Allow links."""

from collections.abc import Callable

import pytest
from harness.browser import Page
from harness.business import PURPOSES, Asked, Business
from harness.evidence import payload_of
from harness.person import Person
from harness.running import RunningBroker

#: What is looked at here happens before any row is, or after: one kind of database is enough.
pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")


def test_the_notice_says_who_asks_what_is_linked_and_why(notice: Page, person: Person, email: str) -> None:
    words = notice.words
    assert "Northwind Shop" in words
    assert f"@{person.account.handle}" in words
    assert f"{email[0]}•••@example.com" in words
    assert list(PURPOSES) == [control.value for control in notice.form.named("purpose")]


def test_the_notice_never_shows_the_whole_identifier(notice: Page, email: str) -> None:
    assert email not in notice.answer.text
    assert email.split("@", maxsplit=1)[0] not in notice.answer.text


def test_no_purpose_is_ticked_beforehand(notice: Page) -> None:
    assert [False] * len(PURPOSES) == [control.ticked for control in notice.form.named("purpose")]
    assert {"checkbox"} == {control.kind for control in notice.form.named("purpose")}


def test_there_are_two_buttons_of_one_kind(notice: Page) -> None:
    buttons = [
        attributes for tag, attributes in notice.reading.tags if tag == "button" and attributes.get("name") == "choice"
    ]
    assert {"allow", "refuse"} == {button["value"] for button in buttons}
    assert 1 == len({button.get("type", "submit") for button in buttons})


def test_the_notice_needs_no_script_and_no_style_of_its_own(notice: Page) -> None:
    inline = [
        tag
        for tag, attributes in notice.reading.tags
        if tag == "style" or (tag == "script" and "src" not in attributes)
    ]
    handlers = [
        name for _, attributes in notice.reading.tags for name in attributes if name == "style" or name.startswith("on")
    ]
    assert ([], []) == (inline, handlers)


@pytest.mark.parametrize(("locale", "language"), [("en", "en"), ("de", "de")])
def test_the_notice_speaks_the_language_that_was_asked_for(
    business: Business, person: Person, locale: str, language: str
) -> None:
    notice = person.to_notice(business, business.par(details=business.details(locale=locale)))
    assert language == notice.reading.language


def test_the_two_languages_differ(business: Business, new_person: Callable[..., Person]) -> None:
    pages = [
        new_person().to_notice(business, business.par(details=business.details(locale=locale)))
        for locale in ("en", "de")
    ]
    assert pages[0].reading.words != pages[1].reading.words


def test_allow_leads_back_with_code_state_and_issuer(
    broker: RunningBroker, business: Business, person: Person, notice: Page, asked: Asked
) -> None:
    landed = person.allow(notice, ["customer-care"])
    assert 303 == landed.status
    assert business.redirect_uri == landed.url.split("?")[0]
    assert {"code", "state", "iss"} == landed.query.keys()
    assert (asked.state, broker.issuer) == (landed.query["state"], landed.query["iss"])


def test_proving_the_account_links_nothing(business: Business, person: Person, notice: Page, email: str) -> None:
    assert 200 == notice.status
    assert "no_basis" == business.reason(person.account.id, email)


def test_dont_allow_leads_back_without_a_code(
    business: Business, person: Person, notice: Page, asked: Asked, email: str
) -> None:
    landed = person.refuse(notice)
    assert (303, business.redirect_uri) == (landed.status, landed.url.split("?")[0])
    assert {"error": "access_denied", "state": asked.state, "iss": business.issuer} == {
        name: value for name, value in landed.query.items() if name != "error_description"
    }
    assert person.account.id not in landed.url
    assert "no_basis" == business.reason(person.account.id, email)


def test_allow_with_nothing_ticked_asks_again(business: Business, person: Person, notice: Page, email: str) -> None:
    again = person.allow(notice, [])
    assert (422, False) == (again.status, again.left)
    assert "no_basis" == business.reason(person.account.id, email)
    assert "code" in person.allow(again, ["customer-care"]).query


def test_what_was_not_ticked_is_not_granted(business: Business, person: Person) -> None:
    linked = person.consents(business, ["newsletter"])
    assert ["newsletter"] == linked.granted["purposes"]
    assert ("permitted", "purpose_not_granted") == (
        business.reason(person.account.id, linked.email, "newsletter"),
        business.reason(person.account.id, linked.email, "customer-care"),
    )


def test_the_notice_cannot_be_had_before_the_proof(business: Business, person: Person) -> None:
    person.to_platform(business, business.par())
    paths = [answer.headers.get("Location", "") for answer in person.browser.answers]
    assert [] == [path for path in paths if "/consent/" in path]


@pytest.mark.parametrize("consent_id", ["a" * 26, "A" * 26, "1", "%00", "a" * 4000, "..%2f..%2fetc", "\u212a"])
def test_a_notice_that_does_not_exist_is_a_page(broker: RunningBroker, person: Person, consent_id: str) -> None:
    page = person.browser.open(f"{broker.issuer}/consent/{consent_id}")
    assert page.status in {400, 403, 404, 414}


def test_a_privacy_signal_ticks_nothing_and_stands_in_the_receipt(business: Business, person: Person) -> None:
    asked = business.par()
    signal = {"Sec-GPC": "1"}
    callback = person.callback_url(person.to_platform(business, asked))
    notice = person.browser.open(callback, headers=signal)
    notice = person.browser.open(notice.url, headers=signal)
    assert [False] * len(PURPOSES) == [control.ticked for control in notice.form.named("purpose")]
    landed = person.browser.submit(notice.form, ticked={"customer-care"}, button=("choice", "allow"), headers=signal)
    token = business.exchange(landed.query["code"], asked.verifier).json()
    receipt = token["authorization_details"][0]["receipt"]
    assert {"gpc": True} == payload_of(receipt)["record"]["event"]["signals"]


def test_what_the_business_is_called_is_shown_as_text(broker: RunningBroker, new_person: Callable[..., Person]) -> None:
    shop = broker.business(client_name="Smith & Co <Ltd>")
    notice = new_person().to_notice(shop, shop.par())
    assert "Smith & Co <Ltd>" in notice.words
    assert "<Ltd>" not in notice.answer.text

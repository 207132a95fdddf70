"""Taking it back: as easy as giving it, from the next match on, and never by reading."""

from collections.abc import Callable

import pytest
from harness import wire
from harness.browser import Page, explains
from harness.business import Business
from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker

CLICKS_TO_WITHDRAW = 1


def capability(linked: Linked) -> str:
    """Return the link that stands in the receipt."""
    uri: str = payload_of(linked.receipt)["record"]["withdrawal"]["uri"]
    return uri


def reason(business: Business, linked: Linked, purpose: str = "customer-care") -> str:
    """Return why a match is denied, or `permitted`."""
    found: str = business.match(linked.account.id, linked.email, purpose)["context"].get("reason", "permitted")
    return found


def press(person: Person, page: Page) -> Page:
    """Press the page's only Withdraw."""
    return person.browser.submit(page.form, button=("choice", "withdraw"))


def test_from_the_page_of_consents(business: Business, person: Person, linked: Linked) -> None:
    assert "permitted" == reason(business, linked)
    page = person.withdraws(linked.grant_id)
    assert 200 == page.status
    assert "withdrawn" == reason(business, linked)


def test_by_the_link_in_the_receipt_without_signing_in(
    broker: RunningBroker, business: Business, new_person: Callable[..., Person], linked: Linked
) -> None:
    other_browser = new_person()
    link = capability(linked)
    assert link.startswith(f"{broker.issuer}/consents/")
    page = press(other_browser, other_browser.browser.open(link))
    assert 200 == page.status
    assert "withdrawn" == reason(business, linked)


def test_every_purpose_ends_with_it(business: Business, person: Person) -> None:
    linked = person.consents(business, ["customer-care", "newsletter"])
    person.withdraws(linked.grant_id)
    assert ("withdrawn", "withdrawn") == (reason(business, linked), reason(business, linked, "newsletter"))


def test_a_handle_finds_no_more_than_the_id_does(business: Business, person: Person, linked: Linked) -> None:
    person.withdraws(linked.grant_id)
    body = business.match({"platform": "x", "handle": linked.account.handle}, linked.email)
    assert body["decision"] is False


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_the_link_changes_nothing(business: Business, linked: Linked, method: str) -> None:
    for suffix in ("", "?choice=withdraw", "?choice=withdraw&csrf=a"):
        answer = wire.call(method, capability(linked) + suffix)
        assert answer.status_code < 500
    assert "permitted" == reason(business, linked)


def test_reading_the_page_of_consents_changes_nothing(business: Business, person: Person, linked: Linked) -> None:
    page = person.signs_in()
    for suffix in ("?choice=withdraw", f"?grant_id={linked.grant_id}&choice=withdraw"):
        person.browser.open(page.url + suffix)
    assert "permitted" == reason(business, linked)


def test_a_second_withdrawal_is_calm(business: Business, new_person: Callable[..., Person], linked: Linked) -> None:
    visitor = new_person()
    page = visitor.browser.open(capability(linked))
    assert [200, 200] == [press(visitor, page).status for _ in range(2)]
    again = visitor.browser.open(capability(linked))
    assert (200, True) == (again.status, explains(again))
    assert "withdrawn" == reason(business, linked)


def test_that_grants_tokens_are_dead(business: Business, person: Person, linked: Linked) -> None:
    url, token = f"{business.issuer}/v1/grants/{linked.grant_id}", linked.token["access_token"]
    assert 401 != wire.get(url, headers=wire.bearer(token)).status_code
    person.withdraws(linked.grant_id)
    assert 401 == wire.get(url, headers=wire.bearer(token)).status_code


def test_a_code_not_yet_exchanged_is_dead(business: Business, person: Person) -> None:
    asked = business.par()
    code = person.code(business, asked)
    page = person.signs_in()
    (form,) = [form for form in page.reading.forms if form.named("grant_id")]
    person.browser.submit(form, button=("choice", "withdraw"))
    answer = business.exchange(code, asked.verifier)
    assert (400, "invalid_grant") == wire.error_of(answer)


def test_other_consents_stand(business: Business, person: Person, linked: Linked) -> None:
    other = person.consents(business)
    person.withdraws(linked.grant_id)
    assert ("withdrawn", "permitted") == (reason(business, linked), reason(business, other))


def test_the_link_shows_and_ends_its_own_grant_only(
    business: Business, person: Person, new_person: Callable[..., Person], linked: Linked
) -> None:
    other = person.consents(business)
    visitor = new_person()
    page = visitor.browser.open(capability(linked))
    assert other.grant_id not in page.answer.text
    typed = [*page.form.filled(), ("choice", "withdraw"), ("grant_id", other.grant_id)]
    visitor.browser.post(page.form.action, typed)
    assert "permitted" == reason(business, other)


def test_consent_can_be_given_again(business: Business, person: Person, linked: Linked) -> None:
    person.withdraws(linked.grant_id)
    identifier = {"kind": "person", "type": "email", "value": linked.email}
    again = person.consents(business, identifier=identifier)
    assert "permitted" == reason(business, linked)
    assert again.grant_id != linked.grant_id


def test_an_old_links_withdrawal_does_not_end_the_new_consent(
    business: Business, person: Person, new_person: Callable[..., Person], linked: Linked
) -> None:
    person.withdraws(linked.grant_id)
    person.consents(business, identifier={"kind": "person", "type": "email", "value": linked.email})
    visitor = new_person()
    page = visitor.browser.open(capability(linked))
    for form in page.reading.forms:
        visitor.browser.submit(form, button=("choice", "withdraw"))
    assert "permitted" == reason(business, linked)


@pytest.mark.parametrize("name", ["a" * 26, "A" * 43, "1", "%00", "a" * 5000, "..%2f..", "sign-in", "withdraw"])
def test_a_link_that_nobody_was_given_withdraws_nothing(broker: RunningBroker, person: Person, name: str) -> None:
    url = f"{broker.issuer}/consents/{name}"
    assert person.browser.open(url).status in {400, 404, 405, 414}
    assert person.browser.post(url, [("choice", "withdraw")]).status in {400, 403, 404, 405, 414}


def test_a_link_with_a_letter_changed_is_no_link(business: Business, person: Person, linked: Linked) -> None:
    link = capability(linked)
    changed = link[:-1] + ("a" if link[-1] != "a" else "b")
    assert 404 == person.browser.open(changed).status
    assert 404 == person.browser.open(link.lower() if link != link.lower() else link.upper()).status
    assert "permitted" == reason(business, linked)


def test_the_link_cannot_be_guessed(linked: Linked) -> None:
    assert len(capability(linked).rpartition("/")[2]) >= 26


FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"}


def test_a_form_sent_from_elsewhere_withdraws_nothing(
    business: Business, person: Person, new_person: Callable[..., Person], linked: Linked
) -> None:
    visitor = new_person()
    page = visitor.browser.open(capability(linked))
    sent = [*page.form.filled(), ("choice", "withdraw")]
    assert visitor.browser.post(page.form.action, sent, headers=FOREIGN).status in {400, 403}
    page = person.signs_in()
    (form,) = [form for form in page.reading.forms if form.named("grant_id")]
    sent = [*form.filled(), ("choice", "withdraw")]
    assert person.browser.post(form.action, sent, headers=FOREIGN).status in {400, 403}
    assert "permitted" == reason(business, linked)


def test_without_the_forms_own_token_nothing_is_withdrawn(
    broker: RunningBroker, business: Business, person: Person, linked: Linked
) -> None:
    person.signs_in()
    for csrf in ([], [("csrf", "")], [("csrf", "guess")], [("csrf", "gu\u00e9ss")]):
        sent = [*csrf, ("grant_id", linked.grant_id), ("choice", "withdraw")]
        assert person.browser.post(f"{broker.issuer}/consents/withdraw", sent).status in {400, 403}
    assert "permitted" == reason(business, linked)


def test_nobody_withdraws_anothers_consent(
    broker: RunningBroker, business: Business, new_person: Callable[..., Person], linked: Linked
) -> None:
    stranger = new_person()
    own = stranger.consents(business)
    page = stranger.signs_in()
    (form,) = [form for form in page.reading.forms if form.named("grant_id")]
    sent = [("csrf", form.value_of("csrf")), ("grant_id", linked.grant_id), ("choice", "withdraw")]
    page = stranger.browser.post(f"{broker.issuer}/consents/withdraw", sent)
    assert page.status in {400, 403, 404}
    assert ("permitted", "permitted") == (reason(business, linked), reason(business, own))


def test_withdrawing_without_being_signed_in_ends_nothing(
    broker: RunningBroker, business: Business, new_person: Callable[..., Person], linked: Linked
) -> None:
    visitor = new_person()
    sent = [("csrf", "a"), ("grant_id", linked.grant_id), ("choice", "withdraw")]
    visitor.browser.post(f"{broker.issuer}/consents/withdraw", sent)
    assert "permitted" == reason(business, linked)


@pytest.mark.parametrize("grant_id", ["", "\x00", "a" * 26, "a" * 100_000, "\U0001f600"])
def test_a_grant_that_cannot_be_is_not_withdrawn(
    broker: RunningBroker, business: Business, person: Person, linked: Linked, grant_id: str
) -> None:
    page = person.signs_in()
    (form,) = [form for form in page.reading.forms if form.named("grant_id")]
    sent = [("csrf", form.value_of("csrf")), ("grant_id", grant_id), ("choice", "withdraw")]
    assert person.browser.post(f"{broker.issuer}/consents/withdraw", sent).status in {400, 403, 404, 413}
    assert "permitted" == reason(business, linked)


def test_withdrawing_takes_one_press(person: Person, linked: Linked) -> None:
    page = person.browser.open(capability(linked))
    asked_for = [control for control in page.form.controls if control.kind not in {"hidden", "submit"}]
    assert [] == asked_for
    page = person.signs_in()
    (form,) = [form for form in page.reading.forms if form.named("grant_id")]
    assert [] == [control for control in form.controls if control.kind not in {"hidden", "submit"}]
    assert CLICKS_TO_WITHDRAW == len([control for control in form.controls if control.kind == "submit"])

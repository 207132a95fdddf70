"""The person's own pages: what they gave, to whom, and the evidence to take home."""

from collections.abc import Callable

import pytest
from harness import wire
from harness.browser import Page, explains, set_cookie_lines
from harness.business import Business, person_email
from harness.evidence import disclosures_of, header_of, payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker

COOKIE = "__Host-consent-broker-person"


def receipts(page: Page) -> list[str]:
    """Return the addresses of the receipts that a page links."""
    return list(
        dict.fromkeys(link.removesuffix("/download") for link in page.reading.links if "/consents/receipts/" in link)
    )


def test_a_visitor_is_asked_to_prove_an_account(broker: RunningBroker, person: Person) -> None:
    page = person.browser.open(f"{broker.issuer}/consents")
    (form,) = page.reading.forms
    assert (f"{broker.issuer}/consents/sign-in", "post") == (form.action, form.method)
    assert form.named("csrf")


def test_who_proved_the_account_sees_what_was_given_to_whom(person: Person, linked: Linked) -> None:
    page = person.signs_in()
    assert (200, f"{person.broker.issuer}/consents") == (page.status, page.url.split("?")[0])
    assert "Northwind Shop" in page.words
    assert [linked.grant_id] == [form.value_of("grant_id") for form in page.reading.forms if form.named("grant_id")]


def test_signing_in_gives_nobody_a_consent(business: Business, person: Person) -> None:
    page = person.signs_in()
    assert [] == [form for form in page.reading.forms if form.named("grant_id")]
    assert "no_basis" == business.match(person.account.id, wire.fresh_email())["context"]["reason"]


def test_everybody_sees_their_own_only(business: Business, new_person: Callable[..., Person], linked: Linked) -> None:
    other = new_person()
    theirs = other.consents(business)
    page = other.signs_in()
    assert [theirs.grant_id] == [form.value_of("grant_id") for form in page.reading.forms if form.named("grant_id")]
    assert (False, False) == (linked.grant_id in page.answer.text, linked.account.handle in page.answer.text)


def test_giving_a_consent_signs_nobody_in(person: Person, linked: Linked) -> None:
    page = person.browser.open(f"{person.broker.issuer}/consents")
    assert linked.grant_id not in page.answer.text


def test_the_receipt_is_there_in_plain_words_and_to_take_home(person: Person, linked: Linked) -> None:
    page = person.signs_in()
    (address,) = receipts(page)
    shown = person.browser.open(address)
    assert (200, True) == (shown.status, "Northwind Shop" in shown.words)
    assert person.account.handle in shown.words
    file = person.browser.open(f"{address}/download").answer
    assert (200, True) == (file.status_code, "attachment" in file.headers["Content-Disposition"])
    assert payload_of(linked.receipt)["jti"] == payload_of(file.text.strip())["jti"]


def test_the_receipt_says_who_what_why_and_until_when(business: Business, linked: Linked) -> None:
    payload, header = payload_of(linked.receipt), header_of(linked.receipt)
    assert ("ES256", "consent-receipt+sd-jwt") == (header["alg"], header["typ"])
    assert (business.issuer, None) == (payload["iss"], payload.get("exp"))
    event = payload["record"]["event"]
    assert ("dpv:ConsentGiven", linked.granted["valid_until"]) == (event["state"], event["valid_until"])
    assert ["customer-care"] == [one["purpose_id"] for one in payload["record"]["processing"]]
    assert [True] == [one["purpose"].endswith("CustomerCare") for one in payload["record"]["processing"]]
    assert {"idx", "uri"} == payload["status"]["status_list"].keys()
    assert payload["record"]["notice"]["sha256"]
    assert payload["record"]["notice"]["version"]


def test_account_and_identifier_stand_only_in_the_disclosures(person: Person, linked: Linked) -> None:
    disclosed = disclosures_of(linked.receipt)
    assert (person.account.id, person.account.handle) == (
        disclosed["account"]["id"],
        disclosed["account"]["handle"],
    )
    signed = str(payload_of(linked.receipt))
    private = (person.account.id, person.account.handle, linked.email, linked.email.split("@")[0])
    assert [] == [word for word in private if word in signed]


def test_a_refusal_leaves_the_person_a_receipt(business: Business, person: Person) -> None:
    asked = business.par(details=business.details(identifier=person_email(wire.fresh_email())))
    person.refuse(person.to_notice(business, asked))
    page = person.signs_in()
    (address,) = receipts(page)
    refused = person.browser.open(f"{address}/download").answer.text.strip()
    assert "dpv:ConsentRefused" == payload_of(refused)["record"]["event"]["state"]
    assert [] == [form for form in page.reading.forms if form.named("grant_id")]


def test_a_withdrawal_leaves_the_person_a_second_receipt(person: Person, linked: Linked) -> None:
    person.withdraws(linked.grant_id)
    page = person.signs_in()
    found = [payload_of(person.browser.open(f"{address}/download").answer.text.strip()) for address in receipts(page)]
    by_state = {one["record"]["event"]["state"]: one for one in found}
    assert {"dpv:ConsentGiven", "dpv:ConsentWithdrawn"} == by_state.keys()
    given, withdrawn = by_state["dpv:ConsentGiven"], by_state["dpv:ConsentWithdrawn"]
    assert (given["jti"], given["record"]["record_id"]) == (
        withdrawn["record"]["replaces"], withdrawn["record"]["record_id"],
    )  # fmt: skip


def test_withdrawing_by_the_link_is_told_from_withdrawing_signed_in(
    business: Business, new_person: Callable[..., Person]
) -> None:
    methods = []
    for by_link in (True, False):
        person = new_person()
        linked = person.consents(business)
        if by_link:
            page = person.browser.open(payload_of(linked.receipt)["record"]["withdrawal"]["uri"])
            person.browser.submit(page.form, button=("choice", "withdraw"))
        else:
            person.withdraws(linked.grant_id)
        page = person.signs_in()
        found = [payload_of(person.browser.open(f"{one}/download").answer.text.strip()) for one in receipts(page)]
        methods += [
            one["record"]["event"]["method"] for one in found
            if one["record"]["event"]["state"] == "dpv:ConsentWithdrawn"
        ]  # fmt: skip
    assert 2 == len(set(methods))


@pytest.mark.parametrize("suffix", ["", "/download"])
def test_a_receipt_is_for_its_own_person(
    business: Business, person: Person, new_person: Callable[..., Person], linked: Linked, suffix: str
) -> None:
    address = f"{person.broker.issuer}/consents/receipts/{payload_of(linked.receipt)['jti']}{suffix}"
    other = new_person()
    other.consents(business)
    nobody = new_person().browser.open(address)
    assert linked.account.handle not in nobody.answer.text
    other.signs_in()
    assert 404 == other.browser.open(address).status
    person.signs_in()
    assert 200 == person.browser.open(address).status


def test_who_turns_back_at_the_platform_is_not_signed_in(broker: RunningBroker, person: Person, linked: Linked) -> None:
    page = person.browser.open(f"{broker.issuer}/consents")
    (form,) = page.reading.forms
    button = next(((c.name, c.value) for c in form.controls if c.kind == "submit" and c.name), None)
    back = person.prove_account(person.browser.submit(form, button=button), choice="cancel")
    assert back.url.startswith(broker.issuer)
    assert linked.grant_id not in person.browser.open(f"{broker.issuer}/consents").answer.text


@pytest.mark.parametrize("has_been_here", [False, True])
def test_another_browser_cannot_finish_a_sign_in(
    broker: RunningBroker,
    new_person: Callable[..., Person],
    person: Person,
    linked: Linked,
    has_been_here: bool,  # noqa: FBT001 (a parameter of the table)
) -> None:
    page = person.browser.open(f"{broker.issuer}/consents")
    button = next(((c.name, c.value) for c in page.form.controls if c.kind == "submit" and c.name), None)
    callback = person.callback_url(person.browser.submit(page.form, button=button))
    victim = new_person()
    if has_been_here:
        victim.browser.open(f"{broker.issuer}/consents")
    refused = victim.browser.open(callback)
    assert (True, True) == (refused.status in {400, 403}, explains(refused))
    assert linked.grant_id not in victim.browser.open(f"{broker.issuer}/consents").answer.text


@pytest.mark.parametrize(
    "pairs",
    [[], [("platform", "x")], [("platform", "x"), ("csrf", "guess")]],
    ids=["nothing", "no token", "a guess"],
)
def test_signing_in_starts_from_the_page_itself(
    broker: RunningBroker, person: Person, pairs: list[tuple[str, str]]
) -> None:
    person.browser.open(f"{broker.issuer}/consents")
    assert person.browser.post(f"{broker.issuer}/consents/sign-in", pairs).status in {400, 403}


@pytest.mark.parametrize("platform_name", ["myspace", "", "\x00", "../x", "x" * 5000])
def test_a_platform_that_is_not_there_is_a_page(broker: RunningBroker, person: Person, platform_name: str) -> None:
    page = person.browser.open(f"{broker.issuer}/consents")
    sent = [("csrf", page.form.value_of("csrf")), ("platform", platform_name)]
    assert person.browser.post(f"{broker.issuer}/consents/sign-in", sent).status in {400, 404, 422}


def test_the_persons_cookie_is_bound_to_this_host_and_says_nothing(person: Person, linked: Linked) -> None:
    person.signs_in()
    lines = [line for answer in person.browser.answers for line in set_cookie_lines(answer)]
    (line,) = [line for line in lines if line.startswith(f"{COOKIE}=") and "max-age=0" not in line.lower()]
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= {part.strip().lower() for part in line.split(";")}
    value = person.browser.cookies[COOKIE]
    assert [] == [word for word in (linked.account.id, linked.account.handle) if word in value]
    assert 22 <= len(value) <= 128


def test_a_planted_session_is_not_adopted(person: Person, linked: Linked) -> None:
    page = person.browser.open(f"{person.broker.issuer}/consents")
    person.browser.cookies[COOKIE] = planted = "p" * 43
    button = next(((c.name, c.value) for c in page.form.controls if c.kind == "submit" and c.name), None)
    signed_in = person.prove_account(person.browser.submit(page.form, button=button))
    assert linked.grant_id in signed_in.answer.text
    assert planted != person.browser.cookies[COOKIE]


def test_proving_another_account_shows_that_ones_consents_only(
    business: Business, person: Person, new_person: Callable[..., Person], linked: Linked
) -> None:
    other = new_person()
    theirs = other.consents(business)
    person.signs_in()
    page = person.signs_in(other.account)
    assert (True, False) == (theirs.grant_id in page.answer.text, linked.grant_id in page.answer.text)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de-DE,de;q=0.9,en;q=0.5", "de"),
        ("en", "en"),
        ("fr", "en"),
        ("", "en"),
        ('"><script>', "en"),
        ("x" * 4000, "en"),
    ],
)
def test_the_persons_language_is_the_browsers(
    broker: RunningBroker, new_person: Callable[..., Person], language: str, expected: str
) -> None:
    person = new_person(language=language)
    assert expected == person.browser.open(f"{broker.issuer}/consents").reading.language

"""A match on what the person gave or what is public: what permits, for which purpose, and what beats it."""

from collections.abc import Callable
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business, person_email
from harness.person import Person
from harness.running import RunningBroker

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

GROUNDS = {
    "user_provided": (tags.user_provided, "user_provided", "MATCH-4a"),
    "a directory": (tags.in_directory, "public", "MATCH-4b1"),
    "the platform": (tags.on_platform, "public", "MATCH-4b2"),
}


def of(decision: dict[str, Any]) -> tuple[bool, str, list[str]]:
    """Return what a decision says: yes or no, on what basis or for what reason, by which clauses."""
    context = decision["context"]
    return decision["decision"], context.get("basis") or context["reason"], context["clauses"]


def seen(answer: Any) -> tuple[int, bytes, dict[str, str]]:  # noqa: ANN401 (a requests answer)
    """Return an answer to the byte, without its id, its moment and the request's own traces."""
    context = answer.json()["context"]
    body = answer.content.replace(context["id"].encode(), b"ID").replace(context["decided_at"].encode(), b"WHEN")
    return answer.status_code, body, {n: v for n, v in answer.headers.items() if n.lower() not in _OWN}


_OWN = {"date", "x-request-id"}


@pytest.mark.parametrize(("tag", "basis", "clause"), GROUNDS.values(), ids=GROUNDS.keys())
def test_a_tag_beside_the_question_permits_and_is_kept(
    business: Business, person: Person, tag: Callable[[], tags.Tag], basis: str, clause: str
) -> None:
    account, email = person.account.id, wire.fresh_email()
    first = business.match(account, email, tag=tag())
    assert (True, basis, [clause]) == of(first)
    assert {"id", "basis", "clauses", "policy", "association_id", "decided_at"} == first["context"].keys()
    again = business.match(account, email)
    assert (of(first), first["context"]["association_id"]) == (of(again), again["context"]["association_id"])
    kept = business.association(again["context"]["association_id"])
    assert (200, basis) == (kept.status_code, kept.json()["basis"])


@pytest.mark.parametrize(("tag", "basis", "clause"), GROUNDS.values(), ids=GROUNDS.keys())
def test_a_purpose_that_nobody_was_told_of_is_not_granted(
    business: Business, person: Person, tag: Callable[[], tags.Tag], basis: str, clause: str
) -> None:
    account, email = person.account.id, wire.fresh_email()
    assert (False, "purpose_not_granted", ["MATCH-3"]) == of(business.match(account, email, "newsletter", tag()))
    assert (True, basis, [clause]) == of(business.match(account, email, "customer-care"))


def test_a_second_tag_adds_a_ground_and_takes_none_away(business: Business, person: Person) -> None:
    account, email = person.account.id, wire.fresh_email()
    business.match(account, email, tag=tags.user_provided())
    told = tags.in_directory(expected_purposes=["newsletter"])
    assert (True, "public", ["MATCH-4b1"]) == of(business.match(account, email, "newsletter", told))
    assert (True, "user_provided", ["MATCH-4a"]) == of(business.match(account, email, "customer-care"))


def test_a_ground_is_for_its_pair_and_its_client_alone(
    business: Business, other_business: Business, new_person: Callable[..., Person]
) -> None:
    account, stranger, email = new_person().account.id, new_person().account.id, wire.fresh_email()
    business.match(account, email, tag=tags.user_provided())
    nothing = (False, "no_basis", ["MATCH-4"])
    assert nothing == of(other_business.match(account, email))
    assert nothing == of(business.match(stranger, email))
    assert nothing == of(business.match(account, wire.fresh_email()))
    assert nothing == of(business.match(account, {"kind": "device", "type": "device_id", "value": email}))


@pytest.mark.parametrize(
    ("purpose", "clause"), [("background-check", "SURVEILLANCE-4"), ("sensitive-inference", "SENSITIVE-1")]
)
def test_no_tag_lifts_a_prohibition(business: Business, person: Person, purpose: str, clause: str) -> None:
    answer = of(business.match(person.account.id, wire.fresh_email(), purpose, tags.user_provided()))
    assert (False, "purpose_prohibited", [clause]) == answer


def test_a_refused_tag_changes_nothing_about_a_live_consent(business: Business, person: Person) -> None:
    linked = person.consents(business)
    bought = tags.user_provided(origin="bought")
    answer = of(business.match(linked.account.id, linked.email, tag=bought))
    assert (True, "consent", ["MATCH-2"]) == answer


def test_an_endless_address_is_refused_as_fast_as_a_short_one(business: Business) -> None:
    def takes(url: str) -> float:
        answer = business.associate(wire.fresh_account(), wire.fresh_email(), tags.in_directory(url))
        assert (422, True) == wire.refusal_of(answer)[:2]
        return answer.elapsed.total_seconds()

    begin = "https://northpress.example/health-member/find/"
    short, endless = (min(takes(url) for _ in range(3)) for url in (begin, begin + "health-member/find/" * 45_000))
    assert endless < short + 0.7


# --- what the person said -------------------------------------------------------------------------------------


def no_different_from_a_stranger(business: Business, account: str, email: str) -> bool:
    """Tell whether a match reads, to the byte, as it does for an account that nobody knows."""
    asked = business.ask_match(business.match_request(account, email))
    unknown = business.ask_match(business.match_request("7999999999", wire.fresh_email()))
    assert (False, "no_basis", ["MATCH-4"]) == of(asked.json())
    return seen(asked) == seen(unknown)


@pytest.mark.parametrize(("tag", "basis", "clause"), GROUNDS.values(), ids=GROUNDS.keys())
def test_an_objection_reads_like_an_unknown_account_from_the_next_match_on(
    business: Business, person: Person, tag: Callable[[], tags.Tag], basis: str, clause: str
) -> None:
    account, email = person.account.id, wire.fresh_email()
    assert (True, basis, [clause]) == of(business.match(account, email, tag=tag()))
    page = person.objects()
    assert (200, True) == (page.status, "You object." in page.words)
    assert no_different_from_a_stranger(business, account, email)
    again = of(business.match(account, email, tag=tag()))
    assert (False, "no_basis", ["MATCH-4"]) == again
    person.objects(choice="allow-again")
    assert (True, basis, [clause]) == of(business.match(account, email))


def test_an_objection_holds_for_everyone_and_for_offers_that_come_later(
    business: Business, other_business: Business, person: Person
) -> None:
    person.objects()
    for shop in (business, other_business):
        email = wire.fresh_email()
        assert (False, "no_basis", ["MATCH-4"]) == of(shop.match(person.account.id, email, tag=tags.in_directory()))
        assert no_different_from_a_stranger(shop, person.account.id, email)


def test_an_objection_to_one_business_is_no_others(
    business: Business, other_business: Business, person: Person
) -> None:
    email = wire.fresh_email()
    for shop in (business, other_business):
        shop.match(person.account.id, email, tag=tags.user_provided())
    person.objects(business.client_id)
    assert no_different_from_a_stranger(business, person.account.id, email)
    assert (True, "user_provided", ["MATCH-4a"]) == of(other_business.match(person.account.id, email))


def test_consent_after_an_objection_is_that_clients_alone(
    business: Business, other_business: Business, person: Person
) -> None:
    email = wire.fresh_email()
    other_business.match(person.account.id, email, tag=tags.user_provided())
    person.objects()
    linked = person.consents(business, identifier=person_email(email))
    assert (True, "consent", ["MATCH-2"]) == of(business.match(linked.account.id, email))
    assert no_different_from_a_stranger(other_business, linked.account.id, email)


def test_an_objection_leaves_a_consent_alone(business: Business, person: Person) -> None:
    linked = person.consents(business)
    person.objects()
    assert (True, "consent", ["MATCH-2"]) == of(business.match(linked.account.id, linked.email))


def test_an_objection_is_the_accounts_also_where_the_handle_was_named(business: Business, person: Person) -> None:
    by_handle, email = {"platform": "x", "handle": person.account.handle}, wire.fresh_email()
    business.match(by_handle, email, tag=tags.user_provided())
    assert (True, "user_provided", ["MATCH-4a"]) == of(business.match(by_handle, email))
    person.objects()
    assert (False, "no_basis", ["MATCH-4"]) == of(business.match(by_handle, email))


def test_a_refusal_blocks_the_other_grounds_for_that_client_under_any_identifier(
    business: Business, other_business: Business, person: Person
) -> None:
    email = wire.fresh_email()
    for shop in (business, other_business):
        shop.match(person.account.id, email, tag=tags.user_provided())
    person.refuse(person.to_notice(business, business.par()))
    assert no_different_from_a_stranger(business, person.account.id, email)
    assert (False, "no_basis", ["MATCH-4"]) == of(business.match(person.account.id, email, tag=tags.on_platform()))
    assert (True, "user_provided", ["MATCH-4a"]) == of(other_business.match(person.account.id, email))


def test_a_withdrawal_blocks_the_other_grounds_for_that_client(
    business: Business, other_business: Business, person: Person
) -> None:
    email = wire.fresh_email()
    for shop in (business, other_business):
        shop.match(person.account.id, email, tag=tags.user_provided())
    linked = person.consents(business)
    person.withdraws(linked.grant_id)
    assert no_different_from_a_stranger(business, person.account.id, email)
    withdrawn = of(business.match(person.account.id, linked.email, tag=tags.user_provided()))
    assert (False, "withdrawn") == withdrawn[:2]
    assert (True, "user_provided", ["MATCH-4a"]) == of(other_business.match(person.account.id, email))


def test_objecting_is_a_form_of_the_person_who_is_signed_in(broker: RunningBroker, person: Person) -> None:
    page = person.signs_in()
    form, *_of_one = [one for one in page.reading.forms if one.action.endswith("/consents/object")]
    without = [pair for pair in form.filled(button=("choice", "object")) if pair[0] != "csrf"]
    assert 400 <= person.browser.post(form.action, without).status < 500
    assert 400 <= broker.post("/consents/object", data=form.filled(button=("choice", "object"))).status_code < 500
    headers = {"Origin": "https://attacker.example", "Sec-Fetch-Site": "cross-site"}
    forged = person.browser.post(form.action, form.filled(button=("choice", "object")), headers=headers)
    assert 400 <= forged.status < 500
    assert 400 == person.browser.post(form.action, form.filled(button=("choice", "whatever"))).status
    unknown = [*form.filled(button=("choice", "object")), ("client_id", "a" * 26)]
    assert 404 == person.browser.post(form.action, unknown).status
    assert "You objected on" not in person.signs_in().words

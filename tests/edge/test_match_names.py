"""Handles are renamed and recycled, addresses written in many ways: what names the same."""

import re
from collections.abc import Callable

import pytest
from harness import tags, wire
from harness.business import Business
from harness.person import Linked, Person
from harness.running import RunningSandbox

DIGEST = re.compile(r"sha256:[A-Za-z0-9_=-]{43,64}")


def test_a_handle_finds_the_account_within_ones_own_grants(business: Business, linked: Linked) -> None:
    for handle in (linked.account.handle, linked.account.handle.upper()):
        body = business.match({"platform": "x", "handle": handle}, linked.email)
        assert (True, linked.grant_id) == (body["decision"], body["context"]["grant_id"])


def by_handle(business: Business, handle: str, email: str) -> bool:
    """Ask for a match by handle."""
    decision: bool = business.match({"platform": "x", "handle": handle}, email)["decision"]
    return decision


def test_after_a_rename_the_id_stays_and_a_new_proof_brings_the_new_handle(
    business: Business, person: Person, platform: RunningSandbox
) -> None:
    linked = person.consents(business)
    renamed = wire.fresh("n_")
    platform.rename(person.account, renamed)
    assert business.match(person.account.id, linked.email)["decision"] is True
    assert by_handle(business, renamed, linked.email) is False
    person.signs_in()
    assert (True, False) == (
        by_handle(business, renamed, linked.email), by_handle(business, person.account.handle, linked.email),
    )  # fmt: skip


def test_a_recycled_handle_matches_neither_who_left_it_nor_who_took_it(
    business: Business, new_person: Callable[..., Person], platform: RunningSandbox
) -> None:
    leaver, taker = new_person(), new_person()
    first = leaver.consents(business)
    platform.rename(leaver.account, wire.fresh("l_"))
    platform.rename(taker.account, leaver.account.handle)
    second = taker.consents(business)
    old = leaver.account.handle
    assert (False, False) == (by_handle(business, old, first.email), by_handle(business, old, second.email))
    assert (True, True) == (
        business.match(leaver.account.id, first.email)["decision"],
        business.match(taker.account.id, second.email)["decision"],
    )
    leaver.signs_in()
    assert (False, False) == (by_handle(business, old, first.email), by_handle(business, old, second.email))


@pytest.mark.parametrize("seen_elsewhere", [False, True])
def test_a_handle_that_a_stranger_to_the_business_took_matches_nobody(
    business: Business, other_business: Business, new_person: Callable[..., Person], platform: RunningSandbox,
    seen_elsewhere: bool,  # noqa: FBT001 (a parameter of the table)
) -> None:  # fmt: skip
    leaver, taker = new_person(), new_person()
    linked = leaver.consents(business)
    platform.rename(leaver.account, wire.fresh("l_"))
    platform.rename(taker.account, leaver.account.handle)
    if seen_elsewhere:
        taker.consents(other_business)
    leaver.signs_in()
    assert by_handle(business, leaver.account.handle, linked.email) is False


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (("email", "Jane.{}@Example.COM"), ("email", "jane.{}@example.com")),
        (("email", "  jane.{}@example.com "), ("email", "JANE.{}@EXAMPLE.com")),
        (("phone", "+49 (30) 12{}"), ("phone", "+493012{}")),
        (("phone", "+493012{}"), ("phone", "+49-30-12{}")),
    ],
    ids=["capitals", "spaces", "a phone with signs", "a phone with dashes"],
)
def test_an_identifier_is_the_same_however_it_is_written(
    business: Business, person: Person, given: tuple[str, str], asked: tuple[str, str]
) -> None:
    unique = str(int(person.account.id) % 100_000).zfill(5)
    first, second = ({"kind": "person", "type": kind, "value": value.format(unique)} for kind, value in (given, asked))
    request = business.par(details=business.details(identifier=first))
    assert 201 == request.answer.status_code, request.answer.text
    business.exchange(person.code(business, request), request.verifier)
    assert business.match(person.account.id, second)["decision"] is True


def test_an_account_has_one_spelling(business: Business, linked: Linked) -> None:
    for spelling in (f"0{linked.account.id}", f"00{linked.account.id}", f"+{linked.account.id}", "0"):
        pair = business.pair(spelling, linked.email)
        answers = (
            business.ask_match({**pair, "purpose": "customer-care"}),
            business.associate(spelling, linked.email, tags.user_provided()),
            business.ask_contact(pair),
        )
        assert [(400, True, [])] * 3 == [wire.refusal_of(answer) for answer in answers]


def test_identifiers_that_only_look_alike_differ(business: Business, linked: Linked) -> None:
    others = [
        {"kind": "person", "type": "customer_id", "value": linked.email},
        {"kind": "household", "type": "household_id", "value": linked.email},
        {"kind": "other", "type": "other", "name": "email", "value": linked.email},
        {"kind": "person", "type": "email", "value": linked.email.replace("@", "+x@")},
        {"kind": "person", "type": "email", "value": linked.email.replace("jane", "j\u0430ne")},
    ]
    answers = [business.ask_match(business.match_request(linked.account.id, other)) for other in others]
    assert [] == [answer.text for answer in answers if answer.status_code == 200 and answer.json()["decision"]]
    assert {200, 400} >= {answer.status_code for answer in answers}


def test_the_same_person_under_two_identifiers_holds_two_consents(business: Business, person: Person) -> None:
    one, two = person.consents(business), person.consents(business, ["newsletter"])
    assert one.grant_id != two.grant_id
    assert (True, False) == (
        business.match(person.account.id, one.email)["decision"],
        business.match(person.account.id, two.email)["decision"],
    )

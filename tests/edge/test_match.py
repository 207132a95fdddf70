"""May this account be tied to this identifier, for this purpose? Every answer, and what it hides."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business, person_email
from harness.evidence import payload_of
from harness.person import Linked, Person

DIGEST = re.compile(r"sha256:[A-Za-z0-9_=-]{43,64}")


def no_traces(answer: Any) -> tuple[int, bytes, dict[str, str]]:  # noqa: ANN401 (a requests answer)
    """Return status, body and headers without the decision's id, its moment, and the request's own traces."""
    context = answer.json()["context"]
    body = answer.content.replace(context["id"].encode(), b"ID").replace(context["decided_at"].encode(), b"WHEN")
    skipped = {"date", "x-request-id"}
    return answer.status_code, body, {n: v for n, v in answer.headers.items() if n.lower() not in skipped}


def test_a_consent_permits(business: Business, linked: Linked) -> None:
    answer = business.ask_match(business.match_request(linked.account.id, linked.email))
    body = answer.json()
    context = body["context"]
    assert (200, True, "consent", ["MATCH-2"]) == (
        answer.status_code, body["decision"], context["basis"], context["clauses"],
    )  # fmt: skip
    assert {
        "id",
        "basis",
        "clauses",
        "policy",
        "grant_id",
        "receipt_id",
        "valid_until",
        "decided_at",
    } == context.keys()
    assert (linked.grant_id, linked.granted["valid_until"]) == (context["grant_id"], context["valid_until"])
    assert payload_of(linked.receipt)["jti"] == context["receipt_id"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_decision_names_the_terms_it_rests_on(business: Business, linked: Linked) -> None:
    for purpose in ("customer-care", "newsletter"):
        policy = business.match(linked.account.id, linked.email, purpose)["context"]["policy"]
        assert {"id", "version", "digest"} == policy.keys()
        assert DIGEST.fullmatch(policy["digest"])


def test_every_decision_has_an_id_of_its_own(business: Business, linked: Linked) -> None:
    ids = {business.match(linked.account.id, linked.email)["context"]["id"] for _ in range(3)}
    assert 3 == len(ids)
    assert all(re.fullmatch("[a-z2-7]{26}", one) for one in ids)


def test_a_denial_has_a_reason_and_a_clause(business: Business, person: Person) -> None:
    body = business.match(person.account.id, wire.fresh_email())
    context = body["context"]
    assert (False, "no_basis") == (body["decision"], context["reason"])
    assert {"id", "reason", "clauses", "policy", "decided_at"} == context.keys()
    assert context["clauses"]


def test_nothing_tells_whether_others_know_the_account(
    business: Business, other_business: Business, new_person: Callable[..., Person]
) -> None:
    theirs = new_person().consents(other_business)
    mine = new_person().consents(business)
    stranger = new_person()
    refuser, refused_email = new_person(), wire.fresh_email()
    asked = business.par(details=business.details(identifier=person_email(refused_email)))
    refuser.refuse(refuser.to_notice(business, asked))
    pairs = {
        "an account that nobody knows": (stranger.account.id, theirs.email),
        "another client's consent": (theirs.account.id, theirs.email),
        "another client's account, unknown address": (theirs.account.id, wire.fresh_email()),
        "an own account, another's address": (mine.account.id, theirs.email),
        "another's account, an own address": (theirs.account.id, mine.email),
        "somebody who refused": (refuser.account.id, refused_email),
        "a handle that nobody knows": ({"platform": "x", "handle": "nobody_at_all"}, theirs.email),
        "another client's handle": ({"platform": "x", "handle": theirs.account.handle}, theirs.email),
    }
    answers = {name: no_traces(business.ask_match(business.match_request(*pair))) for name, pair in pairs.items()}
    expected = answers["an account that nobody knows"]
    assert b'"no_basis"' in expected[1]
    assert {} == {name: answer for name, answer in answers.items() if answer != expected}


def test_each_business_sees_its_own_consent_only(business: Business, other_business: Business, person: Person) -> None:
    linked = person.consents(business)
    assert (True, False) == (
        business.match(linked.account.id, linked.email)["decision"],
        other_business.match(linked.account.id, linked.email)["decision"],
    )


def test_a_purpose_that_was_not_granted_is_denied(business: Business, linked: Linked) -> None:
    body = business.match(linked.account.id, linked.email, "newsletter")
    assert (False, "purpose_not_granted") == (body["decision"], body["context"]["reason"])


PROHIBITED = {
    "background-check": "SURVEILLANCE-4", "credit-risk": "SURVEILLANCE-5", "insurance-risk": "SURVEILLANCE-5",
    "facial-recognition": "SURVEILLANCE-7", "profiling": "SURVEILLANCE-6", "surveillance": "SURVEILLANCE-1",
    "sensitive-inference": "SENSITIVE-1", "event-monitoring": "SURVEILLANCE-2",
    "group-tracking": "SURVEILLANCE-3", "platform-benchmarking": "MEASURE-1",
}  # fmt: skip


@pytest.mark.parametrize(("purpose", "clause"), PROHIBITED.items())
def test_no_consent_lifts_a_prohibition(business: Business, linked: Linked, purpose: str, clause: str) -> None:
    body = business.match(linked.account.id, linked.email, purpose)
    assert (False, "purpose_prohibited") == (body["decision"], body["context"]["reason"])
    assert clause in body["context"]["clauses"]


@pytest.mark.parametrize(
    "purpose", ["fraud-prevention", "world-domination", "customer_care", "CUSTOMER-CARE", "", "x" * 60]
)
def test_a_purpose_that_was_not_declared_is_a_denial_and_no_error(
    business: Business, linked: Linked, purpose: str
) -> None:
    body = business.match(linked.account.id, linked.email, purpose)
    assert (False, "purpose_not_declared") == (body["decision"], body["context"]["reason"])
    assert body["context"]["clauses"]


@pytest.mark.parametrize(
    ("tag", "clause"),
    [(tags.user_provided(origin="bought"), "MATCH-4a"), (tags.in_directory(origin="leaked"), "MATCH-4b1"),
     (tags.on_platform(origin="restricted"), "MATCH-4b2"), ({"tag": "hearsay"}, "MATCH-4"), ({}, "MATCH-4")],
    ids=["bought", "leaked", "restricted", "another tag", "no tag"],
)  # fmt: skip
def test_a_tag_that_rests_on_nothing_permits_nothing(
    business: Business, person: Person, tag: tags.Tag, clause: str
) -> None:
    answer = business.match(person.account.id, wire.fresh_email(), tag=tag)
    assert (False, "provenance_rejected", True) == (
        answer["decision"], answer["context"]["reason"], clause in answer["context"]["clauses"],
    )  # fmt: skip


def test_consenting_again_widens_what_was_given(business: Business, person: Person) -> None:
    first = person.consents(business, ["newsletter"])
    again = person.consents(business, ["customer-care", "newsletter"], identifier=person_email(first.email))
    assert [True, True] == [
        business.match(person.account.id, first.email, purpose)["decision"]
        for purpose in ("customer-care", "newsletter")
    ]
    assert again.granted["purposes"]


WRONG: dict[str, dict[str, Any]] = {
    "no account": {"account": None},
    "an account as text": {"account": "x:12"},
    "an account with neither id nor handle": {"account": {"platform": "x"}},
    "an account with both": {"account": {"platform": "x", "id": "12", "handle": "a"}},
    "an account without a platform": {"account": {"id": "12"}},
    "an unknown platform": {"account": {"platform": "myspace", "id": "12"}},
    "an id that is a number": {"account": {"platform": "x", "id": 12}},
    "an id that is true": {"account": {"platform": "x", "id": True}},
    "an id with a line break": {"account": {"platform": "x", "id": "12\n"}},
    "an id in other digits": {"account": {"platform": "x", "id": "\u0661\u0662"}},
    "an id too long": {"account": {"platform": "x", "id": "1" * 20}},
    "an unknown account member": {"account": {"platform": "x", "id": "12", "name": "J"}},
    "a handle with a line break": {"account": {"platform": "x", "handle": "john\n"}},
    "a Cyrillic handle": {"account": {"platform": "x", "handle": "j\u043ehn"}},
    "a handle with a Kelvin sign": {"account": {"platform": "x", "handle": "\u212aelvin"}},
    "a fullwidth handle": {"account": {"platform": "x", "handle": "\uff4aohn"}},
    "no identifier": {"identifier": None},
    "an unknown kind": {"identifier": {"kind": "soul", "type": "email", "value": "j@example.com"}},
    "an unknown type": {"identifier": {"kind": "person", "type": "passport", "value": "1"}},
    "an identifier of a number": {"identifier": {"kind": "person", "type": "customer_id", "value": 7}},
    "no purpose": {"purpose": None},
    "a purpose that is a list": {"purpose": ["customer-care"]},
    "a purpose that is a number": {"purpose": 7},
    "an unknown member": {"tenant": "other"},
    "a client_id": {"client_id": "a" * 26},
    "provenance as text": {"provenance": "user_provided"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_another_shape_is_a_problem(business: Business, changes: dict[str, Any]) -> None:
    whole = {**business.match_request("12", "jane@example.com"), **changes}
    answer = business.ask_match({name: value for name, value in whole.items() if value is not None})
    assert (400, True) == (answer.status_code, wire.is_problem(answer)), answer.text


def test_who_asks_is_read_from_the_token_and_from_nothing_else(
    business: Business, other_business: Business, linked: Linked
) -> None:
    body = business.match_request(linked.account.id, linked.email)
    headers = {
        "X-Tenant": business.client_id,
        "X-Client-Id": business.client_id,
        "X-Forwarded-User": business.client_id,
    }
    assert other_business.ask_match(body, **headers).json()["decision"] is False

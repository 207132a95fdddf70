"""AuthZEN over the wire: found by its metadata, asked with a token, answered like a match."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from harness import tags, wire
from harness.business import Business
from harness.person import Linked, Person
from harness.running import RunningBroker

PATHS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")


def ask(business: Business, path: str, body: object, **headers: str) -> requests.Response:
    sent = {**wire.bearer(business.client_token()), **headers}
    return wire.post(f"{business.issuer}/access/v1/{path}", json=body, headers=sent)


def answered(business: Business, path: str, body: object) -> dict[str, Any]:
    """Ask, and take the answer, which must be one."""
    answer = ask(business, path, body)
    assert (200, "application/json") == (answer.status_code, answer.headers["Content-Type"]), answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    found: dict[str, Any] = answer.json()
    return found


def evaluation(account: str, email: str, purpose: str = "customer-care") -> dict[str, Any]:
    return {
        "subject": {"type": "account", "id": f"x:{account}"},
        "action": {"name": "associate", "properties": {"purpose": purpose}},
        "resource": {"type": "person", "id": f"email:{email}"},
    }


def searches(account: str, email: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return each search for a pair, and what it finds once the pair may be tied for customer care."""
    whole = evaluation(account, email)
    return {
        "search/subject": ({**whole, "subject": {"type": "account"}}, whole["subject"]),
        "search/resource": ({**whole, "resource": {"type": "person"}}, whole["resource"]),
        "search/action": ({name: whole[name] for name in ("subject", "resource")}, whole["action"]),
    }


def found(business: Business, linked: Linked) -> dict[str, list[object]]:
    """Return what each search for a pair finds."""
    asked = searches(linked.account.id, linked.email)
    return {path: answered(business, path, body)["results"] for path, (body, _) in asked.items()}


def test_the_decision_point_is_found_by_its_metadata(broker: RunningBroker, business: Business, linked: Linked) -> None:
    answer = broker.get("/.well-known/authzen-configuration")
    said = answer.json()
    assert (200, "application/json", broker.issuer) == (
        answer.status_code, answer.headers["Content-Type"], said["policy_decision_point"],
    )  # fmt: skip
    assert "max-age" in answer.headers["Cache-Control"]
    sent = wire.bearer(business.client_token())
    decided = wire.post(
        said["access_evaluation_endpoint"], json=evaluation(linked.account.id, linked.email), headers=sent
    )
    assert True is decided.json()["decision"]


def test_an_evaluation_says_what_a_match_says(business: Business, linked: Linked) -> None:
    for email, purpose in (
        (linked.email, "customer-care"),
        (linked.email, "newsletter"),
        (wire.fresh_email(), "profiling"),
    ):
        one = answered(business, "evaluation", evaluation(linked.account.id, email, purpose))
        other = business.match(linked.account.id, email, purpose)
        for said in (one, other):
            del said["context"]["id"], said["context"]["decided_at"]
        assert other == one


def test_after_a_withdrawal_nothing_permits_and_nothing_is_found(
    business: Business, person: Person, linked: Linked
) -> None:
    whole = evaluation(linked.account.id, linked.email)
    expected = {path: [one] for path, (_, one) in searches(linked.account.id, linked.email).items()}
    assert (True, expected) == (answered(business, "evaluation", whole)["decision"], found(business, linked))
    person.withdraws(linked.grant_id)
    after = answered(business, "evaluations", {"evaluations": [whole, whole]})["evaluations"]
    assert ["withdrawn"] * 2 == [one["context"]["reason"] for one in after]
    assert {path: [] for path in expected} == found(business, linked)


def test_another_business_finds_nothing(business: Business, other_business: Business, linked: Linked) -> None:
    assert all(found(business, linked).values())
    assert [] == [results for results in found(other_business, linked).values() if results]


def test_a_statement_is_found_without_a_consent(business: Business) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    assert 201 == business.associate(account, email, tags.user_provided()).status_code
    for path, (body, expected) in searches(account, email).items():
        assert [expected] == answered(business, path, body)["results"]


@pytest.mark.parametrize("path", PATHS)
def test_a_fault_of_the_form_is_a_problem(business: Business, path: str) -> None:
    token, at = wire.bearer(business.client_token()), f"{business.issuer}/access/v1/{path}"
    kinds = ("text/plain", "application/x-www-form-urlencoded", "application/json")
    for kind, body in ((kinds[0], b"{}"), (kinds[1], b"a=b"), (kinds[2], b""), (kinds[2], b'{"a":1,"a":2}')):
        answer = wire.post(at, data=body, headers={**token, "Content-Type": kind, "X-Request-ID": "of-the-test"})
        assert (400, True, "of-the-test") == (
            answer.status_code,
            wire.is_problem(answer),
            answer.headers["X-Request-ID"],
        )
    for headers, status in (({}, 401), (wire.bearer(business.client_token("consent")), 403)):
        assert status == wire.post(at, json={}, headers=headers).status_code
    assert 405 == wire.get(at, headers=token).status_code

"""An association without consent: what its tag must carry, what is signed, and who may read it."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business
from harness.evidence import disclosures_of, header_of, payload_of
from harness.person import Person
from harness.running import RunningBroker

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

GOOD: dict[str, tuple[tags.Tag, str]] = {
    "user_provided": (tags.user_provided(), "user_provided"),
    "a directory": (tags.in_directory(), "public"),
    "a website": (tags.in_directory("https://northpress.example/staff", kind="website"), "public"),
    "a register": (tags.in_directory("https://companies.example/1009", kind="register"), "public"),
    "a bio": (tags.on_platform(), "public"),
    "a username": (tags.on_platform(field="username"), "public"),
    "a post": (tags.on_platform(field="post", post_id="1460323737035677698"), "public"),
    "a purchase": (tags.user_provided(channel="purchase-form"), "user_provided"),
    "an origin in words": (tags.user_provided(origin="direct"), "user_provided"),
    "a digest in base64url": (tags.in_directory(sha256="q" * 43), "public"),
}


@pytest.mark.parametrize(("tag", "basis"), GOOD.values(), ids=GOOD.keys())
def test_a_tag_with_its_evidence_is_kept(business: Business, tag: tags.Tag, basis: str) -> None:
    answer = business.associate(wire.fresh_account(), wire.fresh_email(), tag)
    body = answer.json()
    assert (201, "no-store") == (answer.status_code, answer.headers["Cache-Control"]), answer.text
    assert {"id", "basis", "expected_purposes", "statement"} == body.keys()
    assert (basis, ["customer-care"]) == (body["basis"], body["expected_purposes"])
    assert re.fullmatch("[a-z2-7]{26}", body["id"])


LACKING: dict[str, tuple[tags.Tag, str]] = {
    "no tag": ({}, "MATCH-4"),
    "a tag of no kind": (tags.user_provided(tag="hearsay"), "MATCH-4"),
    "a tag that is consent": (tags.user_provided(tag="consent"), "MATCH-4"),
    "a tag that is a number": (tags.user_provided(tag=7), "MATCH-4"),
    "a tag in capitals": (tags.user_provided(tag="USER_PROVIDED"), "MATCH-4"),
    "no relationship": (tags.user_provided(relationship=None), "MATCH-4a"),
    "a stranger": (tags.user_provided(relationship="stranger"), "MATCH-4a"),
    "a relationship that is true": (tags.user_provided(relationship=True), "MATCH-4a"),
    "no channel": (tags.user_provided(channel=None), "MATCH-4a"),
    "an empty channel": (tags.user_provided(channel=""), "MATCH-4a"),
    "no date": (tags.user_provided(collected_at=None), "MATCH-4a"),
    "a date that is none": (tags.user_provided(collected_at="last spring"), "MATCH-4a"),
    "a date that is a number": (tags.user_provided(collected_at=1760000000), "MATCH-4a"),
    "a date to come": (tags.user_provided(collected_at=tags.days_ago(-2)), "MATCH-4a"),
    "a date at the end of time": (tags.user_provided(collected_at="9999-12-31T23:59:59-14:00"), "MATCH-4a"),
    "a date before time": (tags.user_provided(collected_at="0001-01-01T00:00:00+14:00"), "MATCH-4a"),
    "no disclosure": (tags.user_provided(disclosure=None), "MATCH-4a"),
    "an empty disclosure": (tags.user_provided(disclosure={}), "MATCH-4a"),
    "a disclosure without a digest": (
        tags.user_provided(disclosure={"url": "https://a.example/", "version": "3"}), "MATCH-4a"),
    "a disclosure on no web": (
        tags.user_provided(disclosure={**tags.DISCLOSURE, "url": "javascript:alert(1)"}), "MATCH-4a"),
    "a disclosure of version 3": (tags.user_provided(disclosure={**tags.DISCLOSURE, "version": 3}), "MATCH-4a"),
    "no purposes": (tags.user_provided(expected_purposes=None), "MATCH-3"),
    "an empty list of purposes": (tags.user_provided(expected_purposes=[]), "MATCH-3"),
    "purposes as text": (tags.user_provided(expected_purposes="customer-care"), "MATCH-3"),
    "a purpose that is a number": (tags.user_provided(expected_purposes=["customer-care", 7]), "MATCH-3"),
    "a purpose of nobody's": (tags.user_provided(expected_purposes=["customer-care", "whatever"]), "MATCH-3"),
    "more purposes than there are": (tags.user_provided(expected_purposes=["newsletter"] * 33), "MATCH-3"),
    "public data of nowhere": (tags.in_directory() | {"source": {}}, "MATCH-4b1"),
    "public data without a source": ({"tag": "public", "expected_purposes": ["newsletter"]}, "MATCH-4b1"),
    "a source of no kind": (tags.in_directory(kind="rumour"), "MATCH-4b1"),
    "a source without an address": (tags.in_directory(url=None), "MATCH-4b1"),
    "a source in clear": (tags.in_directory("http://engineers.example/"), "MATCH-4b1"),
    "a source at an endless address": (tags.in_directory("https://a.example/" + "a" * 3000), "MATCH-4b1"),
    "a source without a digest": (tags.in_directory(sha256=None), "MATCH-4b1"),
    "a source with half a digest": (tags.in_directory(sha256="b" * 63), "MATCH-4b1"),
    "a source without a date": (tags.in_directory(retrieved_at=None), "MATCH-4b1"),
    "a source seen tomorrow": (tags.in_directory(retrieved_at=tags.days_ago(-2)), "MATCH-4b1"),
    "no field": (tags.on_platform(field=None), "MATCH-4b2"),
    "a direct message": (tags.on_platform(field="direct_message"), "MATCH-4b2"),
    "a post without its id": (tags.on_platform(field="post"), "MATCH-4b2"),
    "a bio with a post's id": (tags.on_platform(post_id="12"), "MATCH-4b2"),
    "a field without a date": (tags.on_platform(retrieved_at=None), "MATCH-4b2"),
}  # fmt: skip


@pytest.mark.parametrize(("tag", "clause"), LACKING.values(), ids=LACKING.keys())
def test_a_tag_that_lacks_something_is_refused_by_the_terms_and_never_as_a_fault(
    business: Business, tag: tags.Tag, clause: str
) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    answer = business.associate(account, email, tag)
    assert (422, True, True) == (answer.status_code, wire.is_problem(answer), clause in answer.json()["clauses"])
    beside = business.match(account, email, tag=tag)
    assert (False, "provenance_rejected") == (beside["decision"], beside["context"]["reason"])
    assert clause in beside["context"]["clauses"]
    assert 201 == business.associate(account, email, tags.user_provided()).status_code


SENSITIVE = {
    "health": "https://depression-support.example/members/7",
    "financial": "https://insolvency-notices.example/jane",
    "politics": "https://politics.example/party-members/7",
    "ethnicity": "https://migrants-network.example/people/7",
    "religion": "https://parish.example/congregation",
    "sexuality": "https://lgbt-centre.example/volunteers",
    "union": "https://steelworkers-union.example/shop-stewards",
    "crime": "https://county.example/mugshots/7",
}


@pytest.mark.parametrize(("category", "url"), SENSITIVE.items())
def test_a_source_that_reveals_a_sensitive_category_is_no_evidence(business: Business, category: str, url: str) -> None:
    answer = business.associate(wire.fresh_account(), wire.fresh_email(), tags.in_directory(url))
    assert (422, True) == (answer.status_code, f"SENSITIVE-1.{category}" in answer.json()["clauses"])


def test_a_purpose_that_no_consent_lifts_is_expected_by_nobody(business: Business) -> None:
    tag = tags.user_provided(expected_purposes=["customer-care", "background-check"])
    answer = business.associate(wire.fresh_account(), wire.fresh_email(), tag)
    assert (422, True, ["SURVEILLANCE-4"]) == wire.refusal_of(answer)


def test_the_same_tag_again_is_the_same_association(business: Business) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    first, again = (business.associate(account, email, tags.user_provided()) for _ in range(2))
    assert (201, 201, first.content) == (first.status_code, again.status_code, again.content)
    other = business.associate(account, email, tags.on_platform()).json()
    assert first.json()["id"] != other["id"]


def test_a_pair_has_sixteen_associations_at_most(business: Business) -> None:
    """Each is looked at in every match of the pair."""
    account, email = wire.fresh_account(), wire.fresh_email()
    given = [tags.user_provided(channel=f"form-{number}") for number in range(17)]
    kept = [business.associate(account, email, tag) for tag in given[:16]]
    assert [201] * 16 == [answer.status_code for answer in kept]
    more = business.associate(account, email, given[16])
    assert (409, "too-many-associations") == (more.status_code, more.json()["type"].rpartition("/")[2])
    inline = business.ask_match(business.match_request(account, email, tag=given[16]))
    assert (200, True) == (inline.status_code, inline.json()["decision"])
    assert 201 == business.associate(account, email, given[0]).status_code
    assert 204 == business.association(kept[0].json()["id"], "DELETE").status_code
    assert 201 == business.associate(account, email, given[16]).status_code


# --- the statement ----------------------------------------------------------------------------------------


def test_the_statement_names_the_client_that_made_it(broker: RunningBroker, business: Business) -> None:
    account, email, tag = wire.fresh_account(), wire.fresh_email(), tags.in_directory()
    body = business.associate(account, email, tag).json()
    payload, statement = payload_of(body["statement"]), payload_of(body["statement"])["statement"]
    assert "provenance-statement+sd-jwt" == header_of(body["statement"])["typ"]
    assert (broker.issuer, business.client_id) == (payload["iss"], payload["aud"])
    assert "Northwind Shop" in json.dumps(statement["stated_by"])
    assert (body["id"], "public", ["customer-care"], ["MATCH-4b1"]) == (
        statement["association_id"], statement["tag"], statement["expected_purposes"], statement["clauses"],
    )  # fmt: skip
    decided = business.match(account, email)["context"]
    assert (decided["policy"], body["id"]) == (statement["policy"], decided["association_id"])
    disclosed = disclosures_of(body["statement"])
    assert (account, email) == (disclosed["account"]["id"], disclosed["identifier"]["value"])
    told, kept = tag["source"], disclosed["evidence"]["source"]
    assert datetime.fromisoformat(told["retrieved_at"]) == datetime.fromisoformat(kept["retrieved_at"])
    assert {**told, "retrieved_at": "any"} == {**kept, "retrieved_at": "any"}


def test_the_statement_in_clear_says_nothing_of_whom_it_is_about(business: Business) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    body = business.associate(account, email, tags.in_directory()).json()
    clear = json.dumps([header_of(body["statement"]), payload_of(body["statement"])])
    assert [] == [word for word in (account, email, "engineers.example") if word in clear]


def beside(tag: tags.Tag, **members: object) -> tags.Tag:
    """Return a tag whose source holds more."""
    return {**tag, "source": {**tag["source"], **members}}


FOREIGN: dict[str, tuple[tags.Tag, str]] = {
    "a sentence for a channel": (tags.user_provided(channel="they seem to be in debt " * 99), "MATCH-4a"),
    "a version in sentences": (
        tags.user_provided(disclosure={**tags.DISCLOSURE, "version": "they are in debt, it seems"}), "MATCH-4a"),
    "what the person gave, with a source": (
        tags.user_provided(source={"kind": "they seem to be in debt"}), "MATCH-4a"),
    "a directory with a channel": (tags.in_directory(channel="signup-form"), "MATCH-4b1"),
    "a directory with a relationship": (tags.in_directory(relationship={"belief": "unknown"}), "MATCH-4b1"),
    "a directory with a disclosure": (tags.in_directory(disclosure=tags.DISCLOSURE), "MATCH-4b1"),
    "a directory with a field": (beside(tags.in_directory(), field=["they seem to be in debt"]), "MATCH-4b1"),
    "a directory with a post": (beside(tags.in_directory(), post_id="x" * 9000), "MATCH-4b1"),
    "the platform with a date of collection": (tags.on_platform(collected_at="then"), "MATCH-4b2"),
    "the platform with an address": (
        beside(tags.on_platform(), url="https://engineers.example/members/1009"), "MATCH-4b2"),
    "the platform with a digest": (beside(tags.on_platform(), sha256=tags.SEEN), "MATCH-4b2"),
    "a post by a sentence": (tags.on_platform(field="post", post_id="they seem to be in debt"), "MATCH-4b2"),
}  # fmt: skip


@pytest.mark.parametrize(("tag", "clause"), FOREIGN.values(), ids=FOREIGN.keys())
def test_what_a_tag_does_not_take_is_neither_kept_nor_passed_over(
    business: Business, tag: tags.Tag, clause: str
) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    assert (422, True, [clause]) == wire.refusal_of(business.associate(account, email, tag))
    assert "no_basis" == business.reason(account, email)
    assert 201 == business.associate(account, email, tags.user_provided()).status_code


# --- reading and giving up --------------------------------------------------------------------------------


def test_its_client_reads_it_as_it_was_given(business: Business) -> None:
    made = business.associate(wire.fresh_account(), wire.fresh_email(), tags.user_provided())
    read = business.association(made.json()["id"])
    assert (200, made.content) == (read.status_code, read.content)


def test_its_client_gives_it_up_and_it_permits_nothing_from_then_on(business: Business) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    made = business.associate(account, email, tags.user_provided()).json()
    assert "permitted" == business.reason(account, email)
    gone = business.association(made["id"], "DELETE")
    assert (204, b"") == (gone.status_code, gone.content)
    assert "no_basis" == business.reason(account, email)
    assert [404, 404] == [business.association(made["id"], method).status_code for method in ("GET", "DELETE")]
    again = business.associate(account, email, tags.user_provided())
    assert (201, True) == (again.status_code, again.json()["id"] != made["id"])


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_association_of_another_client_reads_like_one_of_nobody(
    business: Business, other_business: Business, method: str
) -> None:
    made = business.associate(wire.fresh_account(), wire.fresh_email(), tags.user_provided()).json()

    def read(association_id: str) -> tuple[int, dict[str, Any]]:
        answer = other_business.association(association_id, method)
        return answer.status_code, {**answer.json(), "instance": "any"}

    assert read(made["id"]) == read("a" * 26)
    assert 404 == read(made["id"])[0]
    assert 200 == business.association(made["id"]).status_code


@pytest.mark.parametrize("named", ["a", "..", "%00", "A" * 26, "a" * 27, "a" * 5000, "' OR 1=1", "%ff%fe"])
def test_an_id_of_another_form_is_nobodys(business: Business, named: str) -> None:
    for method in ("GET", "DELETE"):
        answer = business.association(named, method)
        assert answer.status_code in {404, 405, 400}
        assert answer.status_code < 500


@pytest.mark.parametrize("scope", ["consent", "contact", "report", "redistribute"])
def test_a_token_for_other_things_is_not_enough(business: Business, scope: str) -> None:
    for method, path in (("POST", "associations"), ("GET", f"associations/{'a' * 26}")):
        answer = business.api(method, path, scope=scope, json={})
        assert (403, True) == (answer.status_code, "insufficient_scope" in answer.headers["WWW-Authenticate"])


def test_an_account_by_a_handle_that_the_client_does_not_know_stands_for_itself(
    business: Business, new_person: Callable[..., Person]
) -> None:
    person, email = new_person(), wire.fresh_email()
    by_handle = {"platform": "x", "handle": person.account.handle}
    assert 201 == business.associate(by_handle, email, tags.user_provided()).status_code
    assert "permitted" == business.reason(by_handle, email)
    assert "no_basis" == business.reason(person.account.id, email)

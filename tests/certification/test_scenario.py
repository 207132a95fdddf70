"""The certification scenario for AuthZEN 1.0, every level of it: Basic, Batch, Search, Discovery.

The fixture is a test's own (``fixture``), the cases are the scenario's (``cases``), and everything between them is what
serves: the application, the token, the reader, the verb, the rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from builders import a_pen
from certification.cases import (
    ALIKE,
    BASIC,
    BATCH,
    EMPTY,
    FIRST,
    MALFORMED,
    MALFORMED_SEARCHES,
    READ,
    SEARCHES,
    SINGLE,
    USERS,
    Body,
    asked,
)
from certification.fixture import ScenarioNames, a_world
from werkzeug.test import TestResponse

from broker.app import create_app
from broker.oauth.models import OAuthClient
from broker.oauth.tokens import issue_token
from broker.store.database import Database
from broker.store.migrating import migrate

Post = Callable[..., TestResponse]


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """Give a way to ask the decision point, as a client that it knows."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('certified') / 'broker.db'}", pen=a_pen())
    migrate(database)
    broker, client = a_world(database)
    app = create_app(broker)
    app.extensions["authzen_names"] = ScenarioNames()
    http = app.test_client()
    token = issue_token(broker, client=OAuthClient(client), scope="match", token_id=broker.new_id(), user=None)

    def send(path: str, body: object = None, *, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:  # noqa: ANN401 - Werkzeug's
        known = {"Authorization": f"Bearer {token['access_token']}", **(headers or {})}
        if body is None and not more:
            return http.get(path, headers=known)
        return http.post(f"/access/v1/{path}", json=body, headers=known, **more)

    yield send
    database.close()


def answered(answer: TestResponse) -> Any:  # noqa: ANN401 - whatever was answered
    """Return the body of an answer, which must be one (5.2)."""
    assert (200, "application/json") == (answer.status_code, answer.mimetype)
    return answer.json


def is_decision(value: object) -> bool:
    """2.3.1 and 2.3.2."""
    return (
        isinstance(value, dict) and isinstance(value["decision"], bool) and isinstance(value.get("context", {}), dict)
    )


# --- Basic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "expected"), BASIC.values(), ids=BASIC.keys())
def test_an_evaluation_is_decided_as_the_fixture_has_it(post: Post, body: Body, expected: bool) -> None:  # noqa: FBT001 - pytest hands it in
    found = answered(post("evaluation", body))
    assert is_decision(found)
    assert expected == found["decision"]


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_evaluation_is_a_bad_request(post: Post, body: Body) -> None:
    assert 400 == post("evaluation", body).status_code


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"{}", "content_type": "text/plain"},
        {"data": b"{}", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"{", "content_type": "application/json"},
        {"data": b"", "content_type": "application/json"},
    ],
    ids=["2.4.3 another content type", "2.4.3 a form", "2.4.4 no JSON", "2.4.5 nothing"],
)
@pytest.mark.parametrize("path", ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"])
def test_what_is_no_json_is_a_bad_request(post: Post, path: str, sent: dict[str, Any]) -> None:
    assert 400 == post(path, **sent).status_code


def test_2_5_a_request_id_comes_back_and_none_is_needed(post: Post) -> None:
    given = str(uuid.uuid4())
    body = asked({"type": "user", "id": "alice"}, READ, FIRST)
    for sent, expected in ((body, 200), ({}, 400)):
        answer = post("evaluation", sent, headers={"X-Request-ID": given})
        assert (expected, given) == (answer.status_code, answer.headers["X-Request-ID"])
    assert 200 == post("evaluation", body).status_code


def test_2_6_the_same_request_gets_the_same_decision(post: Post) -> None:
    body, expected = BASIC["2.2.1 a permit"]
    assert {expected} == {answered(post("evaluation", body))["decision"] for _ in range(3)}


# --- Batch ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "expected"), BATCH.values(), ids=BATCH.keys())
def test_evaluations_are_decided_in_their_order(post: Post, body: Body, expected: list[bool | None]) -> None:
    found = answered(post("evaluations", body))["evaluations"]
    assert all(is_decision(one) for one in found)
    assert len(expected) == len(found)
    assert [] == [
        (want, one["decision"])
        for want, one in zip(expected, found, strict=True)
        if want not in {None, one["decision"]}
    ]


@pytest.mark.parametrize("body", SINGLE.values(), ids=SINGLE.keys())
def test_evaluations_without_a_list_are_one(post: Post, body: Body) -> None:
    assert True is answered(post("evaluations", body))["decision"]


# --- Search --------------------------------------------------------------------------------------------------


def names(answer: TestResponse, kind: str) -> list[str]:
    """Return what was found, which must be of one kind and well formed."""
    found = answered(answer)["results"]
    assert isinstance(found, list)
    wanted = {"subject": "user", "resource": "record"}.get(kind)
    assert all(one["type"] == wanted for one in found if wanted)
    return [one["name" if kind == "action" else "id"] for one in found]


@pytest.mark.parametrize(("kind", "body", "expected"), SEARCHES.values(), ids=SEARCHES.keys())
def test_a_search_finds_who_is_permitted(post: Post, kind: str, body: Body, expected: list[str]) -> None:
    assert set(expected) <= set(names(post(f"search/{kind}", body), kind))


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_a_search_ignores_changes_nothing(post: Post, one: str, other: str) -> None:
    (kind, first, _), (_, second, _) = SEARCHES[one], SEARCHES[other]
    assert names(post(f"search/{kind}", first), kind) == names(post(f"search/{kind}", second), kind)


@pytest.mark.parametrize(("kind", "body", "_expected"), SEARCHES.values(), ids=SEARCHES.keys())
def test_8_1_what_a_search_finds_an_evaluation_permits(post: Post, kind: str, body: Body, _expected: object) -> None:
    for found in answered(post(f"search/{kind}", body))["results"]:
        given = body.get(kind, {}).get("properties")
        one = {**found, "properties": given} if given else found
        assert answered(post("evaluation", {**body, kind: one}))["decision"], found


def test_4_5_a_search_goes_on_page_by_page_to_its_end(post: Post) -> None:
    body, found, pages = asked(USERS, READ, FIRST), [], 0
    page: dict[str, object] = {"limit": 1}
    while pages == 0 or page["token"]:
        answer = answered(post("search/subject", {**body, "page": page}))
        assert isinstance(answer["page"]["next_token"], str)
        assert 1 >= len(answer["results"]) == answer["page"]["count"]
        found += [one["id"] for one in answer["results"]]
        page, pages = {"token": answer["page"]["next_token"]}, pages + 1
    assert (2, ["alice", "bob"]) == (pages, sorted(found))


@pytest.mark.parametrize(("kind", "body"), EMPTY.values(), ids=EMPTY.keys())
def test_who_is_not_known_is_an_empty_result(post: Post, kind: str, body: Body) -> None:
    assert [] == names(post(f"search/{kind}", body), kind)


@pytest.mark.parametrize(("kind", "body"), MALFORMED_SEARCHES.values(), ids=MALFORMED_SEARCHES.keys())
def test_what_is_no_search_is_a_bad_request(post: Post, kind: str, body: Body) -> None:
    assert 400 == post(f"search/{kind}", body).status_code


# --- Discovery -----------------------------------------------------------------------------------------------


def test_6_the_decision_point_says_where_it_is(post: Post) -> None:
    said = answered(post("/.well-known/authzen-configuration"))
    assert "https://consent.example" == said["policy_decision_point"]
    addresses = {name: urlsplit(value) for name, value in said.items() if name.endswith("_endpoint")}
    assert {"https"} == {address.scheme for address in addresses.values()}
    assert {
        "access_evaluation_endpoint": "/access/v1/evaluation",
        "access_evaluations_endpoint": "/access/v1/evaluations",
        "search_subject_endpoint": "/access/v1/search/subject",
        "search_resource_endpoint": "/access/v1/search/resource",
        "search_action_endpoint": "/access/v1/search/action",
    } == {name: address.path for name, address in addresses.items()}
    for address in addresses.values():
        assert 400 == post(address.path.removeprefix("/access/v1/"), {}).status_code

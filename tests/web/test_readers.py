"""Slow bodies: one client holds half of the places with them at most, and so do all strangers together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from builders import registered
from flask.testing import FlaskClient

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.errors import Unavailable
from broker.web.front import PLACES
from broker.web.readers import Readers

ITEM: dict[str, Any] = {
    "account": {"platform": "x", "id": "5"},
    "identifier": {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"},
    "purpose": "customer-care",
}
Bearer = Callable[..., dict[str, str]]


@contextmanager
def reading(readers: Readers, whose: str) -> Iterator[None]:
    """Be one whose body is read."""
    readers.enter(whose)
    try:
        yield
    finally:
        readers.leave(whose)


@pytest.fixture
def readers(http: FlaskClient) -> Readers:
    """Give what counts whose bodies are read."""
    found: Readers = http.application.extensions["readers"]
    return found


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a client."""
    return registered(broker)


def asked(http: FlaskClient, headers: dict[str, str]) -> list[int]:
    """Ask in each form that has a body; return the statuses."""
    lines = {**headers, "Content-Type": "application/x-ndjson"}
    return [
        http.post("/v1/match", json=ITEM, headers=headers).status_code,
        http.post("/v1/match/batch", json={"items": [ITEM]}, headers=headers).status_code,
        http.post("/v1/match/batch", data=json.dumps(ITEM), headers=lines).status_code,
    ]


@pytest.fixture
def slow(readers: Readers) -> Iterator[Callable[[str], None]]:
    """Give a way to let somebody hold all that one may hold."""
    with ExitStack() as held:

        def hold(whose: str) -> None:
            for _ in range(PLACES // 2):
                held.enter_context(reading(readers, whose))

        yield hold


def test_a_client_whose_bodies_are_slow_is_told_at_once_and_no_other_notices(
    http: FlaskClient, client: Client, broker: Broker, bearer: Bearer, slow: Callable[[str], None]
) -> None:
    slow(client.client_id)
    assert [503] * 3 == asked(http, bearer(client, "match"))
    answer = http.post("/v1/match", json=ITEM, headers=bearer(client, "match"))
    assert ("1", "application/problem+json") == (answer.headers["Retry-After"], answer.mimetype)
    assert [200] * 3 == asked(http, bearer(registered(broker, owner="Somebody else"), "match"))
    assert 404 == http.delete("/v1/grants/a", headers=bearer(client)).status_code, "it ends something"


def test_strangers_with_slow_bodies_keep_no_client_out(
    http: FlaskClient, client: Client, bearer: Bearer, slow: Callable[[str], None]
) -> None:
    slow("")
    assert [200] * 3 == asked(http, bearer(client, "match"))
    forged = {"Authorization": bearer(client, "match")["Authorization"][:-2]}
    for headers in ({}, forged):
        assert [503] * 3 == asked(http, headers)
    assert (503, 401) == tuple(http.get("/v1/grants/a", headers=headers).status_code for headers in (forged, {}))


def test_a_person_waits_for_no_programs_body(http: FlaskClient, slow: Callable[[str], None]) -> None:
    slow("")
    assert 503 != http.post("/consents/withdraw", data={"a": "b"}).status_code


def test_what_was_held_is_given_back_and_nobodys_name_is_kept(
    http: FlaskClient, readers: Readers, client: Client, bearer: Bearer
) -> None:
    for headers in (bearer(client, "match"), bearer(client), {}):
        asked(http, headers)
    for number in range(PLACES):
        with reading(readers, "one"), reading(readers, f"client {number}"):
            pass
    with pytest.raises(ZeroDivisionError), reading(readers, "one"):
        raise ZeroDivisionError
    assert {} == readers._under_way  # noqa: SLF001 - a name that stays is a leak
    with ExitStack() as held:
        for _ in range(PLACES // 2):
            held.enter_context(reading(readers, "one"))
        with pytest.raises(Unavailable, match="nothing was done"), reading(readers, "one"):
            pytest.fail("it had more than half")

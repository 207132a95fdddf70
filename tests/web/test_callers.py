"""Who calls the API: without a token of ours nothing is begun, and a client's turns are counted as its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from builders import Clock, registered
from flask.testing import FlaskClient
from sqlalchemy import event

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.store import turns

Bearer = Callable[..., dict[str, str]]
#: Calls whose body is read after the token.
READ_LATE = ["match", "contact/check", "associations", "recipients", "redistributions"]
#: What comes instead of a token, and RFC 6750's code that answers it.
STRANGE = {
    "none": (None, None),
    "another scheme": ("Basic YTpi", None),
    "no token": ("Bearer made-up", "invalid_token"),
    "a token of nobody": ("Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "invalid_token"),
}


@pytest.fixture
def begun(broker: Broker) -> Iterator[list[str]]:
    """Give the transactions and looks that were begun."""
    noted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        noted.extend([statement] if statement.startswith("BEGIN") else [])

    event.listen(broker.database.engine, "before_cursor_execute", note)
    yield noted
    event.remove(broker.database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("given", "error"), STRANGE.values(), ids=STRANGE)
def test_without_a_token_of_ours_nothing_is_begun(
    http: FlaskClient, begun: list[str], given: str | None, error: str | None
) -> None:
    calls = [("POST", f"/v1/{name}") for name in READ_LATE]
    for rule in http.application.url_map.iter_rules():
        if rule.rule.startswith(("/v1/", "/ssf/")):
            address = re.sub("<[^>]*>", "a", rule.rule) + "?stream_id=a"
            calls += [(method, address) for method in (rule.methods or set()) & {"GET", "DELETE"}]
    for method, address in calls:
        answer = http.open(address, method=method, headers={"Authorization": given} if given else {})
        assert 401 == answer.status_code, address
        assert ('error="invalid_token"' in answer.headers["WWW-Authenticate"]) is (error is not None)
    assert len(calls) > 12
    assert [] == begun


def test_a_token_that_expired_while_its_turn_was_waited_for_is_good_for_nothing(
    broker: Broker, http: FlaskClient, clock: Clock, bearer: Bearer
) -> None:
    headers = bearer(registered(broker), "match")

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        clock.passes(seconds=301 if statement.startswith("BEGIN") else 0)

    event.listen(broker.database.engine, "before_cursor_execute", note)
    answer = http.delete("/v1/associations/a", headers=headers)
    event.remove(broker.database.engine, "before_cursor_execute", note)
    assert 401 == answer.status_code
    assert "or has expired" in answer.get_json()["detail"]


@pytest.fixture
def crowded(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Give a client that has all the turns and looks that one may have."""
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    client, of = registered(broker), broker.database._turns  # noqa: SLF001 - turns themselves would hold the queue's lock
    with ExitStack() as held:
        for few, number in ((of._few, turns.AT_ONCE), (of._looks, turns.LOOKS)):  # noqa: SLF001 - the same
            for _ in range(number // 2):
                held.enter_context(few.one(client.client_id, until=turns.monotonic() + 5))
        yield client


def test_a_client_that_asks_too_much_at_once_keeps_no_other_out(
    broker: Broker, http: FlaskClient, bearer: Bearer, crowded: Client
) -> None:
    other = registered(broker)

    def statuses(client: Client) -> list[int]:
        asked = http.get("/v1/associations/a", headers=bearer(client, "match"))
        matched = http.get("/v1/grants/a", headers=bearer(client, "consent"))
        return [asked.status_code, matched.status_code]

    assert ([503, 503], [404, 404]) == (statuses(crowded), statuses(other))
    assert 404 == http.delete("/v1/grants/a", headers=bearer(crowded, "consent")).status_code  # goes first

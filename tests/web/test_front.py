"""Who goes first, and what a worker does when programs ask more than it has places for."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from threading import Event, Thread

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client
from werkzeug.wrappers import Response

from broker.actions.broker import Broker
from broker.app import create_app
from broker.oauth.context import IN_TURN
from broker.store.turns import AT_ONCE, LOOKS
from broker.web import front
from broker.web.front import PLACES, Front, goes_first
from broker.web.wire import Problem

ISSUER = "https://consent.example"
#: Every address of the broker that is asked by programs: it may be told to come again. All others never are.
OF_PROGRAMS = re.compile(r"/(v1|access|ssf|log|status|\.well-known)(/.*)?|/oauth/(par|token)")
WITHDRAWALS = {
    ("POST", "/consents/withdraw"), ("POST", "/consents/withdraw-all"), ("POST", "/consents/object"),
    ("POST", "/consents/" + "a" * 43), ("POST", "/consents/erase"), ("DELETE", "/v1/grants/" + "a" * 26),
    ("DELETE", "/v1/associations/" + "a" * 26), ("POST", "/oauth/revoke"), ("POST", "/consent/" + "a" * 26),
    ("GET", "/consents"), ("POST", "/consents/sign-in"), ("GET", "/link/x/callback"), ("GET", "/health/live"),
}  # fmt: skip


class Inner:
    """An application that holds whoever asks for `/v1/slow` until it is told to let go."""

    def __init__(self) -> None:
        self.entered, self.let_go, self.in_turn = Event(), Event(), list[bool]()

    def __call__(self, environ: dict[str, object], start_response: object) -> Iterable[bytes]:
        """Answer 200."""
        self.in_turn.append(IN_TURN in environ)
        if environ["PATH_INFO"] == "/v1/slow":
            self.entered.set()
            self.let_go.wait(10)
        return Response("done")(environ, start_response)  # type: ignore[arg-type]


@pytest.mark.parametrize(("method", "path"), sorted(WITHDRAWALS))
def test_whatever_ends_something_and_the_way_there_goes_first(method: str, path: str) -> None:
    assert goes_first(method, path)


def test_of_all_addresses_those_of_programs_may_wait_and_no_other(http: FlaskClient) -> None:
    for rule in http.application.url_map.iter_rules():
        for method in (rule.methods or set()) - {"DELETE"}:
            assert goes_first(method, rule.rule) != bool(OF_PROGRAMS.fullmatch(rule.rule)), rule.rule


@pytest.mark.parametrize("path", ["/v1/match", "//v1/match", "///v1/match"])  # as servers hand it on, decoded
def test_a_program_passes_for_people_in_no_other_writing_of_its_address(broker: Broker, path: str) -> None:
    written = {"environ_overrides": {"PATH_INFO": path}}
    assert 401 == create_app(broker).test_client().post("/", **written).status_code  # it is that address
    assert 503 == create_app(broker, places=0).test_client().post("/", **written).status_code


def test_without_a_place_a_program_is_turned_away_at_once_and_a_withdrawal_let_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inner = Inner()
    asking = Client(Front(inner, issuer=ISSUER, new_id=lambda: "made", places=1))
    holder = Thread(target=asking.get, args=("/v1/slow",))
    holder.start()
    assert inner.entered.wait(5)
    with caplog.at_level(logging.WARNING):
        away, oauth = asking.post("/v1/match", data=b"x" * 99), asking.post("/oauth/token")
    first = [asking.delete("/v1/grants/a"), asking.post("/consents/withdraw"), asking.post("/oauth/revoke")]
    inner.let_go.set()
    holder.join()
    assert (503, "1", "application/problem+json") == (away.status_code, away.headers["Retry-After"], away.content_type)
    assert {"type": f"{ISSUER}/problems/unavailable", "status": 503}.items() <= json.loads(away.text).items()
    assert (503, "temporarily_unavailable") == (oauth.status_code, json.loads(oauth.text)["error"])
    assert [200] * 3 == [one.status_code for one in first]
    assert [True, False, False, False] == inner.in_turn
    assert 1 == len(caplog.records)
    assert 200 == asking.post("/v1/match").status_code


def test_who_is_turned_away_gets_a_problem_like_any_other_with_their_own_request_id(broker: Broker) -> None:
    asking = create_app(broker, places=0).test_client()
    away = asking.post("/v1/match", headers={"X-Request-ID": "mine-1"})
    assert ("mine-1", "urn:request:mine-1") == (away.headers["X-Request-ID"], Problem(**away.get_json()).instance)
    forged = asking.post("/v1/match", headers={"X-Request-ID": "one word, and more"})
    assert forged.get_json()["instance"] == f"urn:request:{forged.headers['X-Request-ID']}" != "urn:request:mine-1"
    assert "mine-2" == asking.post("/oauth/token", headers={"X-Request-ID": "mine-2"}).headers["X-Request-ID"]


def test_a_place_is_given_back_when_the_application_fails() -> None:
    def fails(_environ: object, _start: object) -> Iterable[bytes]:
        raise ZeroDivisionError

    asking = Client(Front(fails, issuer=ISSUER, new_id=lambda: "made", places=1))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            asking.post("/v1/match")


def test_workers_of_people_answer_no_program(broker: Broker) -> None:
    asking = create_app(broker, places=0).test_client()
    assert (503, 200) == (asking.post("/v1/match").status_code, asking.get("/consents").status_code)


def test_programs_have_fewer_places_than_there_are_threads_and_connections(broker: Broker) -> None:
    from broker import serving  # noqa: PLC0415 - granian, which no other test of the faces loads

    pool = broker.database.engine.pool
    assert PLACES + 8 <= serving.THREADS
    assert AT_ONCE + LOOKS + 8 <= pool.size() + pool._max_overflow  # type: ignore[attr-defined]  # noqa: SLF001
    assert front.PLACES == PLACES

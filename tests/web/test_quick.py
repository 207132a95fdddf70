"""The short way answers what the view answers, and leaves to it whatever is not as usual."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from acts_of_platforms import seen
from acts_of_terms import objected, offered
from builders import Clock, a_tag, an_account, consented, refused, registered
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.actions.file_tapes import file_tapes
from broker.actions.withdraw_consent import withdraw_all
from broker.app import create_app
from broker.core.client import Client
from broker.oauth.tokens import read_token
from broker.store.looking import Looker
from broker.store.questions import questions_about
from broker.store.taping import Recorder
from broker.store.tokens import revoke_token
from broker.web.front import Front
from broker.web.quick import Quick

JANE = {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"}
HER = {"platform": "x", "id": "2244994945"}
ITEM: dict[str, Any] = {"account": HER, "identifier": JANE, "purpose": "customer-care"}


class Desk:
    """A business, and both ways to ask."""

    def __init__(self, broker: Broker, client: Client, headers: dict[str, str]) -> None:
        self.broker, self.client, self.headers = broker, client, headers
        self.short: FlaskClient = create_app(broker).test_client()

    @cached_property
    def view(self) -> FlaskClient:
        """The way without a short one."""
        return create_app(replace(self.broker, recorder=None)).test_client()

    def ask(self, item: object = ITEM, **more: Any) -> TestResponse:  # noqa: ANN401 - what a request takes
        """Ask, the short way where it is one."""
        return self.short.post("/v1/match", json=item, headers={**self.headers, **more.pop("headers", {})}, **more)

    def ask_view(self, item: object = ITEM) -> TestResponse:
        """Ask the view."""
        return self.view.post("/v1/match", json=item, headers=self.headers)

    @property
    def taped(self) -> int:
        """File what was taped, and say how much that was: so much went the short way."""
        return file_tapes(self.broker, at_once=True)


@pytest.fixture
def desk(broker: Broker, tmp_path: Path, bearer: Callable[..., dict[str, str]]) -> Iterator[Desk]:
    """Give a business that knows a few people, and has asked once: then the short way knows it too."""
    recorder = Recorder(tmp_path / "tapes", instance="one", new_id=broker.new_id)
    client = registered(broker, purposes=("customer-care", "newsletter", "contact"))
    desk = Desk(replace(broker, recorder=recorder), client, bearer(client, "match"))
    consented(broker, client, None, "customer-care")
    offered(broker, client, a_tag(), account_id="77")
    objected(broker, an_account("88", "Objector"))
    consented(broker, client, an_account("89", "Leaver"), "customer-care")
    with broker.database.transaction() as tx:
        withdraw_all(tx, broker, account=broker.blinder.account(an_account("89", "Leaver").account))
    refused(broker, client, an_account("90", "Refuser"))
    consented(broker, client, an_account("91", "Gone"), "customer-care")
    seen(broker, an_account("91", "Gone"), gone=True)
    yield desk
    recorder.let_go()


def heart(answer: TestResponse) -> dict[str, Any]:
    """An answer without its own id."""
    body = answer.json
    return {**body, "context": {name: it for name, it in body["context"].items() if name != "id"}}


ASKED = [
    {"account": {"platform": "x", "id": account}, "identifier": {**JANE, "value": value}, "purpose": purpose}
    for account in ("2244994945", "77", "88", "89", "90", "91", "5")
    for value in ("jane.canary@mailbox.example", "Sam@mailbox.example")
    for purpose in ("customer-care", "newsletter", "direct-marketing", "surveillance", "made up")
]


def test_both_ways_give_the_same_answers(desk: Desk) -> None:
    short, view = [heart(desk.ask(item)) for item in ASKED], [heart(desk.ask_view(item)) for item in ASKED]
    assert short == view
    assert {True, False} == {one["decision"] for one in short}
    assert desk.taped == len(ASKED)


def test_both_ways_give_the_same_headers(desk: Desk) -> None:
    own = {"X-Request-ID", "Content-Length"}
    short, view = desk.ask(), desk.ask_view()
    assert {one for one in short.headers if one[0] not in own} == {one for one in view.headers if one[0] not in own}
    assert short.headers["Content-Length"] == str(len(short.data))
    assert desk.ask(headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
    assert desk.ask(headers={"X-Request-ID": "not one of\x7f"}).headers["X-Request-ID"] != "not one of\x7f"
    assert desk.taped == 3


def test_both_ways_record_the_same(desk: Desk) -> None:
    short, view = desk.ask(), desk.ask_view()
    assert desk.taped == 1
    with desk.broker.database.reading() as tx:
        told = questions_about(tx, desk.broker.blinder.account(an_account().account))
        rows = tx.execute(text("SELECT * FROM decisions WHERE act = 'match'")).mappings().all()
    assert {one.decision_id for one in told} == {short.json["context"]["id"], view.json["context"]["id"]}
    left_out = {"decision_id", "mac"}
    first, second = ({name: value for name, value in row.items() if name not in left_out} for row in rows)
    assert first == second


UNUSUAL: dict[str, object] = {
    "a handle": {**ITEM, "account": {"platform": "x", "handle": "JaneCanary"}},
    "a tag": {**ITEM, "provenance": {"tag": "public"}},
    "another member": {**ITEM, "more": 1},
    "no purpose": {name: value for name, value in ITEM.items() if name != "purpose"},
    "no account": {**ITEM, "account": {"platform": "x", "id": "jane"}},
    "no address": {**ITEM, "identifier": {**JANE, "value": "jane"}},
    "another record without its name": {**ITEM, "identifier": {"kind": "other", "type": "other", "value": "C-1"}},
    "an unknown platform": {**ITEM, "account": {"platform": "y", "id": "5"}},
    "a list": [ITEM],
}


@pytest.mark.parametrize("item", UNUSUAL.values(), ids=list(UNUSUAL))
def test_whatever_is_not_as_usual_goes_on_to_the_view_as_it_came(desk: Desk, item: object) -> None:
    short, view = desk.ask(item), desk.ask_view(item)
    assert short.status_code == view.status_code
    if short.status_code == 200:
        assert heart(short) == heart(view)
    else:
        assert short.json["detail"] == view.json["detail"]
    assert desk.taped == 0


def test_a_key_that_stands_twice_is_refused(desk: Desk) -> None:
    raw = json.dumps(ITEM).replace('"purpose"', '"purpose": "newsletter", "purpose"')
    answer = desk.short.post("/v1/match", data=raw, headers={**desk.headers, "Content-Type": "application/json"})
    assert (answer.status_code, desk.taped) == (400, 0)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic x", "bearer x"])
def test_without_a_token_the_view_says_so(desk: Desk, header: str) -> None:
    answer = desk.ask(headers={"Authorization": header})
    assert (answer.status_code, desk.taped) == (401, 0)


def test_a_token_for_other_things_is_not_one_for_this(desk: Desk, bearer: Callable[..., dict[str, str]]) -> None:
    assert desk.ask(headers=bearer(desk.client, "consent")).status_code == 403


def test_a_token_that_was_good_a_moment_ago_is_not_once_it_is_over(desk: Desk, clock: Clock) -> None:
    assert desk.ask().status_code == 200
    clock.passes(seconds=299)
    assert desk.ask().status_code == 200
    clock.passes(seconds=1)
    assert desk.ask().status_code == 401


def test_a_revoked_token_opens_nothing_from_its_commit_on(desk: Desk) -> None:
    assert desk.ask().status_code == 200
    token = read_token(desk.broker, desk.headers["Authorization"].removeprefix("Bearer "))
    assert token
    with desk.broker.database.transaction() as tx:
        revoke_token(tx, token.token_id, expires_at=desk.broker.now() + timedelta(hours=1))
    assert desk.ask().status_code == 401


def test_a_suspension_holds_from_its_commit_on_and_so_does_its_end(desk: Desk) -> None:
    assert desk.ask().json["decision"]
    with desk.broker.database.transaction() as tx:
        suspend_client(tx, desk.broker, desk.client.client_id, Change(who="an operator", why="a reason"))
    answer = desk.ask()
    assert (answer.status_code, answer.json["clauses"]) == (401, desk.ask_view().json["clauses"])


def test_a_withdrawal_holds_from_its_commit_on(desk: Desk) -> None:
    assert desk.ask().json["decision"]
    with desk.broker.database.transaction() as tx:
        withdraw_all(tx, desk.broker, account=desk.broker.blinder.account(an_account().account))
    assert (desk.ask().json["context"]["reason"], desk.taped) == ("withdrawn", 2)


def test_a_consent_holds_to_its_end_and_no_longer(
    desk: Desk, clock: Clock, bearer: Callable[..., dict[str, str]]
) -> None:
    ends = desk.ask().json["context"]["valid_until"]
    clock.now = datetime.fromisoformat(ends) - timedelta(microseconds=1)
    desk.headers = bearer(desk.client, "match")
    assert desk.ask().json["decision"]
    clock.passes(microseconds=1)
    assert desk.ask().json["context"]["reason"] == "expired"


def test_where_nothing_can_be_taped_the_view_records_it(desk: Desk) -> None:
    desk.broker.recorder.folder.write_text("in its place")  # type: ignore[union-attr] # it has one
    assert desk.ask().status_code == 200
    with desk.broker.database.reading() as tx:
        assert len(questions_about(tx, desk.broker.blinder.account(an_account().account))) == 1
    desk.broker.recorder.folder.unlink()  # type: ignore[union-attr] # likewise


def test_who_finds_the_short_way_taken_is_answered_by_the_view(desk: Desk) -> None:
    front = desk.short.application.wsgi_app
    assert isinstance(front, Front)
    assert isinstance(front.inner, Quick)
    assert front.inner.looker.turn.acquire(timeout=0)  # somebody whom the database does not answer
    assert (200, 0) == (desk.ask().status_code, desk.taped)
    front.inner.looker.turn.release()
    assert (200, 1) == (desk.ask().status_code, desk.taped)


def test_each_table_is_looked_into_by_its_key_whatever_the_planner_has_counted(desk: Desk) -> None:
    looker = Looker(desk.broker.database)
    for number in range(9):
        registered(desk.broker, owner=f"Owner {number}")
    with desk.broker.database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        asked = (b"a", b"a", "t", b"p", b"e", b"o", "c")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {looker.asked}", asked).all()
    steps = [row[3] for row in plan if "SUBQUERY" not in row[3]]
    assert len(steps) == 7
    assert all(step.startswith("SEARCH") and "BLOOM" not in step for step in steps), steps

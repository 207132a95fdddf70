"""Budgets at the door: every call is counted and told what is left; what is not there is refused, and never done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from acts_of_terms import offered
from builders import Clock, a_tag, an_account, consented, refused, registered
from contract import faults
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.app import create_app
from broker.core.budget import Budget, Limits
from broker.core.client import Client
from broker.store.budget_file import FileBudgets
from broker.store.sheet_tables import SheetRow
from broker.store.taping import Recorder
from broker.store.writing import table_of
from broker.web import batch as face

ROOT = Path(__file__).parents[2]
JANE = {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"}
SAM = {"kind": "person", "type": "email", "value": "sam@mailbox.example"}
HER = {"platform": "x", "id": "2244994945"}
NO_ONE = {"platform": "x", "handle": "no"}
ITEM: dict[str, Any] = {"account": HER, "identifier": JANE, "purpose": "customer-care"}
SUBJECT, RESOURCE = {"type": "account", "id": "x:2244994945"}, {"type": "person", "id": f"email:{JANE['value']}"}
ACTION = {"name": "associate", "properties": {"purpose": "customer-care"}}
EVALUATION: dict[str, Any] = {"subject": SUBJECT, "action": ACTION, "resource": RESOURCE}
LIMITS = Limits(*(Budget.of(per_minute=60, store=number) for number in (8, 20, 6)))
LEFT = re.compile(r'"(\w+)";r=(\d+)(?:;t=(\d+))?')


def nobody(number: int) -> dict[str, Any]:
    """A question about an account that the client has nothing on."""
    return {**ITEM, "account": {"platform": "x", "id": str(5000 + number)}}


class Desk:
    """A business with a consent, and its ways to ask."""

    def __init__(self, broker: Broker, http: FlaskClient, bearer: Callable[..., dict[str, str]]) -> None:
        self.broker, self.http, self.bearer = broker, http, bearer
        self.client = registered(broker, purposes=("customer-care", "contact"))
        self.other = registered(broker, owner="Somebody else")
        consented(broker, self.client, None, "customer-care")

    def post(self, path: str, client: Client | None = None, **body: Any) -> TestResponse:  # noqa: ANN401 - JSON
        """Ask."""
        return self.http.post(path, headers=self.bearer(client or self.client, "match contact"), **body)

    def left(self, answer: TestResponse, client: Client | None = None) -> tuple[int | None, ...]:
        """What is left of requests, items and misses; the answer says so of the first two, and of misses if few."""
        found = self.broker.budgets.note((client or self.client).client_id).left
        assert found[2] is not None
        names = ("requests", "items", "misses") if found[2] < LIMITS.misses.store / 2 else ("requests", "items")
        assert dict(zip(names, found, strict=False)) == told(answer)
        return found

    def match(self, item: object = ITEM, client: Client | None = None) -> TestResponse:
        """Ask for one."""
        return self.post("/v1/match", client, json=item)

    def batch(self, *items: object) -> TestResponse:
        """Ask for many."""
        return self.post("/v1/match/batch", json={"items": items})

    def lines(self, *items: object) -> TestResponse:
        """Ask for many, a line each."""
        text = "\n".join(map(json.dumps, items))
        return self.http.post(
            "/v1/match/batch",
            data=text.encode(),
            headers={**self.bearer(self.client, "match"), "Content-Type": "application/x-ndjson"},
        )


@pytest.fixture(params=["view", "short way"])
def desk(
    request: pytest.FixtureRequest, broker: Broker, clock: Clock, bearer: Callable[..., dict[str, str]], tmp_path: Path
) -> Iterator[Desk]:
    """Give a business with small budgets; single questions are answered by the view, or in front of it."""
    budgets = FileBudgets(
        str(tmp_path / "broker.db"), LIMITS, clock=lambda: int(clock().timestamp() * 1_000) * 1_000_000
    )
    recorder = Recorder(tmp_path / "tapes", instance="one", new_id=broker.new_id)
    limited = replace(broker, budgets=budgets, recorder=recorder if request.param == "short way" else None)
    yield Desk(limited, create_app(limited).test_client(), bearer)
    recorder.let_go()
    budgets.close()


def told(answer: TestResponse) -> dict[str, int]:
    """What an answer says is left of each budget that it names."""
    return {name: int(number) for name, number, _seconds in LEFT.findall(answer.headers["RateLimit"])}


def test_every_answer_says_how_large_the_budgets_are_and_what_is_left(desk: Desk) -> None:
    answers = [desk.match() for _ in range(3)]
    assert [(7, 19), (6, 18), (5, 17)] == [tuple(told(answer).values()) for answer in answers]
    assert {'"requests";q=8;w=8, "items";q=20;w=20;broker-unit="items", "misses";q=6;w=6;broker-unit="items"'} == {
        answer.headers["RateLimit-Policy"] for answer in answers
    }


def test_a_budget_that_is_spent_is_a_problem_that_says_when_to_come_again(desk: Desk, clock: Clock) -> None:
    assert {200} == {desk.match().status_code for _ in range(8)}
    answer = desk.match()
    assert (429, "application/problem+json", "1") == (
        answer.status_code, answer.mimetype, answer.headers["Retry-After"],
    )  # fmt: skip
    assert '"requests";r=0;t=1, "items";r=12' == answer.headers["RateLimit"]
    assert "RateLimit-Policy" in answer.headers
    assert [] == list(faults(answer.json, json.loads((ROOT / "schemas" / "problem.json").read_text())))
    assert ("https://consent.example/problems/too-many-requests", 429, 1) == tuple(
        answer.json[name] for name in ("type", "status", "retry_after")
    )
    clock.passes(seconds=1)
    assert (200, 429) == (desk.match().status_code, desk.match().status_code)


def test_a_client_sees_and_spends_its_own_budget_alone(desk: Desk) -> None:
    assert [200] * 8 + [429] * 2 == [desk.match().status_code for _ in range(10)]
    assert (7, 19, 5) == desk.left(desk.match(client=desk.other), desk.other)


ASKED: dict[str, tuple[str, object, tuple[int, ...]]] = {
    "one": ("/v1/match", ITEM, (7, 19, 6)),
    "one about nobody": ("/v1/match", nobody(1), (7, 19, 5)),
    "one by a handle that leads nowhere": ("/v1/match", {**ITEM, "account": NO_ONE}, (7, 19, 5)),
    "one of an own account under another identifier": ("/v1/match", {**ITEM, "identifier": SAM}, (7, 19, 6)),
    "one that is malformed": ("/v1/match", {}, (7, 19, 6)),
    "a batch": ("/v1/match/batch", {"items": [ITEM, nobody(1), nobody(1), 7]}, (7, 16, 4)),
    "an evaluation": ("/access/v1/evaluation", EVALUATION, (7, 19, 6)),
    "evaluations": (
        "/access/v1/evaluations",
        {**EVALUATION, "evaluations": [{}, {"subject": {"type": "account", "id": "x:77"}}, 7]}, (7, 17, 5),
    ),
    "evaluations without a list": ("/access/v1/evaluations", EVALUATION, (7, 19, 6)),
    "a search": ("/access/v1/search/subject", {**EVALUATION, "subject": {"type": "account"}}, (7, 19, 6)),
    "a search about nobody": (
        "/access/v1/search/action", {"subject": {"type": "account", "id": "x:77"}, "resource": RESOURCE}, (7, 18, 4),
    ),
    "a check before a message": (
        "/v1/contact/check", {"account": nobody(1)["account"], "identifier": JANE}, (7, 19, 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "body", "counted"), ASKED.values(), ids=ASKED)
def test_whatever_asks_about_people_counts_its_items_and_those_about_nobody(
    desk: Desk, path: str, body: object, counted: tuple[int, ...]
) -> None:
    answer = desk.post(path, json=body)
    assert answer.status_code in {200, 400}
    assert counted == desk.left(answer), answer.get_data(as_text=True)


def test_all_or_nothing_of_a_batch_is_answered(desk: Desk) -> None:
    desk.batch(*[ITEM] * 15)
    answer = desk.batch(*[ITEM] * 6)
    assert (429, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert 200 == desk.batch(*[ITEM] * 5).status_code
    with desk.broker.database.reading() as tx:
        assert [15, 5] == [row.answers for row in tx.execute(table_of(SheetRow).select())]


def test_accounts_that_a_client_has_anything_on_are_no_misses(desk: Desk) -> None:
    offered(desk.broker, desk.client, a_tag(), account_id="77")
    refused(desk.broker, desk.client, an_account("90", "Refuser"))
    consented(desk.broker, desk.other, an_account("91", "Theirs"), "customer-care")
    own = {**ITEM, "account": {"platform": "x", "id": "77"}, "identifier": SAM}
    refuser, theirs = ({**ITEM, "account": {"platform": "x", "id": name}} for name in ("90", "91"))
    assert (7, 18, 6) == desk.left(desk.batch(ITEM, own))
    assert (6, 16, 4) == desk.left(desk.batch(refuser, theirs)), "whom a client may know nothing of reads like nobody"
    assert [3, 2] == [desk.left(desk.match(item))[2] for item in (refuser, theirs)]
    assert [2, 2] == [desk.left(desk.match(item))[2] for item in (ITEM, own)]


def test_who_tries_numbers_is_stopped_whatever_else_it_asks(desk: Desk, clock: Clock) -> None:
    assert (7, 12, 0) == desk.left(desk.batch(*map(nobody, range(8))))
    answer = desk.match()
    assert (429, 3) == (answer.status_code, answer.json["retry_after"])
    assert '"misses";r=0;t=3' in answer.headers["RateLimit"]
    assert 404 == desk.http.get("/v1/grants/a", headers=desk.bearer(desk.client)).status_code, "it asks about nobody"
    clock.passes(seconds=3)
    assert 200 == desk.match().status_code


def test_lines_that_no_budget_is_left_for_are_told_so_one_by_one(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "CHUNK", 6)
    answer = desk.lines(*[ITEM] * 25)
    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert (200, {"requests": 7, "items": 20}) == (answer.status_code, told(answer))
    assert [True] * 18 + [False] * 6 + [True] == ["decision" in one for one in lines], "each chunk asks anew"
    error = lines[18]["error"]
    assert (429, 4) == (error["status"], error["retry_after"])
    clock.passes(seconds=5)
    assert 5 == sum("decision" in json.loads(line) for line in desk.lines(*[ITEM] * 5).data.splitlines())


def test_who_may_not_call_spends_nothing(desk: Desk) -> None:
    headers = desk.bearer(desk.client, "consent")
    for answer in (desk.http.post("/v1/match", json=ITEM), desk.http.post("/v1/match", json=ITEM, headers=headers)):
        assert answer.status_code in {401, 403}
        assert "RateLimit" not in answer.headers
    bearing = desk.bearer(desk.client, "match")
    with desk.broker.database.transaction() as tx:
        suspend_client(tx, desk.broker, desk.client.client_id, Change(who="ops", why="a test"))
    suspended = desk.http.post("/v1/match", json=ITEM, headers=bearing)
    assert (401, False) == (suspended.status_code, "RateLimit" in suspended.headers)
    assert (8, 20, 6) == desk.broker.budgets.note(desk.client.client_id).left


def test_what_ends_something_is_counted_and_never_refused(desk: Desk) -> None:
    headers = desk.bearer(desk.client, "match consent")
    statuses = [desk.http.delete("/v1/associations/a", headers=headers).status_code for _ in range(9)]
    assert [404] * 9 == statuses
    answer = desk.match()
    assert (429, 2) == (answer.status_code, answer.json["retry_after"])
    assert 404 == desk.http.delete("/v1/grants/a", headers=headers).status_code


def test_every_other_address_under_v1_and_access_counts_and_none_elsewhere(desk: Desk) -> None:
    for rule in desk.http.application.url_map.iter_rules():
        path = re.sub("<[^>]*>", "a", rule.rule)
        method = next(iter({"GET", "POST"} & (rule.methods or set())), None)
        if method is None or not path.startswith(("/v1/", "/access/", "/ssf/")):
            continue
        headers = desk.bearer(desk.client, "match consent contact redistribute report ssf.read ssf.manage")
        before = desk.broker.budgets.note(desk.client.client_id).left[0]
        answer = desk.http.open(path, method=method, json={}, headers=headers)
        after = desk.broker.budgets.note(desk.client.client_id).left[0]
        assert ("RateLimit" in answer.headers) is (not path.startswith("/ssf/")), (path, answer.status_code)
        assert before is not None
        assert after == before - (0 if path.startswith("/ssf/") else 1), path
        desk.broker.budgets.note(desk.client.client_id, requests=after - before)  # and given back


def test_without_limits_there_are_no_such_headers_and_nobody_looks_for_misses(
    broker: Broker, http: FlaskClient, bearer: Callable[..., dict[str, str]]
) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(broker.database.engine, "before_cursor_execute", note)
    answer = http.post("/v1/match", json=nobody(1), headers=bearer(registered(broker), "match"))
    event.remove(broker.database.engine, "before_cursor_execute", note)
    assert (200, False) == (answer.status_code, "RateLimit-Policy" in answer.headers)
    assert not any("DISTINCT account" in statement for statement in asked)


def test_what_others_have_changes_neither_the_statements_nor_what_is_left(desk: Desk) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    consented(desk.broker, desk.other, an_account("91", "Theirs"), "customer-care")
    offered(desk.broker, desk.other, a_tag(), account_id="92")
    event.listen(desk.broker.database.engine, "before_cursor_execute", note)
    seen = []
    for name in ("91", "92", "93"):
        item = {**ITEM, "account": {"platform": "x", "id": name}}
        batch = desk.batch(item, item)
        seen.append(([statement for statement in asked if "INSERT INTO" not in statement], desk.left(batch)[2]))
        desk.broker.budgets.note(desk.client.client_id, requests=-1, misses=-2)
        asked.clear()
    event.remove(desk.broker.database.engine, "before_cursor_execute", note)
    assert seen[0] == seen[1] == seen[2]

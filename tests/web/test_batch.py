"""Many questions in one request: each is answered as alone, an item's fault is its own, and lines have no end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from acts_of_terms import objected, offered
from builders import a_tag, an_account, consented, registered
from contract import answered, faults
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.core.reading import MAX_BYTES
from broker.store.sheet_tables import SheetRow
from broker.store.writing import table_of
from broker.web import batch as face
from broker.web.openapi import openapi
from broker.web.reading import MAX_BATCH

JANE = {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"}
SAM = {"kind": "person", "type": "email", "value": "sam@mailbox.example"}
HER, HANDLE = {"platform": "x", "id": "2244994945"}, {"platform": "x", "handle": "JaneCanary"}
ITEMS: list[dict[str, Any]] = [
    {"account": account, "identifier": identifier, "purpose": purpose}
    for account in (HER, HANDLE, {"platform": "x", "id": "5"}, {"platform": "x", "handle": "nobody"})
    for identifier in (JANE, SAM)
    for purpose in ("customer-care", "newsletter", "direct-marketing", "surveillance", "made up")
]
FAULTY: dict[str, object] = {
    "no object": 7,
    "nothing": {},
    "another member": {**ITEMS[0], "more": 1},
    "no id of the platform": {**ITEMS[0], "account": {"platform": "x", "id": "jane"}},
    "an unknown platform": {**ITEMS[0], "account": {"platform": "y", "id": "5"}},
    "id and handle": {**ITEMS[0], "account": {**HER, **HANDLE}},
    "no address": {**ITEMS[0], "identifier": {**JANE, "value": "jane"}},
    "a record of no kind": {**ITEMS[0], "identifier": {**JANE, "type": "face"}},
    "a purpose that is none": {**ITEMS[0], "purpose": 7},
}


class Shop:
    """A business, and its ways to ask."""

    def __init__(self, http: FlaskClient, client: Client, headers: dict[str, str]) -> None:
        self.http, self.client, self.headers = http, client, headers

    def one(self, item: object) -> TestResponse:
        """Ask alone."""
        return self.http.post("/v1/match", json=item, headers=self.headers)

    def batch(self, items: list[Any], **members: object) -> TestResponse:
        """Ask for many at once."""
        return self.http.post("/v1/match/batch", json={"items": items, **members}, headers=self.headers)

    def lines(self, *lines: bytes) -> TestResponse:
        """Ask as lines."""
        headers = {**self.headers, "Content-Type": "application/x-ndjson"}
        return self.http.post("/v1/match/batch", data=b"\n".join(lines), headers=headers)


@pytest.fixture
def shop(broker: Broker, http: FlaskClient, bearer: Callable[..., dict[str, str]]) -> Iterator[Shop]:
    """Give a business with a consent, an association under a handle, and somebody who objects."""
    client = registered(broker, purposes=("customer-care", "newsletter", "contact"))
    consented(broker, client, None, "customer-care")
    offered(broker, client, a_tag(), account_id="77")
    objected(broker, an_account("88", "Objector"))
    return Shop(http, client, bearer(client, "match"))


def heart(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without its own id; of a problem only what it says."""
    if "error" in answer:
        return {name: answer["error"][name] for name in ("type", "status", "detail")}
    return {**answer, "context": {name: it for name, it in answer["context"].items() if name != "id"}}


def test_each_is_answered_as_it_would_be_alone_and_in_order(shop: Shop) -> None:
    alone = [shop.one(item).json for item in ITEMS]
    batch = shop.batch(ITEMS).json
    lines = [json.loads(line) for line in shop.lines(*(json.dumps(item).encode() for item in ITEMS)).data.splitlines()]
    assert {"as_of": "2026-11-23T12:00:00Z"}.items() <= batch.items()
    assert [heart(one) for one in alone] == [heart(one) for one in batch["results"]] == [heart(one) for one in lines]
    assert {True, False} == {one["decision"] for one in alone}
    assert len(ITEMS) == len({one["context"]["id"] for one in batch["results"]})


def test_a_purpose_may_stand_once_for_all_and_an_items_own_counts_before_it(shop: Shop) -> None:
    bare = [{"account": HER, "identifier": JANE}, {"account": HER, "identifier": JANE, "purpose": "newsletter"}]
    assert [True, False] == [one["decision"] for one in shop.batch(bare, purpose="customer-care").json["results"]]
    [error, _told] = shop.batch(bare).json["results"]
    assert "purpose" in error["error"]["detail"]


def test_both_are_answered_as_they_are_described(shop: Shop) -> None:
    api, told = openapi(), shop.batch([*ITEMS[:9], *FAULTY.values()])
    assert [] == answered(api, "POST", "/v1/match/batch", told.status_code, told.json)
    line = {"$ref": "#/components/schemas/match-batch-line"}
    for answer in shop.lines(json.dumps(ITEMS[0]).encode(), b"{").data.splitlines():
        assert [] == list(faults(json.loads(answer), line, api))
    assert [] == list(faults({"items": ITEMS}, {"$ref": "#/components/schemas/match-batch-request"}, api))


@pytest.mark.parametrize("faulty", FAULTY.values(), ids=FAULTY.keys())
def test_the_fault_of_an_item_is_its_own_error_and_holds_up_no_other(shop: Shop, faulty: object) -> None:
    found = shop.batch([ITEMS[0], faulty, ITEMS[0]]).json["results"]
    first, line, last = shop.lines(
        *(json.dumps(item).encode() for item in (ITEMS[0], faulty, ITEMS[0]))
    ).data.splitlines()
    for answers in (found, [json.loads(text) for text in (first, line, last)]):
        assert [True, True] == [answers[0]["decision"], answers[2]["decision"]]
        alone = shop.one(faulty)
        assert alone.status_code == answers[1]["error"]["status"]
        assert {"type", "title", "status", "detail", "instance"} <= answers[1]["error"].keys()


def test_lines_that_are_no_json_are_answered_one_for_one(shop: Shop) -> None:
    good = json.dumps(ITEMS[0]).encode()
    answered = shop.lines(b"{", good, b"", b'{"a":1,"a":2}', b"\xff", good, b"  ")
    told = [json.loads(line) for line in answered.data.splitlines()]
    assert [False, True, False, False, True] == ["decision" in one for one in told]
    assert (200, "application/x-ndjson") == (answered.status_code, answered.mimetype)


def test_more_than_a_chunk_of_lines_is_answered_in_order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "CHUNK", 7)
    asked = [
        {**ITEMS[0], "account": HER if number % 3 else {"platform": "x", "id": str(number + 1)}} for number in range(50)
    ]
    told = [json.loads(line) for line in shop.lines(*(json.dumps(item).encode() for item in asked)).data.splitlines()]
    assert [bool(number % 3) for number in range(50)] == [one["decision"] for one in told]


def test_a_batch_and_a_stream_may_be_longer_than_other_bodies(shop: Shop) -> None:
    more = " " * (MAX_BYTES + 1)
    headers = {**shop.headers, "Content-Type": "application/json"}
    whole = shop.http.post("/v1/match/batch", data=json.dumps({"items": ITEMS[:2]}) + more, headers=headers)
    stream = shop.lines(json.dumps(ITEMS[0]).encode(), *[b""] * (2 * MAX_BYTES), json.dumps(ITEMS[1]).encode())
    assert (200, 2) == (whole.status_code, len(whole.get_json()["results"]))
    assert (200, 2) == (stream.status_code, len(stream.data.splitlines()))


def test_a_batch_of_more_bytes_than_are_read_is_413(shop: Shop) -> None:
    headers = {**shop.headers, "Content-Type": "application/json"}
    answer = shop.http.post("/v1/match/batch", data=b"{" + b" " * MAX_BATCH, headers=headers)
    assert 413 == answer.status_code


@pytest.mark.parametrize("items", [[], [ITEMS[0]] * 5001], ids=["none", "too many"])
def test_a_batch_has_one_to_five_thousand_items(shop: Shop, items: list[Any]) -> None:
    assert 400 == shop.batch(items).status_code


def test_without_a_token_for_it_nothing_is_read(http: FlaskClient) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    assert 401 == http.post("/v1/match/batch", data=b"{}", headers=headers).status_code
    assert 401 == http.post("/v1/match/batch", json={"items": [ITEMS[0]]}).status_code


def test_nothing_of_a_batch_that_failed_is_on_record(
    shop: Shop, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(face, "answer_texts", fails)
    assert 500 == shop.batch(ITEMS).status_code
    with broker.database.reading() as tx:
        assert [] == tx.execute(table_of(SheetRow).select()).all()

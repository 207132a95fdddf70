"""The status lists on the wire: who may ask for what, and for how long an answer may be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from builders import Clock, consented, registered
from flask.testing import FlaskClient
from sqlalchemy import event

from broker.actions.broker import Broker
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.consent import ConsentRecord
from broker.proof.sdjwt import payload_of
from broker.proof.status import MEDIA_TYPE, parse_status_list

#: There is a consent on record in each of these.
pytestmark = pytest.mark.usefixtures("record")


@pytest.fixture
def record(broker: Broker) -> ConsentRecord:
    """Give a consent."""
    return consented(broker, registered(broker))


@pytest.fixture
def reads(broker: Broker) -> Iterator[list[str]]:
    """Note how often a list's entries are read."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.extend([statement] * ("status_entries.position" in statement and "SELECT" in statement))

    event.listen(broker.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(broker.database.engine, "before_cursor_execute", note)


def ended(broker: Broker, record: ConsentRecord) -> None:
    """Withdraw it."""
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


@pytest.mark.parametrize("accept", [None, MEDIA_TYPE, "*/*", "application/*", "text/html, */*;q=0.8"])
def test_a_list_is_a_signed_token_that_anybody_may_keep_for_its_ttl(http: FlaskClient, accept: str | None) -> None:
    answer = http.get("/status/1", headers={"Accept": accept} if accept else {})
    assert (200, MEDIA_TYPE, "public, max-age=60", "*", "cross-origin") == (
        answer.status_code,
        answer.headers["Content-Type"],
        answer.headers["Cache-Control"],
        answer.headers["Access-Control-Allow-Origin"],
        answer.headers["Cross-Origin-Resource-Policy"],
    )
    assert "Set-Cookie" not in answer.headers
    assert 60 == parse_status_list(answer.text).ttl


@pytest.mark.parametrize("accept", ["application/statuslist+cwt", "text/html", f"{MEDIA_TYPE};q=0"])
def test_who_takes_no_jwt_is_told_what_there_is(http: FlaskClient, accept: str) -> None:
    answer = http.get("/status/1", headers={"Accept": accept})
    assert (406, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert MEDIA_TYPE in answer.json["detail"]  # type: ignore[index]


def test_lists_of_the_past_are_not_kept(http: FlaskClient) -> None:
    answer = http.get("/status/1?time=1795435200")
    assert (501, "application/problem+json") == (answer.status_code, answer.mimetype)


@pytest.mark.parametrize("number", ["0", "2", "01", "-1", "1.0", "x", "٣", "9" * 5000])
def test_there_is_no_list_of_another_number(http: FlaskClient, number: str) -> None:
    answer = http.get(f"/status/{number}")
    assert (404, "application/problem+json") == (answer.status_code, answer.mimetype)


def test_every_list_is_named_where_the_metadata_says(http: FlaskClient) -> None:
    metadata = http.get("/.well-known/oauth-authorization-server").json or {}
    assert "https://consent.example/status" == metadata["status_list_aggregation_endpoint"]
    answer = http.get("/status")
    assert ({"status_lists": ["https://consent.example/status/1"]}, "application/json", "public, max-age=60", "*") == (
        answer.json,
        answer.mimetype,
        answer.headers["Cache-Control"],
        answer.headers["Access-Control-Allow-Origin"],
    )


def test_a_process_makes_a_list_at_most_every_two_seconds(http: FlaskClient, reads: list[str], clock: Clock) -> None:
    tokens = [http.get("/status/1").text for _ in range(3)]
    assert (1, 1) == (len(reads), len(set(tokens)))
    clock.passes(seconds=1.999)
    assert tokens[0] == http.get("/status/1").text
    clock.passes(seconds=0.001)
    assert tokens[0] != http.get("/status/1").text
    assert 2 == len(reads)


def test_a_clock_that_was_put_back_keeps_no_list(
    http: FlaskClient, broker: Broker, record: ConsentRecord, clock: Clock
) -> None:
    clock.passes(days=1)
    http.get("/status/1")
    clock.passes(days=-1)
    ended(broker, record)
    assert 1 in parse_status_list(http.get("/status/1").text).packed.translate(bytes(1) + bytes([1]) * 255)


def test_many_who_ask_at_once_are_answered_from_one_reading(http: FlaskClient, reads: list[str]) -> None:
    tokens: list[str] = []
    threads = [
        Thread(target=lambda: tokens.append(http.application.test_client().get("/status/1").text)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (1, 8, 1) == (len(reads), len(tokens), len(set(tokens)))


def test_who_has_the_same_entries_needs_no_newer_copy_for_half_of_its_life(
    http: FlaskClient, broker: Broker, record: ConsentRecord, clock: Clock
) -> None:
    def asks(etag: str) -> int:
        return http.get("/status/1", headers={"If-None-Match": etag}).status_code

    clock.now = clock.now.replace(minute=0, second=1)
    first = http.get("/status/1").headers["ETag"]
    clock.passes(minutes=29)
    assert (304, b"") == (asks(first), http.get("/status/1", headers={"If-None-Match": first}).data)
    clock.passes(minutes=1)
    assert 200 == asks(first)
    later = http.get("/status/1").headers["ETag"]
    ended(broker, record)
    clock.passes(seconds=3)
    assert 200 == asks(later)


#: Who may ask changes nothing: there is nobody to be.
ASKERS: list[Callable[[FlaskClient, str], str]] = [
    lambda http, path: http.get(path).text,
    lambda http, path: http.get(path, headers={"Authorization": "Bearer made-up", "Cookie": "a=b"}).text,
]


@pytest.mark.parametrize("path", ["/status", "/status/1"])
def test_the_answer_is_the_same_whoever_asks(http: FlaskClient, path: str) -> None:
    assert 1 == len({ask(http, path) for ask in ASKERS})


def test_a_receipt_leads_to_its_own_entry(http: FlaskClient, broker: Broker, record: ConsentRecord) -> None:
    ended(broker, record)
    listed = parse_status_list(http.get("/status/1").text)
    with broker.database.reading() as tx:
        places = {row[0] for row in tx.exec_driver_sql("SELECT position FROM status_entries")}
    assert places == {index for index in range(2**17) if listed.value_of(index)}
    assert payload_of(http.get("/status/1").text)["sub"] == listed.uri

"""What is looked up twice a second is found by index, however much waits; and work on a stream is leased by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, all_at_once, seeded_random
from sqlalchemy import event

from broker.core.delivery import Method, Stream
from broker.store.database import Database
from broker.store.deliveries import last_of_kind, next_deliveries, overdue
from broker.store.events import save_event
from broker.store.sealing import store_sealer
from broker.store.streams import (
    Work,
    change_stream,
    drop_stream,
    find_stream,
    lease_stream,
    release_stream,
    save_stream,
    streams_to_push,
    troubled_streams,
)
from broker.store.transaction import Transaction

STORE = store_sealer({1: b"s" * 32}, seeded_random())
STREAM = Stream(
    client_id="c", stream_id="s", method=Method.PUSH, endpoint_url="https://shop.example/", authorization="Bearer x",
    requested=("https://a.example/event",), description="ours", created_at=NOON,
)  # fmt: skip
SECOND = timedelta(seconds=1)


@pytest.fixture
def streamed(database: Database) -> Database:
    """Give a database with a stream, and something to push on it."""
    with database.transaction() as tx:
        assert save_stream(tx, STREAM, store=STORE)
        for number in range(3):
            ids = dict.fromkeys(("event_id", "grant_id", "receipt_id", "given_id", "txn"), str(number))
            save_event(tx, account=b"a" * 16, client_id="c", kind="consent-granted", now=NOON, **ids)
    return database


def plan_of(database: Database, look: Callable[[Transaction], object]) -> list[str]:
    """How SQLite goes about the first question that a look asks."""
    asked: list[tuple[str, object]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *it: asked.append((it[2], it[3])))
    with database.reading() as tx:
        look(tx)
        statement, values = next(it for it in asked if it[0].startswith("SELECT"))
        return [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]  # type: ignore[arg-type]


LOOKS: dict[str, Callable[[Transaction], object]] = {
    "what goes next": lambda tx: next_deliveries(tx, "c", now=NOON, limit=50),
    "which streams": lambda tx: streams_to_push(tx, now=NOON, limit=50),
    "what is overdue": lambda tx: overdue(tx, since=NOON),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
@pytest.mark.parametrize("analysed", [False, True])
def test_no_look_walks_over_what_waits(
    own_sqlite: Database, look: Callable[[Transaction], object], *, analysed: bool
) -> None:
    with own_sqlite.engine.begin() as tx:
        if analysed:
            tx.exec_driver_sql("ANALYZE")
    plan = plan_of(own_sqlite, look)
    assert [line for line in plan if "deliveries" in line]
    sorts = "B-TREE" if look is not LOOKS["which streams"] else "B-TREE FOR DISTINCT"  # streams are few, and sorted
    assert [] == [line for line in plan if line.startswith("SCAN deliveries") or sorts in line]


def test_when_a_client_last_asked_for_a_verification_is_found_among_its_notices_alone(own_sqlite: Database) -> None:
    (plan,) = plan_of(own_sqlite, lambda tx: last_of_kind(tx, "c", "verification"))
    assert "(client_id=? AND queue>? AND queue<?)" in plan


def test_a_stream_is_kept_as_it_was_set_up_and_what_goes_with_a_push_is_sealed(streamed: Database) -> None:
    with streamed.transaction() as tx:
        assert STREAM == find_stream(tx, "c", store=STORE)
        assert not save_stream(tx, STREAM, store=STORE)
        raw = tx.exec_driver_sql("SELECT sealed_authorization FROM streams").scalar_one()
        assert b"Bearer" not in bytes(raw)
        drop_stream(tx, "c")
        assert None is find_stream(tx, "c", store=STORE)


def leased(database: Database, holder: str, *, after: int = 0) -> Work | None:
    """Try to take the stream for ten seconds."""
    now = NOON + after * SECOND
    with database.transaction() as tx:
        return lease_stream(tx, "c", holder, now=now, until=now + 10 * SECOND)


def test_a_stream_is_worked_on_by_one_until_they_give_it_back_or_their_time_is_over(streamed: Database) -> None:
    assert (Work(), None) == (leased(streamed, "one"), leased(streamed, "two", after=9))
    assert Work() == leased(streamed, "two", after=10)
    with streamed.transaction() as tx:
        assert not release_stream(tx, "c", "one", Work(failures=7), until=NOON + 10 * SECOND)
        assert release_stream(tx, "c", "two", Work(failures=1), until=NOON + 20 * SECOND)
    assert Work(failures=1) == leased(streamed, "three", after=11)


def test_of_more_streams_than_are_looked_at_those_come_that_wait_longest(streamed: Database) -> None:
    with streamed.transaction() as tx:
        for client_id, since in (("a", NOON + SECOND), ("b", NOON - SECOND)):
            assert save_stream(tx, replace(STREAM, client_id=client_id, stream_id=client_id), store=STORE)
            ids = dict.fromkeys(("event_id", "grant_id", "receipt_id", "given_id", "txn"), client_id)
            save_event(tx, account=b"a" * 16, client_id=client_id, kind="consent-granted", now=since, **ids)
        assert ["b", "c", "a"] == streams_to_push(tx, now=NOON + SECOND, limit=9)
        assert ["b"] == streams_to_push(tx, now=NOON + SECOND, limit=1)


def test_of_many_who_would_work_on_a_stream_one_does(streamed: Database) -> None:
    assert 1 == sum(work is not None for work in all_at_once(8, lambda number: leased(streamed, str(number))))


def test_who_works_on_a_stream_that_was_changed_writes_nothing_of_it_and_lets_it_go(streamed: Database) -> None:
    leased(streamed, "one")
    with streamed.transaction() as tx:
        change_stream(tx, STREAM, store=STORE)
    assert leased(streamed, "two") is None  # the first is at it still
    with streamed.transaction() as tx:
        assert not release_stream(tx, "c", "one", Work(failures=7), until=NOON + 10 * SECOND)
    assert Work() == leased(streamed, "two")
    with streamed.transaction() as tx:
        assert not release_stream(tx, "c", "one", Work(failures=7), until=NOON + 10 * SECOND)
    assert leased(streamed, "three") is None


def test_a_receiver_that_rests_is_left_alone_and_a_changed_stream_is_not(streamed: Database) -> None:
    gone = Work(failures=3, rests_until=NOON + 5 * SECOND, troubled_since=NOON)
    leased(streamed, "one")
    with streamed.transaction() as tx:
        release_stream(tx, "c", "one", gone, until=NOON + 10 * SECOND)
        assert ([], ["c"]) == tuple(streams_to_push(tx, now=NOON + after * SECOND, limit=9) for after in (4, 5))
        assert (["c"], []) == tuple(troubled_streams(tx, since=NOON + after * SECOND) for after in (0, -1))
    assert (None, gone) == (leased(streamed, "one", after=4), leased(streamed, "one", after=5))
    with streamed.transaction() as tx:
        change_stream(tx, STREAM, store=STORE)
    assert Work() == leased(streamed, "one", after=20)

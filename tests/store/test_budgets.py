"""Budgets that many processes count in: exact, whoever dies, and nobody's but one's own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from builders import an_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from broker.core.budget import FULL, SECOND, Allowance, Budget, Limits
from broker.errors import TooManyRequests, Unavailable
from broker.store import budget_ahead, budget_file
from broker.store.budget_ahead import AheadBudgets, ahead_of
from broker.store.budget_file import FileBudgets
from broker.store.budget_rows import RowBudgets
from broker.store.budgets import open_budgets
from broker.store.connecting import Manner
from broker.store.counting import Budgets, Unlimited
from broker.store.database import Database

NOW = 1_795_000_000 * SECOND
ONE, OTHER = an_id("one"), an_id("other")
SMALL = Limits(*(Budget.of(per_minute=60, store=number) for number in (10, 100, 5)))
PROCESSES, STORE = 3, 1_500
#: In another process: take until nothing is left, and say how often something was there.
HAMMER = """
import sys
from broker.core.budget import Budget, Limits
from broker.errors import TooManyRequests
where, client_id, store = sys.argv[1], sys.argv[2], int(sys.argv[3])
limits = Limits(*(Budget.of(per_minute=1, store=store) for _ in range(3)))
if "://" in where:
    from broker.store import budget_ahead
    from broker.store.budget_rows import RowBudgets
    from broker.store.connecting import Manner
    budget_ahead._PART = int(sys.argv[4])
    budgets = budget_ahead.AheadBudgets(RowBudgets(where, limits, manner=Manner(), now=10**18))
else:
    from broker.store.budget_file import FileBudgets
    budgets = FileBudgets(where, limits, clock=lambda: 10**18)
print("ready", flush=True)
sys.stdin.readline()
number = 0
try:
    while True:
        budgets.take(client_id, requests=1, items=1)
        number += 1
except TooManyRequests:
    print(number)
"""
#: In another process: hold the slot of a client until the process ends.
HOLD = """
import sys, time
from broker.core.budget import Budget, Limits
from broker.store.budget_file import FileBudgets
def clock():
    print("held", flush=True)
    time.sleep(60)
FileBudgets(sys.argv[1], Limits(Budget.of(per_minute=60, store=10)), clock=clock).take(sys.argv[2])
"""


class Clock:
    """Nanoseconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Give the name of a SQLite database."""
    return str(tmp_path / "broker.db")


Opened = Callable[[Limits], tuple[Budgets, Callable[[int], None]]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opened(request: pytest.FixtureRequest, file: str, clock: Clock) -> Iterator[Opened]:
    """Give a way to open budgets of each kind, and to let seconds pass there."""
    made: list[Budgets] = []

    def on_sqlite(limits: Limits) -> tuple[Budgets, Callable[[int], None]]:
        made.append(FileBudgets(file, limits, clock=clock))
        return made[-1], lambda seconds: setattr(clock, "now", clock.now + seconds * SECOND)

    def on_postgres(limits: Limits) -> tuple[Budgets, Callable[[int], None]]:
        database: Database = request.getfixturevalue("postgres_database")
        url = database.engine.url.render_as_string(hide_password=False)
        rows = RowBudgets(url, limits, manner=Manner(), now=NOW)
        made.append(rows)
        return rows, lambda seconds: setattr(rows, "now", (rows.now or 0) + seconds * SECOND)

    yield on_sqlite if request.param == "sqlite" else on_postgres
    for budgets in made:
        budgets.close()


def refused(take: Callable[[], object]) -> TooManyRequests:
    """What is said to who may not."""
    with pytest.raises(TooManyRequests) as told:
        take()
    return told.value


def test_a_budget_is_given_to_its_end_and_comes_back_with_time(opened: Opened) -> None:
    budgets, passes = opened(SMALL)
    assert [9, 0] == [budgets.take(ONE).left[0], budgets.take(ONE, requests=9).left[0]]
    error = refused(lambda: budgets.take(ONE))
    assert (("requests",), 1, (0, 100, 5)) == (error.spent, error.retry_after, error.left)
    assert "the budget of requests is spent; nothing was done, so ask again in 1 s" == error.detail
    passes(1)
    assert 0 == budgets.take(ONE).left[0]
    assert 3 == refused(lambda: budgets.take(ONE, requests=3)).retry_after


def test_what_is_refused_takes_nothing_of_any_budget(opened: Opened) -> None:
    budgets, _passes = opened(SMALL)
    budgets.take(ONE, items=60)
    assert ("items",) == refused(lambda: budgets.take(ONE, items=60)).spent
    assert (8, 0, 5) == budgets.take(ONE, items=40).left


def test_misses_are_noted_afterwards_and_hold_up_items_alone(opened: Opened) -> None:
    budgets, passes = opened(SMALL)
    assert (10, 100, 0) == budgets.note(ONE, misses=12).left
    error = refused(lambda: budgets.take(ONE, items=1))
    assert (("misses",), 8) == (error.spent, error.retry_after)
    assert 9 == budgets.take(ONE, requests=1).left[0]
    passes(8)
    assert (9, 99, 1) == budgets.take(ONE, items=1).left


def test_what_must_be_let_through_is_counted_all_the_same(opened: Opened) -> None:
    budgets, _passes = opened(SMALL)
    assert 0 == budgets.note(ONE, requests=11).left[0]
    assert 2 == refused(lambda: budgets.take(ONE)).retry_after


def test_more_than_a_store_holds_can_be_asked_when_it_is_full(opened: Opened) -> None:
    budgets, passes = opened(SMALL)
    budgets.take(ONE, items=250)
    assert 250 == refused(lambda: budgets.take(ONE, items=250)).retry_after
    passes(250)
    budgets.take(ONE, items=250)


def test_no_client_has_any_of_anothers(opened: Opened) -> None:
    budgets, _passes = opened(SMALL)
    budgets.take(ONE, requests=10, items=100)
    budgets.note(ONE, misses=99)
    assert (9, 99, 5) == budgets.take(OTHER, items=1).left


def test_a_limit_that_was_lowered_or_lifted_holds_at_once(opened: Opened) -> None:
    budgets, _passes = opened(SMALL)
    budgets.note(ONE, misses=10_000)
    without, _passes = opened(SMALL._replace(misses=Budget()))
    assert (9, 99, None) == without.take(ONE, items=1).left
    smaller, _passes = opened(SMALL._replace(requests=Budget.of(per_minute=60, store=1)))
    assert ("requests",) == refused(lambda: smaller.take(ONE)).spent


@pytest.mark.postgres
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(*(st.one_of(st.none(), st.integers(1, 50)) for _ in range(3))),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 60), st.integers(0, 9)), max_size=8),
)
def test_the_sql_counts_as_the_file_does(
    postgres_database: Database, tmp_path: Path, stores: tuple[int | None, ...], steps: list[tuple[int, ...]]
) -> None:
    limits = Limits(*(Budget.of(per_minute=77, store=store) if store else Budget() for store in stores))
    clock, client_id = Clock(), os.urandom(13).hex()
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    rows, file = RowBudgets(url, limits, manner=Manner()), FileBudgets(str(tmp_path / "a.db"), limits, clock=clock)
    for seconds, requests, items, misses in steps:
        clock.now += seconds * SECOND
        rows.now = clock.now
        told: list[object] = []
        for budgets in (rows, file):
            try:
                told.append(budgets.take(client_id, requests=requests, items=items).left)
            except TooManyRequests as error:
                told.append((error.spent, error.retry_after, error.left))
            told.append(budgets.note(client_id, misses=misses).left)
        assert told[:2] == told[2:]
    rows.close()


def hammered(where: str, client_id: str, *, store: int = STORE, part: int = 10_000) -> list[int]:
    """How often each of several processes was let take, all at once, until nothing was left."""
    command = [sys.executable, "-c", HAMMER, where, client_id, str(store), str(part)]
    hands = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    for hand in hands:
        assert hand.stdout is not None
        assert "ready\n" == hand.stdout.readline()
    for hand in hands:
        assert hand.stdin is not None
        hand.stdin.write("\n")
        hand.stdin.flush()
    return [int(hand.communicate(timeout=60)[0]) for hand in hands]


def test_processes_that_hammer_one_budget_take_exactly_its_number(file: str) -> None:
    taken = hammered(file, ONE)
    assert STORE == sum(taken), taken


@pytest.mark.postgres
@pytest.mark.parametrize("part", [10_000, 50], ids=["one by one", "six ahead"])
def test_processes_that_hammer_one_row_take_exactly_its_number(postgres_database: Database, part: int) -> None:
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    taken = hammered(url, ONE, store=STORE // 5, part=part)
    assert STORE // 5 == sum(taken), taken


LARGE = Limits(*(Budget.of(per_minute=60, store=50_000) for _ in range(3)))


@pytest.fixture
def ahead(postgres_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AheadBudgets, RowBudgets]]:
    """Give a worker's budgets, of which it takes five ahead, and the same as others see them."""
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    mine, others = (RowBudgets(url, LARGE, manner=Manner(), now=NOW) for _ in range(2))
    assert 5 == ahead_of(LARGE)
    monkeypatch.setattr(budget_ahead, "_FRESH", 60)
    yield AheadBudgets(mine), others
    mine.close()
    others.close()


@pytest.mark.postgres
def test_what_is_taken_ahead_is_given_away_or_brought_back(
    ahead: tuple[AheadBudgets, RowBudgets], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, others = ahead
    full = 50_000
    assert [full - 6] * 6 == [worker.take(ONE, items=1).left[0] for _ in range(6)], "one statement"
    assert full - 12 == worker.take(ONE, items=1).left[0]
    assert full - 112 == worker.take(ONE, items=100).left[1]
    monkeypatch.setattr(budget_ahead, "_FRESH", -1)
    worker.take(ONE, items=1)
    worker.take(ONE, items=1)
    worker.close()
    assert (full - 10, full - 109, full) == others.note(ONE).left


@pytest.mark.postgres
def test_misses_are_reported_together_and_stop_what_was_taken_ahead(ahead: tuple[AheadBudgets, RowBudgets]) -> None:
    worker, others = ahead
    worker.take(ONE, items=1)
    worker.note(ONE, misses=4)
    assert 50_000 == others.note(ONE).left[2]
    worker.note(ONE, misses=1)
    assert 49_995 == others.note(ONE).left[2]
    others.note(ONE, misses=49_990)
    worker.note(ONE, misses=5)
    assert ("misses",) == refused(lambda: worker.take(ONE, items=1)).spent


@pytest.mark.postgres
def test_who_is_refused_keeps_what_it_holds(ahead: tuple[AheadBudgets, RowBudgets]) -> None:
    worker, others = ahead
    worker.take(ONE, items=1)
    others.take(ONE, requests=0, items=49_900)
    assert ("items",) == refused(lambda: worker.take(ONE, items=200)).spent
    assert 94 == others.note(ONE).left[1]
    assert [0] * 2 == [worker.take(ONE, items=99).left[1], others.note(ONE).left[1]]


def test_threads_of_one_process_take_exactly_its_number(file: str, clock: Clock) -> None:
    budgets = FileBudgets(file, Limits(Budget.of(per_minute=1, store=400)), clock=clock)

    def take(_: int) -> int:
        number = 0
        try:
            while True:
                budgets.take(ONE)
                number += 1
        except TooManyRequests:
            return number

    with ThreadPoolExecutor(4) as hands:
        assert 400 == sum(hands.map(take, range(4)))


def test_who_dies_while_it_holds_a_slot_harms_nobody(file: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = FileBudgets(file, SMALL, clock=clock)
    budgets.take(ONE)
    with subprocess.Popen([sys.executable, "-c", HOLD, file, ONE], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        monkeypatch.setattr(budget_file, "_PATIENCE", 0.05)
        with pytest.raises(Unavailable, match="nothing was done"):
            budgets.take(ONE)
        assert 9 == budgets.take(OTHER).left[0], "another's slot is another lock"
        holder.send_signal(signal.SIGKILL)
        holder.wait(5)
        assert 8 == budgets.take(ONE).left[0]


def test_two_that_opened_it_in_one_process_exclude_each_other_and_neither_closes_for_both(
    file: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_file, "_PATIENCE", 0.05)
    one, two = FileBudgets(file, SMALL, clock=clock), FileBudgets(file, SMALL, clock=clock)
    two.take(ONE)
    one.take(ONE)
    slot = one._slots[ONE]  # noqa: SLF001 - a process that is stopped holds it so
    fcntl.fcntl(one._file, budget_file._TRY, slot.seize)  # noqa: SLF001 - the same
    with pytest.raises(Unavailable):
        two.take(ONE)
    two.close()
    three = FileBudgets(file, SMALL, clock=clock)
    with pytest.raises(Unavailable):
        three.take(ONE)
    fcntl.fcntl(one._file, budget_file._TRY, slot.free)  # noqa: SLF001 - the same
    assert 7 == three.take(ONE).left[0]


def test_each_client_has_a_slot_of_its_own_however_many_come_and_from_wherever(file: str, clock: Clock) -> None:
    several = [FileBudgets(file, SMALL, clock=clock) for _ in range(3)]
    names = [an_id(f"{chr(97 + number // 20)}{chr(97 + number % 20)}") for number in range(60)]
    for number, name in enumerate(names):
        several[number % 3].take(name)
    for number, name in enumerate(names):
        assert 8 == several[(number + 1) % 3].take(name).left[0]


def test_a_file_that_is_full_is_no_reason_to_count_for_somebody_else(
    file: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_file, "SLOTS", 2)
    budgets = FileBudgets(file, SMALL, clock=clock)
    budgets.take(ONE)
    with pytest.raises(Unavailable, match="nothing was done"):
        budgets.take(OTHER)


def test_the_file_is_for_whom_the_database_is_for_and_names_nobody(file: str, clock: Clock) -> None:
    Path(file).touch(mode=0o640)
    FileBudgets(file, SMALL, clock=clock).take(ONE)
    made = Path(f"{file}-budgets")
    assert 0o640 == made.stat().st_mode & 0o777
    assert ONE.encode() not in made.read_bytes()
    Path(file).unlink()
    made.unlink()
    made.symlink_to(file)
    with pytest.raises(Unavailable):
        FileBudgets(file, SMALL, clock=clock).take(ONE)


def test_without_limits_nothing_is_counted_and_no_file_made(file: str, clock: Clock) -> None:
    budgets = open_budgets(f"sqlite:///{file}", Limits(), clock=clock, manner=Manner())
    assert isinstance(budgets, Unlimited)
    assert (
        (None, None, None) == budgets.take(ONE, requests=10**9, items=10**9).left == Allowance(Limits(), FULL, 0).left
    )
    assert not Path(f"{file}-budgets").exists()


@pytest.mark.postgres
def test_the_table_is_not_logged_and_one_statement_is_a_commit(postgres_database: Database) -> None:
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    budgets = open_budgets(url, SMALL, clock=Clock(), manner=Manner())
    budgets.take(ONE)
    with postgres_database.reading() as tx:
        assert "u" == tx.execute(text("SELECT relpersistence FROM pg_class WHERE relname = 'budgets'")).scalar_one()
        assert [ONE] == tx.execute(text("SELECT client_id FROM budgets")).scalars().all()
    budgets.close()


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_a_store_that_cannot_be_reached() -> None:
    budgets = open_budgets("postgresql+psycopg://nobody@127.0.0.1:1/none", SMALL, clock=Clock(), manner=Manner())
    with pytest.raises(Unavailable, match="nothing was done"):
        budgets.take(ONE)

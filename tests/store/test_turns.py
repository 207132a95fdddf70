"""Turns: who goes first begins at once, who may wait begins when nobody does, and nobody waits for ever."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from broker.errors import Unavailable
from broker.store import turns
from broker.store.turns import AT_ONCE, LOOKS, Turns

#: In another process, say so once somebody goes first there, and end when told to.
ELSEWHERE = """
import sys
from pathlib import Path
from broker.store.turns import Turns
with Turns(Path(sys.argv[1])).first():
    print("first", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the name of a database."""
    return tmp_path / "broker.db"


@contextmanager
def begun(turn: Callable[[], AbstractContextManager[Callable[[], None]]]) -> Iterator[Event]:
    """Let somebody begin in a thread; give what is set once that is so, which it never is for who is told to go."""
    begins, over = Event(), Event()

    def wait() -> None:
        with suppress(Unavailable), turn() as has_begun:
            has_begun()
            begins.set()
            over.wait(10)

    thread = Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield begins
    finally:
        over.set()
        thread.join(10)


def begun_in_turn(of: Turns) -> AbstractContextManager[Event]:
    """Let somebody who may wait begin in a thread."""
    return begun(of.in_turn)


def test_nobody_begins_in_turn_while_somebody_goes_first_and_then_at_once(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_COURTESY", 60)
    with ExitStack() as first:
        first.enter_context(Turns(file).first())
        with begun_in_turn(Turns(file)) as begins:
            assert not begins.wait(0.1)
            first.close()
            assert begins.wait(5)


def test_on_a_database_without_a_file_that_holds_within_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_COURTESY", 60)
    of = Turns(None)
    with ExitStack() as first:
        first.enter_context(of.first())
        with begun_in_turn(of) as begins:
            assert not begins.wait(0.1)
            first.close()
            assert begins.wait(5)


def test_those_who_go_first_wait_for_nobody_who_has_begun_and_for_nobody_of_their_own(file: Path) -> None:
    with begun_in_turn(Turns(file)) as begins:
        assert begins.wait(5)
        began = monotonic()
        with Turns(file).first(), Turns(file).first():
            assert monotonic() - began < 1


def test_one_begins_in_turn_at_a_time(file: Path) -> None:
    with begun_in_turn(Turns(file)) as one:
        assert one.wait(5)
        with begun_in_turn(Turns(file)) as other:
            assert not other.wait(0.1)


def test_it_holds_between_processes_and_ends_with_the_one_that_died(file: Path) -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"first\n"
        with begun_in_turn(Turns(file)) as begins:
            assert not begins.wait(0.1)
            other.kill()
            assert begins.wait(5)


@contextmanager
def held_for_ever(file: Path, which: str) -> Iterator[None]:
    """Hold a lock as a process does that was stopped while it had it."""
    with file.with_name(f"{file.name}-{which}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_process_that_was_stopped_at_the_head_stops_nobody_who_goes_first(file: Path) -> None:
    with held_for_ever(file, "first"), begun(Turns(file).first) as has_begun:
        assert has_begun.wait(5)


def test_a_process_that_was_stopped_at_the_head_has_the_others_told_in_time(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    of = Turns(file)
    with held_for_ever(file, "queue"), begun(of.in_turn) as one, begun(of.in_turn) as other:
        assert not one.wait(0.3)
        assert not other.is_set()
    with of.in_turn() as has_begun:
        has_begun()


def test_whoever_goes_first_all_the_time_cannot_keep_the_others_out(file: Path) -> None:
    with Turns(file).first(), begun_in_turn(Turns(file)) as begins:
        assert begins.wait(5)


def test_too_many_at_once_are_told_to_come_again_and_that_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    of, inside, over = Turns(None), [Event() for _ in range(AT_ONCE)], Event()

    def hold(event: Event) -> None:
        with of.in_turn(f"client {inside.index(event) % 2}"):
            event.set()
            over.wait(10)

    with ThreadPoolExecutor(AT_ONCE) as hands:
        held = [hands.submit(hold, event) for event in inside]
        assert all(event.wait(5) for event in inside)
        with pytest.raises(Unavailable, match="nothing was done"), of.in_turn():
            pytest.fail("there was a turn")
        with of.first():
            over.set()
        for one in held:
            one.result()
    with of.in_turn() as has_begun:
        has_begun()


@pytest.mark.parametrize("whose", ["one client", ""], ids=["one client", "strangers"])
def test_one_client_has_half_of_the_turns_and_of_the_looks_at_most(monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    of = Turns(None)
    with ExitStack() as held:
        for turn, number in ((of.in_turn, AT_ONCE), (of.look, LOOKS)):
            for _ in range(number // 2):
                held.enter_context(turn(whose))
            with pytest.raises(Unavailable, match="nothing was done"), turn(whose):
                pytest.fail("it had more than half")
            for _ in range(number // 2):
                held.enter_context(turn("another client"))
    with of.in_turn(whose), of.look(whose):
        pass


def test_too_many_looks_at_once_are_told_to_come_again_and_none_is_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    of = Turns(None)
    with ExitStack() as looking:
        for number in range(LOOKS):
            looking.enter_context(of.look(f"client {number % 2}"))
        with pytest.raises(Unavailable, match="nothing was done"), of.look():
            pytest.fail("there was a place")
        with of.in_turn() as has_begun, of.first():
            has_begun()
    with of.look():
        pass


def test_a_place_that_cannot_be_written_to_is_a_store_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(Unavailable), Turns(tmp_path / "nowhere" / "broker.db").first():
        pytest.fail("there is no such folder")


def locked_once(file: Path) -> list[Path]:
    """Take each lock once, and return their files."""
    with Turns(file).first(), Turns(file).in_turn():
        return [file.with_name(f"{file.name}-{which}") for which in ("queue", "first")]


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o660, 0o660), (0o644, 0o640)])
def test_the_locks_are_for_whom_the_database_is_and_for_nobody_else(
    file: Path, mode: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_COURTESY", 0)
    file.touch()
    file.chmod(mode)
    assert [expected] * 2 == [lock.stat().st_mode & 0o777 for lock in locked_once(file)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_locked_the_server_can_lock(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_COURTESY", 0)
    file.touch()
    os.chown(file, 65534, 65534)
    assert [(65534, 65534)] * 2 == [(lock.stat().st_uid, lock.stat().st_gid) for lock in locked_once(file)]


def test_a_lock_that_leads_elsewhere_is_not_taken(file: Path, tmp_path: Path) -> None:
    (tmp_path / f"{file.name}-first").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable), Turns(file).first():
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_of_one_process_one_writes_at_a_time_and_wakes_the_next(file: Path) -> None:
    here, elsewhere = Turns(file), Turns(file)
    with ExitStack() as later:
        with begun(here.first) as one:
            assert one.wait(10)
            another, waits = later.enter_context(begun(elsewhere.first)), later.enter_context(begun(here.first))
            assert another.wait(10)  # another process asks SQLite itself
            assert not waits.wait(0.05)
        assert waits.wait(10)


def test_nobody_waits_for_themselves_to_write(file: Path) -> None:
    turns = Turns(file)
    begins = monotonic()
    with turns.first(), turns.first():
        assert monotonic() - begins < 1

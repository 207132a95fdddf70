"""Duties beside the workers: each in its own thread, with failures of its own, said once, and ended when asked."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from broker.errors import BadConfiguration, Unavailable
from broker.tending import PERIOD, Duty, says_something_new

#: What is waited for here is a signal, or the end of a patience.
pytestmark = pytest.mark.long


@dataclass
class Hand:
    """Somebody who does what the test says in each turn."""

    acts: Iterator[Exception | None]
    turns: int = 0
    closed: bool = False
    done: Event = field(default_factory=Event)

    def turn(self) -> None:
        """Take a turn."""
        self.turns += 1
        try:
            failure = next(self.acts)
        except StopIteration:
            self.done.set()
            return
        if failure is not None:
            raise failure

    def close(self) -> None:
        """End."""
        self.closed = True


def a_duty(begin: Callable[[], Hand], name: str = "works") -> Duty:
    return Duty(name, f"{name} is not done", f"{name} is done again", begin)


def tended(duty: Duty, *, turns: int) -> list[float]:
    """Take so many turns; return how long each pause was to be."""
    pauses: list[float] = []
    duty.tend(lambda: len(pauses) < turns, pauses.append)
    return pauses


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_duty_takes_a_turn_every_half_second_and_ends_what_it_began() -> None:
    hand = Hand(iter([None] * 9))
    assert [PERIOD] * 4 == tended(a_duty(lambda: hand), turns=4)
    assert (3, True) == (hand.turns, hand.closed)  # the first turn opened what it works with


def test_what_fails_is_left_alone_for_longer_and_longer_and_then_taken_up_again() -> None:
    failures = [Unavailable("the store did not finish")] * 5
    pauses = tended(a_duty(lambda: Hand(iter([*failures, None]))), turns=7)
    assert [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 0.5] == pauses


def test_the_same_trouble_is_said_once_another_again_and_its_end_as_well(caplog: pytest.LogCaptureFixture) -> None:
    broken, lost = Unavailable("the store did not finish"), FileNotFoundError(2, "No such file", "a.mark")
    acts = [broken, broken, lost, None, None, ZeroDivisionError()]
    tended(a_duty(lambda: Hand(iter(acts))), turns=7)
    lines = said(caplog)
    assert [
        "works is not done: the store did not finish", "works is not done: a.mark: No such file", "works is done again"
    ] == lines[:3]  # fmt: skip
    assert lines[3].startswith("works is not done: unforeseen ZeroDivisionError at ")
    assert [logging.CRITICAL, logging.CRITICAL, logging.WARNING, logging.CRITICAL] == [
        record.levelno for record in caplog.records
    ]


def test_what_cannot_be_opened_is_tried_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    tries, hand = count(), Hand(iter([]))

    def begin() -> Hand:
        if next(tries) < 3:
            raise BadConfiguration("receipts-1.key is missing")
        return hand

    tended(a_duty(begin), turns=6)
    assert (2, ["works is not done: receipts-1.key is missing", "works is done again"]) == (hand.turns, said(caplog))


def test_of_a_trouble_that_was_told_of_nobody_else_writes_and_of_other_duties_they_do() -> None:
    record = logging.LogRecord("n", logging.ERROR, "", 0, "the store failed", None, None)
    seen: list[tuple[str, bool]] = []

    def telling(name: str, failure: Exception | None) -> Duty:
        class Telling(Hand):
            def turn(self) -> None:
                seen.append((name, says_something_new(record)))
                super().turn()

        return a_duty(lambda: Telling(iter([failure] * 9)), name)

    threads = [Thread(target=tended, args=(telling(name, failure),), kwargs={"turns": 3})
               for name, failure in (("ill", Unavailable("x")), ("well", None))]  # fmt: skip
    for thread in threads:
        thread.start()
        thread.join()
    assert [("ill", True), ("ill", False), ("well", True), ("well", True)] == seen
    assert says_something_new(record)


PROGRAM = """
import logging, sys
from broker.tending import Duty, tend
class Hand:
    def turn(self): sys.stdout.write("turn\\n") and sys.stdout.flush()
    def close(self): sys.stdout.write("closed\\n") and sys.stdout.flush()
tend([Duty("d", "f", "a", Hand), Duty("e", "f", "a", Hand)], beside=%s)
print("ended", flush=True)
"""


def running(beside: str) -> subprocess.Popen[str]:
    """Tend two duties in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM % beside], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("beside", "end"),
    [("None", signal.SIGTERM), ("None", signal.SIGINT), ("__import__('os').getppid()", signal.SIGTERM)],
)
def test_a_signal_ends_every_duty(beside: str, end: signal.Signals) -> None:
    process = running(beside)
    assert process.stdout
    assert "turn\n" == process.stdout.readline()
    process.send_signal(end)
    rest = process.communicate(timeout=10)[0].splitlines()
    assert (0, 2, "ended") == (process.returncode, rest.count("closed"), rest[-1])


def test_beside_a_process_that_is_gone_nothing_is_tended_for_long() -> None:
    process = running(str(os.getpid() + 4_000_000))
    assert process.communicate(timeout=10)[0].splitlines()[-1] == "ended"


def test_a_slow_duty_keeps_no_other_waiting() -> None:
    stop, hands = Event(), [Hand(iter([None] * 99)), Hand(iter([None] * 99))]
    hands[0].turn = lambda: sleep(1.0)  # type: ignore[method-assign]
    ends = monotonic() + 1.0
    duties = [a_duty(lambda hand=hand: hand) for hand in hands]  # type: ignore[misc]
    threads = [
        Thread(target=duty.tend, args=(lambda: monotonic() < ends, lambda _: stop.wait(0.01))) for duty in duties
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hands[1].turns > 10

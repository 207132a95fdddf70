"""What goes on beside the workers: one process that tends several duties, each in a thread, with its own failures.

A duty is a turn that is taken again and again. What fails is tried again, and said once: the next line comes when
something else is wrong, or nothing is. No duty waits for another, and an idle one costs a look at the database.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic, sleep
from typing import Protocol, Self

from broker import watching
from broker.errors import BrokerError, in_one_line

#: How often a turn is taken, in seconds.
PERIOD = 0.5
#: How long it leaves alone what has failed, at most.
_PATIENCE = 5.0
#: How long the process may take to end after it was asked to.
_FAREWELL = 10.0
_HERE = threading.local()
log = logging.getLogger(__name__)


class Worker(Protocol):
    """Who does a duty."""

    def turn(self) -> None:
        """Do what there is to do now."""

    def close(self) -> None:
        """End what is on its way."""


@dataclass
class Duty:
    """What is done again and again; ``failing`` and ``again`` are what is said when it cannot be, and can again.

    ``begin`` opens what it needs and returns who does it; it is called again until it does.
    """

    name: str
    failing: str
    again: str
    begin: Callable[[], Worker]
    trouble: str | None = field(default=None, init=False)

    def tend(self, wanted: Callable[[], bool], pause: Callable[[float], object]) -> None:
        """Take turns for as long as it is *wanted*."""
        _HERE.duty, failures, worker = self, 0, list[Worker]()
        while wanted():
            done = self._attempt(worker[0].turn if worker else lambda: worker.append(self.begin()))
            watching.count_turn(self.name, failed=not done)
            failures = 0 if done else failures + 1
            pause(min(PERIOD * 2**failures, _PATIENCE))
        for who in worker:
            who.close()

    def _attempt(self, act: Callable[[], None]) -> bool:
        """Whether *act* did its work. Whatever it fails with, things stay as they are and the next turn may mend it."""
        try:
            act()
        except BrokerError as error:
            self._say(error.detail)
        except OSError as error:
            self._say(in_one_line(error))
        except Exception as error:  # noqa: BLE001 - a duty that ends would only be started again
            self._say(f"unforeseen {type(error).__name__} at {_place_of(error)}")
        else:
            self._say(None)
            return True
        return False

    def _say(self, trouble: str | None) -> None:
        if trouble and trouble != self.trouble:
            log.critical("%s: %s", self.failing, trouble)
        elif self.trouble and not trouble:
            log.warning("%s", self.again)
        self.trouble = trouble


def tend(duties: Sequence[Duty], *, beside: int | None) -> None:
    """Tend *duties* until a signal ends it, or, *beside* a process, until that is no longer the parent."""
    asked, stop = _asked_to_end(beside=beside), Event()

    def wanted() -> bool:
        # Compared with a number that the parent gave: one that died before this line leaves no orphan either.
        return not (asked or stop.is_set()) and beside in {None, os.getppid()}

    threads = [Thread(target=duty.tend, args=(wanted, stop.wait), name=duty.name) for duty in duties]
    for thread in threads:
        thread.start()
    while wanted():
        sleep(PERIOD)
    stop.set()
    for thread in threads:
        thread.join()


def says_something_new(_record: logging.LogRecord) -> bool:
    """A filter for what others write, in a duty's thread, of a failure that was told of already."""
    duty: Duty | None = getattr(_HERE, "duty", None)
    return duty is None or duty.trouble is None


class Companion:
    """The duties as a process of its own, begun again when it ends before it should."""

    def __init__(self) -> None:
        self._stopping = Event()
        self._watcher = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._process = _start()
        self._watcher.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._stopping.set()
        ends = monotonic() + _FAREWELL
        while self._watcher.is_alive():
            # Asked again and again: the watcher may just have begun another one.
            self._process.terminate() if monotonic() < ends else self._process.kill()
            self._watcher.join(0.1)

    def _watch(self) -> None:
        while True:
            status = self._process.wait()
            if self._stopping.wait(PERIOD):
                return
            log.error("the companion ended with status %s and is started again", status)
            with suppress(OSError):  # no process to be had now: the next look finds the old one ended still
                self._process = _start()


def _start() -> subprocess.Popen[bytes]:
    # -P: the broker that is installed, not a folder of that name where the command happens to run.
    command = [sys.executable, "-P", "-m", "broker.cli", "tend", "--beside", str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command


def _asked_to_end(*, beside: int | None) -> list[int]:
    """A list that holds SIGTERM once that came, and Ctrl-C where nobody else ends this process after the requests.

    No event: a handler runs in the middle of whatever this thread does, and who waits for an event holds its lock.
    """
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN if beside else lambda number, _frame: asked.append(number))
    return asked


def _place_of(error: BaseException) -> str:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-4:])

"""The sequencer: one process beside the workers that keeps the log, so that no request ever waits for the tree head."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import IO, Self

from broker.actions.broker import Broker
from broker.actions.keep_log import HeadMoved, keep_log
from broker.actions.publish_log import Cosign
from broker.actions.replay_erasures import follow_journal
from broker.errors import BrokerError, LogForked, in_one_line
from broker.proof.journal import JournalMark

#: How often it looks; a leaf is in a checkpoint within five seconds.
PERIOD = 0.5
#: How long it leaves alone what has failed, at most.
_PATIENCE = 5.0
#: How long it may take to end after it was asked to.
_FAREWELL = 10.0
LOCK = "log.lock"
log = logging.getLogger(__name__)
#: What a sequencer works with, opened: the broker, and whom it asks to cosign.
Opened = tuple[Broker, Cosign]


@dataclass
class Sequencer:
    """Keeps the log until *stop* is set, or, *beside* a process, until that is no longer its parent.

    What fails is tried again, and said once: the next line comes when something else is wrong, or nothing is.
    """

    stop: Event
    beside: int | None = None
    _trouble: str | None = field(default=None, init=False)
    _lock: IO[str] | None = field(default=None, init=False)
    _journal: JournalMark | None = field(default=None, init=False)

    def run(self, opened: Opened) -> None:
        """Take turns."""
        failures = 0
        while self._wanted():
            failures = 0 if self._attempt(lambda: self._locked_turn(*opened)) else failures + 1
            self.stop.wait(min(PERIOD * 2**failures, _PATIENCE))

    def run_when_open(self, opening: Callable[[], Opened]) -> None:
        """Take turns as soon as the broker can be opened: who puts a key file back need not start anything again."""
        found: list[Opened] = []
        while self._wanted() and not self._attempt(lambda: found.append(opening())):
            self.stop.wait(_PATIENCE)
        if found:
            self.run(found[0])

    def turn(self, broker: Broker, cosign: Cosign) -> None:
        """Carry out what the journal asks, and keep the log. Only one sequencer of a host may."""
        # First: a person can be erased when the log cannot be signed; the certificate's leaf waits then.
        self._journal = follow_journal(broker, self._journal)
        try:
            keep_log(broker, cosign)
        except LogForked:
            # Another database may have been put in this one's place, with people in it who were erased.
            self._journal = None
            raise

    def says_nothing_new(self, _record: logging.LogRecord) -> bool:
        """A filter for what others write of a failure that was told of already."""
        return self._trouble is None

    def _locked_turn(self, broker: Broker, cosign: Cosign) -> None:
        self._lock = self._lock or _locked(broker.log.marks / LOCK)
        if self._lock is not None:
            self.turn(broker, cosign)

    def _wanted(self) -> bool:
        # Compared with a number that the parent gave: one that died before this line leaves no orphan either.
        return not self.stop.is_set() and self.beside in {None, os.getppid()}

    def _attempt(self, act: Callable[[], None]) -> bool:
        """Whether *act* did its work. Whatever it fails with, the log stays as it is and the next look may mend it."""
        try:
            act()
        except HeadMoved:
            return True
        except BrokerError as error:
            self._say(error.detail)
        except OSError as error:
            self._say(in_one_line(error))
        except Exception as error:  # noqa: BLE001 - a sequencer that ends would only be started again
            self._say(f"unforeseen {type(error).__name__} at {_place_of(error)}")
        else:
            self._say(None)
            return True
        return False

    def _say(self, trouble: str | None) -> None:
        if trouble and trouble != self._trouble:
            log.critical("the log is not kept: %s", trouble)
        elif self._trouble and not trouble:
            log.warning("the log is kept again")
        self._trouble = trouble


def _locked(path: Path) -> IO[str] | None:
    """Hold a lock, which ends with the process; None while another sequencer on this host holds it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


class Companion:
    """The sequencer as a process of its own, begun again when it ends before it should."""

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
            log.error("the sequencer ended with status %s and is started again", status)
            with suppress(OSError):  # no process to be had now: the next look finds the old one ended still
                self._process = _start()


def _start() -> subprocess.Popen[bytes]:
    # -P: the broker that is installed, not a folder of that name where the command happens to run.
    command = [sys.executable, "-P", "-m", "broker.cli", "sequence", "--beside", str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command


def stop_on_signals(*, beside: int | None) -> Event:
    """An event that SIGTERM sets, and Ctrl-C where nobody else is there to end this process after the requests."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN if beside else lambda *_: stop.set())
    return stop


def _place_of(error: BaseException) -> str:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-4:])

"""A worker's tape: single answers are written to a file of its own before they are told, and filed by somebody later.

What was written survives the death of any process. It survives a power cut as well once it is synced: within 50 ms, or
before the answer where that is asked for. One lock is held while a record is written, and none while the disk is waited
for, but by those who wait for it too.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import NamedTuple

from broker.core.sheet import Outcome, decision_id
from broker.core.tape import MOST, answer_record, client_record, outcome_record
from broker.errors import Unavailable

#: Of a tape's file, and of the one that asks for a tape of a worker that is alive.
TAPE, WANTED = ".tape", ".wanted"
#: Seconds between two looks at a tape that is written to: with the sync itself, well within 50 ms.
_TICK = 0.02
#: Answers and seconds that one tape is for at most; after the first second, few answers are filed at once.
_MOST, _LONGEST = 50_000, 5.0
_FEW, _SOON = 500, 1.0
_DAY = 24 * 60 * 60 * 1_000_000
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
assert _MOST <= MOST  # noqa: S101 - all of it may be one client's
log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """One answer as it is recorded: ``at`` in microseconds since 1970, the ground of a permit."""

    at: int
    account: bytes
    identifier: bytes
    outcome: Outcome
    ground: str | None


@dataclass
class _Sheet:
    """What a client has on a tape: its number, its sheet, how many answers."""

    number: int
    sheet_id: str
    answers: int = 0


@dataclass
class Tape:
    """One file, held by a lock on it for as long as it is written to."""

    path: Path
    file: int
    day: int
    begun: float = field(default_factory=monotonic)
    answers: int = 0
    written: int = 0
    synced: int = 0
    sheets: dict[str, _Sheet] = field(default_factory=dict)
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    syncing: Lock = field(default_factory=Lock)
    closed: bool = False

    def takes(self, at: int) -> bool:
        """Whether it has room: a sheet is of one day."""
        return self.answers < _MOST and at // _DAY == self.day

    def is_over(self) -> bool:
        """Whether it is time to file it."""
        age = monotonic() - self.begun
        return age >= _LONGEST or (age >= _SOON and self.answers < _FEW) or self.path.with_suffix(WANTED).exists()

    def append(self, record: bytes) -> None:
        """Write whole records, or raise OSError and be as before."""
        if os.write(self.file, record) != len(record):
            os.ftruncate(self.file, self.written)
            raise OSError("there is no room for a whole record")
        self.written += len(record)

    def sync(self, upto: int) -> None:
        """Return when so many bytes are on the disk; who waits meanwhile is served by the same sync or the next."""
        with self.syncing:
            if self.synced < upto and not self.closed:
                written = self.written
                os.fdatasync(self.file)
                self.synced = written

    def close(self) -> None:
        """Let whoever files it have it."""
        self.sync(self.written)
        with self.syncing:
            if not self.closed:
                self.closed = True
                os.close(self.file)


class Recorded(NamedTuple):
    """Under which id an answer is recorded, and up to which byte of which tape."""

    decision_id: str
    tape: Tape
    upto: int


def _nothing() -> None:
    """Where nobody asked to be called."""


class Recorder:
    """Records answers on the tape at hand; with *before* each is on the disk before it may be told."""

    def __init__(self, folder: Path, *, instance: str, new_id: Callable[[], str], before: bool = False) -> None:
        self.folder, self.instance = folder, instance
        self._new_id, self._before = new_id, before
        self._lock, self._begun = Lock(), Event()
        self._tape: Tape | None = None
        self._keeper: Thread | None = None
        #: Called while answers are recorded, every few milliseconds, and once after the last.
        self.each_tick: Callable[[], None] = _nothing

    def record(self, client_id: str, answer: Answer) -> Recorded:
        """Write an answer down, or raise :class:`Unavailable`: then nothing may be told."""
        try:
            with self._lock:
                tape = self._at_hand(answer.at)
                decision_id = _write(tape, client_id, answer, self._new_id)
                return Recorded(decision_id, tape, tape.written)
        except OSError as error:
            raise self._refused(error) from None

    def make_last(self, recorded: Recorded) -> None:
        """Return when it may be told: where that is asked for, once it is on the disk. It waits, so hold no lock."""
        try:
            if self._before:
                recorded.tape.sync(recorded.upto)
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> Unavailable:
        log.critical("no answer can be recorded: %s", error.strerror or error)
        self.let_go()
        return Unavailable("the answer could not be recorded, so there is none; ask again in a moment")

    def let_go(self) -> None:
        """Let what was recorded up to now be filed."""
        with self._lock:
            tape, self._tape = self._tape, None
            self._begun.clear()
        if tape:
            _close(tape)

    def _at_hand(self, at: int) -> Tape:
        if self._tape is None or not self._tape.takes(at):
            full, self._tape = self._tape, None
            if full:
                _close(full)
            self._tape = _begin(self.folder, f"{self.instance}-{self._new_id()}", day=at // _DAY)
            self._begun.set()
            if self._keeper is None:
                self._keeper = Thread(target=self._keep, name="tape", daemon=True)
                self._keeper.start()
        return self._tape

    def _keep(self) -> None:
        """Sync what was written, again and again, and let a tape go when it is time."""
        while self._begun.wait():
            sleep(_TICK)
            tape = self._tape
            if tape is None:
                continue
            try:
                over = tape.is_over()
                tape.sync(tape.written)
            except OSError as error:
                log.critical("what was answered is not synced: %s", error.strerror or error)
                over = True
            if over:
                self._let_go_of(tape)
            self.each_tick()

    def _let_go_of(self, tape: Tape) -> None:
        with self._lock:
            if self._tape is tape:
                self._tape = None
                self._begun.clear()
        _close(tape)


def _write(tape: Tape, client_id: str, answer: Answer, new_id: Callable[[], str]) -> str:
    """Append an answer, and before it what it names that the tape does not know yet: all in one write."""
    new, known = b"", tape.outcomes
    sheet = tape.sheets.get(client_id)
    if sheet is None:
        sheet = _Sheet(len(tape.sheets), decision_id(new_id(), 0))
        new += client_record(client_id, sheet.sheet_id)
    outcome = known.get(answer.outcome)
    if outcome is None:
        outcome = len(known)
        new += outcome_record(answer.outcome)
    record = answer_record(
        sheet.number,
        outcome,
        sheet.answers,
        at=answer.at,
        account=answer.account,
        identifier=answer.identifier,
        ground=answer.ground,
    )
    tape.append(new + record)
    tape.sheets[client_id], known[answer.outcome] = sheet, outcome
    sheet.answers += 1
    tape.answers += 1
    return decision_id(sheet.sheet_id, sheet.answers - 1)


def _begin(folder: Path, name: str, *, day: int) -> Tape:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}{TAPE}"
    file = os.open(path, _NEW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sync_folder(folder)
    except OSError:
        os.close(file)
        path.unlink()
        raise
    return Tape(path, file, day)


def _sync_folder(folder: Path) -> None:
    """A file whose name is not on the disk is not there after a power cut, whatever was synced of it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _close(tape: Tape) -> None:
    try:
        tape.close()
    except OSError as error:
        log.critical("what was answered may not be on the disk: %s", error.strerror or error)
        with suppress(OSError):
            os.close(tape.file)

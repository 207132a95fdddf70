"""Whose transaction begins next: what may wait takes turns, and begins none while one that goes first is under way.

SQLite lets one write at a time and hands its lock to whoever happens to ask when it is free: under many writers, one of
them can wait for seconds. So those who may wait queue for a lock of their own, and the one at its head lets everybody
pass who does not queue. Both are locks on files beside the database, which end with the process that holds them; a
process that is stopped keeps them, so nobody waits for one without an end. Order is courtesy: what is right is the
database's own lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import BoundedSemaphore, Condition, Lock, RLock
from time import monotonic, sleep

from broker import watching
from broker.errors import Unavailable
from broker.store.beside import open_beside

#: Transactions that may wait, under way at once in one process: more would only share its one interpreter.
AT_ONCE = 4
#: Looks of those who may wait, at once in one process: with the transactions, fewer than it has connections.
LOOKS = 16
#: Seconds that one waits for its turn before it is told to come again.
PATIENCE = 5.0
#: Seconds that the head of the queue lets others pass: without an end, whoever opens pages all the time could stop it.
#: And seconds that those who go first wait for the head, which lets them pass as soon as it has begun.
_COURTESY = 0.5
_LOOK = 0.001


def _nothing() -> None:
    """Where no lock was taken."""


class Turns:
    """The order in which transactions on one database begin; *database* is SQLite's file, or None where none is."""

    def __init__(self, database: Path | None) -> None:
        self._queue = database and database.with_name(f"{database.name}-queue")
        self._first = database and database.with_name(f"{database.name}-first")
        self._few, self._looks = _Few(AT_ONCE, "transaction"), _Few(LOOKS, "look")
        self._head, self._pen = Lock(), RLock()
        self._ahead, self._changed = 0, Condition()

    @contextmanager
    def first(self) -> Iterator[Callable[[], None]]:
        """Begin at once; nobody who queues begins until the block ends."""
        self._count(1)
        try:
            with ExitStack() as passing:
                if self._first:
                    _lock(passing.enter_context(_opened(self._first)), fcntl.LOCK_SH, until=monotonic() + _COURTESY)
                with self._writing():
                    yield _nothing
        finally:
            self._count(-1)

    @contextmanager
    def in_turn(self, whose: str = "") -> Iterator[Callable[[], None]]:
        """Begin in turn; call what the block is given as soon as it has begun.

        *whose* it is, by name: of the turns and looks at once, each name has half at most, "" too, which is whoever
        has shown none. Raises :class:`Unavailable` when there was no turn in time; nothing was done then.
        """
        ends = monotonic() + PATIENCE
        with self._few.one(whose, until=ends):
            with self._changed:  # on any database: nobody of this process takes its interpreter from those who go first
                self._changed.wait_for(lambda: not self._ahead, _COURTESY)
            with self._at_head(until=ends), ExitStack() as passing:
                if self._first:  # what does not pass in time is not waited for
                    _lock(passing.enter_context(_opened(self._first)), fcntl.LOCK_EX, until=monotonic() + _COURTESY)
                with self._writing():
                    yield passing.close

    @contextmanager
    def look(self, whose: str = "") -> Iterator[None]:
        """Look as soon as few enough others do; *whose*, and :class:`Unavailable`, as with :meth:`in_turn`."""
        with self._looks.one(whose, until=monotonic() + PATIENCE):
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the one of this process that writes in SQLite's file, or asks to.

        Who finds the file locked sleeps, up to 0.1 s, and asks again: of sixteen at once most would be asleep while
        nobody writes, and some for seconds. Here they wake one after the other. It is taken last: who has it waits for
        the file's lock alone. After a while one asks without it; nobody waits for themselves.
        """
        mine = self._queue is not None and self._pen.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if mine:
                self._pen.release()

    @contextmanager
    def _at_head(self, *, until: float) -> Iterator[None]:
        """Be at the head of the queue: of this process first, so that one of it alone asks for the file's lock."""
        if self._queue is None:
            yield
            return
        if not self._head.acquire(timeout=max(0.0, until - monotonic())):
            raise _too_much()
        try:
            with _opened(self._queue) as file:
                if not _lock(file, fcntl.LOCK_EX, until=until):
                    raise _too_much()
                yield
        finally:
            self._head.release()

    def _count(self, more: int) -> None:
        with self._changed:
            self._ahead += more
            self._changed.notify_all()


class _Few:
    """So many at once, and half of them of one name at most: its others wait among themselves, and keep nobody out."""

    def __init__(self, number: int, kind: str) -> None:
        self._kind = kind
        self._all, self._half = BoundedSemaphore(number), number // 2
        self._of: dict[str, BoundedSemaphore] = {}  # names that were verified: no more than there are clients

    @contextmanager
    def one(self, whose: str, *, until: float) -> Iterator[None]:
        """Be one of them, or raise :class:`Unavailable`."""
        of = self._of.setdefault(whose, BoundedSemaphore(self._half))
        with _one_of(of, self._kind, until=until), _one_of(self._all, self._kind, until=until):
            yield


@contextmanager
def _one_of(few: BoundedSemaphore, kind: str, *, until: float) -> Iterator[None]:
    if not few.acquire(blocking=False):
        with watching.waiting_for(kind):
            begun = few.acquire(timeout=max(0.0, until - monotonic()))
        if not begun:
            raise _too_much()
    try:
        yield
    finally:
        few.release()


def _too_much() -> Unavailable:
    watching.count_turned_away("turn")
    return Unavailable("too much is asked at once; nothing was done, so ask again in a moment")


def _lock(file: int, kind: int, *, until: float) -> bool:
    """Take a lock, or say that there was none in time: flock itself would wait as long as a stopped process is."""
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                return False
            sleep(_LOOK)
        else:
            return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A description of its own: such locks hold between threads too."""
    file = open_beside(path)
    try:
        yield file
    finally:
        os.close(file)

"""Budgets on one machine: a file beside SQLite's, mapped into every worker, in which each client has a slot.

A slot is locked while it is counted in: between threads by a lock of the process, between processes by one on the
slot's first byte, which ends with the process that holds it. A process that was stopped keeps it, so nobody waits for
one without an end; and it keeps that client waiting, no other. Whoever loses the file fills everybody's budgets.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import NamedTuple

from broker.core.budget import Allowance, Limits, taken
from broker.errors import Unavailable
from broker.store.beside import open_beside
from broker.store.counting import take_from

#: A slot: the digest of its client's name, and the levels. Each is written in one piece (native order): a process that
#: dies half-way leaves a level as it was, or as it becomes.
_SLOT, _NAME, _LEVELS = 64, 32, struct.Struct("@qqq")
#: Clients that one file holds; the first slot is the file's own, and its lock that of the list of clients.
SLOTS = 65_536
_SIZE = SLOTS * _SLOT
#: Locks of open file descriptions: those of a process would end when it closes any description of the file.
_TRY = fcntl.F_OFD_SETLK
_FLOCK = struct.Struct("@hhqqi4x")
#: Seconds for which a slot is waited for, and between two looks: it is held for microseconds.
_PATIENCE, _LOOK = 1.0, 0.000_05


class _Slot(NamedTuple):
    """Where a client's levels lie, and what locks and frees them."""

    levels: int
    lock: Lock
    seize: bytes
    free: bytes


class FileBudgets:
    """Budgets in a file beside the SQLite *database*; *clock* gives nanoseconds, the same for all its processes."""

    def __init__(self, database: str, limits: Limits, *, clock: Callable[[], int]) -> None:
        self.limits, self._clock = limits, clock
        path = Path(database)
        self._path = path.with_name(f"{path.name}-budgets")
        self._file: int = -1
        self._map: mmap.mmap | None = None
        self._list = _slot(0)
        self._read = 1
        self._numbers: dict[bytes, int] = {}
        self._slots: dict[str, _Slot] = {}

    def take(self, client_id: str, *, requests: int = 1, items: int = 0, misses: int = 0) -> Allowance:
        """See :class:`Budgets`."""
        slot = self._slots.get(client_id) or self._found(client_id)
        with slot.lock:
            _seize(self._file, slot)
            try:
                now = self._clock()
                levels = _LEVELS.unpack_from(self._map, slot.levels)  # type: ignore[arg-type] # open by now
                levels = take_from(self.limits, levels, now, requests=requests, items=items)
                if misses:
                    levels = taken(self.limits, levels, now, misses=misses)
                _LEVELS.pack_into(self._map, slot.levels, *levels)  # type: ignore[arg-type] # likewise
            finally:
                fcntl.fcntl(self._file, _TRY, slot.free)
        return Allowance(self.limits, levels, now)

    def note(self, client_id: str, *, requests: int = 0, misses: int = 0) -> Allowance:
        """See :class:`Budgets`."""
        slot = self._slots.get(client_id) or self._found(client_id)
        with slot.lock, _held(self._file, slot):
            now = self._clock()
            levels = _LEVELS.unpack_from(self._map, slot.levels)  # type: ignore[arg-type] # open by now
            levels = taken(self.limits, levels, now, requests=requests, misses=misses)
            _LEVELS.pack_into(self._map, slot.levels, *levels)  # type: ignore[arg-type] # likewise
        return Allowance(self.limits, levels, now)

    def close(self) -> None:
        """Close the file; whoever takes again opens it again."""
        with self._list.lock:
            if self._map is not None:
                self._slots.clear()
                self._numbers.clear()
                self._read = 1
                self._map.close()
                os.close(self._file)
                self._map = None

    def _found(self, client_id: str) -> _Slot:
        """The slot of a client that this process has not seen yet; made where no process has."""
        name = hashlib.sha256(client_id.encode()).digest()
        with self._list.lock:
            mapped = self._map or self._opened()
            if name not in self._numbers:
                with _held(self._file, self._list):
                    self._look_for(mapped, name)
            return self._slots.setdefault(client_id, _slot(self._numbers[name]))

    def _look_for(self, mapped: mmap.mmap, name: bytes) -> None:
        """Read on in the list of clients, and write *name* at its end unless it comes."""
        while name not in self._numbers:
            if self._read == SLOTS:
                raise Unavailable("more clients ask than one file can count; nothing was done")
            place = self._read * _SLOT
            if not any(mapped[place : place + _NAME]):
                mapped[place : place + _NAME] = name
            self._numbers[mapped[place : place + _NAME]] = self._read
            self._read += 1

    def _opened(self) -> mmap.mmap:
        self._file = open_beside(self._path)
        try:
            # All of it at once: a page for which the disk has no room would end the process that touches it.
            os.posix_fallocate(self._file, 0, _SIZE)
            self._map = mmap.mmap(self._file, _SIZE)
        except OSError:
            os.close(self._file)
            raise Unavailable("the store cannot be reached; nothing was done") from None
        return self._map


def _slot(number: int) -> _Slot:
    place = number * _SLOT
    seize, free = (_FLOCK.pack(kind, os.SEEK_SET, place, 1, 0) for kind in (fcntl.F_WRLCK, fcntl.F_UNLCK))
    return _Slot(place + _NAME, Lock(), seize, free)


@contextmanager
def _held(file: int, slot: _Slot) -> Iterator[None]:
    """Hold a slot against other processes; its lock within this one is held already."""
    _seize(file, slot)
    try:
        yield
    finally:
        fcntl.fcntl(file, _TRY, slot.free)


def _seize(file: int, slot: _Slot) -> None:
    """Take a slot's lock between processes, or raise :class:`Unavailable`."""
    until = 0.0
    while True:
        try:
            fcntl.fcntl(file, _TRY, slot.seize)
        except OSError as error:
            if not isinstance(error, BlockingIOError | PermissionError) or (until and monotonic() >= until):
                raise Unavailable("what may be asked cannot be counted; nothing was done") from None
            until = until or monotonic() + _PATIENCE
            sleep(_LOOK)
        else:
            return

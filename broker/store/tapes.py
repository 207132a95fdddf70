"""The folder of tapes: which there are to file, each taken by one at a time.

A tape whose worker is alive is locked by it. It is let go within seconds, or at once when somebody asks for it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from broker.store.taping import TAPE, WANTED

#: What could not be read whole stays under this name, for somebody to look at.
DAMAGED = ".damaged"
#: Seconds that a worker which was asked for its tape is waited for, and how often it is looked.
_PATIENCE, _LOOK = 0.5, 0.005


@dataclass
class Found:
    """A tape that nobody writes to any more; ``name`` is its own for ever."""

    path: Path
    file: int

    @property
    def name(self) -> str:
        """The name that it is known by when it was filed."""
        return self.path.stem

    def read(self) -> bytes:
        """All of it."""
        return self.path.read_bytes()

    def remove(self, *, damaged: bool = False) -> None:
        """Take the file away, its answers being filed; one that is damaged is put aside."""
        if damaged:
            self.path.rename(self.path.with_suffix(DAMAGED))
        else:
            self.path.unlink()
        self.path.with_suffix(WANTED).unlink(missing_ok=True)


def found_tapes(folder: Path, instance: str, *, at_once: bool) -> Generator[Found, None, None]:
    """The tapes of a broker's, each for as long as it is looked at; *at_once*, also those that are written to."""
    ends = monotonic() + _PATIENCE
    for path in sorted(folder.glob(f"{instance}-*{TAPE}")):
        with _taken(path, until=ends if at_once else 0.0) as file:
            if file is not None:
                yield Found(path, file)


@contextmanager
def _taken(path: Path, *, until: float) -> Iterator[int | None]:
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:  # filed in this moment
        yield None
        return
    try:
        yield file if _lock(path, file, until=until) and os.fstat(file).st_nlink else None
    finally:
        os.close(file)


def _lock(path: Path, file: int, *, until: float) -> bool:
    """Lock a tape, and ask whoever writes to it to let it go: False where nobody did in time."""
    asked = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                return False
            if not asked:
                with suppress(OSError):
                    path.with_suffix(WANTED).touch(mode=0o600)
                asked = True
            sleep(_LOOK)
        else:
            return True

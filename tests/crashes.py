"""Faults at every write of the log: an error, a lost answer, and the end of the process.

Nothing of the broker is replaced. The faults stand where the operating system and the database answer: at each
statement that writes, each commit, and each step by which a file is put in its place.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from broker.store.database import Database

#: *error*: it was not done. *lost*: it was done, and the answer says that it was not. *killed*: the process is gone.
Fault = Literal["error", "lost", "killed"]
_FILES = ("open", "fsync", "replace")


@dataclass
class Faults:
    """Counts the writes, and fails the *at*-th in one way; 0 fails none."""

    at: int = 0
    fault: Fault = "error"
    places: list[str] = field(default_factory=list)
    wrote: bool = False

    def before(self, place: str, error: Callable[[str], Exception]) -> None:
        """A write is about to be done."""
        self.places.append(place)
        if len(self.places) == self.at and self.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.places) == self.at and self.fault == "error":
            raise error(place)

    def after(self, place: str, error: Callable[[str], Exception]) -> None:
        """A write was done."""
        if len(self.places) == self.at and self.fault == "lost":
            raise error(place)


@contextmanager
def faulty(database: Database, faults: Faults) -> Iterator[None]:
    """Let the database and the file system fail."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in _FILES:
            patch.setattr(os, name, partial(_file_call, faults, name, getattr(os, name)))
        real = database.engine.dialect.do_commit
        patch.setattr(database.engine.dialect, "do_commit", partial(_commit, faults, real))
        for when in ("before_cursor_execute", "after_cursor_execute"):
            listener = partial(_statement, faults, when)
            event.listen(database.engine, when, listener)
            stack.callback(event.remove, database.engine, when, listener)
        yield


def _file_call(faults: Faults, name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    if name == "open" and not arguments[1] & os.O_CREAT:
        return real(*arguments, **options)
    error = partial(OSError, 5)
    faults.before(name, error)
    done = real(*arguments, **options)
    faults.after(name, error)
    return done


def _commit(faults: Faults, real: Callable[..., Any], connection: object) -> None:
    wrote, faults.wrote = faults.wrote, False
    if not wrote:  # the end of a mere look
        real(connection)
        return
    faults.before("COMMIT", _failure)
    real(connection)
    faults.after("COMMIT", _failure)


def _statement(faults: Faults, when: str, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
    if statement.startswith(("INSERT", "UPDATE", "DELETE")):
        place, faults.wrote = " ".join(statement.split()[:3]), True
        (faults.before if when.startswith("before") else faults.after)(place, _failure)


def _failure(place: str) -> Exception:
    return OperationalError(place, {}, RuntimeError("the connection is gone"))


def in_a_process_of_its_own(act: Callable[[], None]) -> int:
    """Run *act* in a child that ends without any ceremony; return the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

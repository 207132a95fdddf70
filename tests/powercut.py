"""The end of a program at any one of its steps on disk: killed there, or with what was not flushed yet lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

#: What changes a disk, or makes sure of it.
STEPS = ("write", "fsync", "replace", "unlink", "mkdir")
#: Killed, in the midst of a write where it is at one; or the power gone, with all that no fsync had made sure of.
ENDS = ("kill", "power")


class Ended(BaseException):
    """The program is no more."""


class Disk:
    """Counts the steps, and ends the program at one of them. What was not flushed by then may be lost."""

    def __init__(self, end: str, at: int) -> None:
        self.end, self.left, self.taken = end, at, 0
        self.worth_a_look = True
        self.unflushed: dict[int, Path] = {}
        self.unsure: list[tuple[Path, bytes | None]] = []

    def step(self, name: str, real: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - as the system's own
        """Take one step, or end before it."""
        if self.left == 0:
            if self.end == "kill" and name == "write":
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            # Killed before a flush is killed after it; and a power cut that loses nothing is a kill.
            self.worth_a_look = name != "fsync" if self.end == "kill" else bool(self.unflushed or self.unsure)
            raise Ended
        self.left -= 1
        self.taken += 1
        self._note(name, *arguments)
        return real(*arguments)

    def _note(self, name: str, *arguments: Any) -> None:  # noqa: ANN401 - as above
        """Remember what is not sure yet."""
        if name == "write":
            path = Path(f"/proc/self/fd/{arguments[0]}").resolve()
            self.unflushed[os.fstat(arguments[0]).st_ino] = path
        elif name == "fsync":
            found = os.fstat(arguments[0])
            self.unflushed.pop(found.st_ino, None)
            if os.path.isdir(f"/proc/self/fd/{arguments[0]}"):  # noqa: PTH112 - a descriptor
                self.unsure.clear()
        elif name in {"replace", "unlink"}:
            path = Path(arguments[-1] if name == "replace" else arguments[0])
            self.unsure.append((path, path.read_bytes() if path.exists() else None))
            if name == "replace":
                self.unflushed.update({ino: path for ino, was in self.unflushed.items() if was == Path(arguments[0])})

    def lose(self) -> None:
        """Lose what was not flushed: contents, and of the names that changed the one that changed first."""
        for path in self.unflushed.values():
            if path.exists():
                path.write_bytes(b"")
        for path, before in self.unsure[:1]:
            with suppress(FileNotFoundError):
                path.unlink()
            if before is not None:
                path.write_bytes(before)
                path.chmod(0o600)


@contextmanager
def ending(end: str, *, at: int) -> Iterator[Disk]:
    """Run a block that ends after so many steps; afterwards the disk is as the next program finds it."""
    disk = Disk(end, at)
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            real = getattr(os, name)
            patch.setattr(os, name, lambda *arguments, _name=name, _real=real: disk.step(_name, _real, *arguments))
        with suppress(Ended):
            yield disk
    if end == "power" and disk.left == 0:
        disk.lose()


def steps_of(act: Callable[[], object]) -> int:
    """Count the steps that an act takes when nothing ends it."""
    with ending("kill", at=-1) as disk:
        act()
    return disk.taken

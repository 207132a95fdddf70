"""The journal of erasures: which people were erased, kept outside the database and flushed before an erasure commits.

A database that was restored from a backup would otherwise bring erased people back. The journal names the generations
of their rows, which are random and lie in that row alone: it leads to nobody, and somebody who came back after an
erasure has a generation of their own.

One line an entry, JSON, each with a check over itself and the line before. A last line that is damaged was being
written when the machine stopped: nothing rests on it. Any other damage is refused.

Trusted: whoever can shorten it together with a restored database brings people back. Keep it out of the database's
backups, and where every process of the broker finds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from broker.errors import BadConfiguration
from broker.proof.durable import sync_folder

NAME = "erasures.journal"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One erasure. ``by`` is ``person`` or ``operator``; ``objects`` says that an objection to everybody stays."""

    erasure_id: str
    at: datetime
    by: str
    objects: bool
    generations: tuple[str, ...]


#: Size and time of the file: while they stay, nothing was added.
JournalMark = tuple[int, int]


def create_journal(folder: Path) -> bool:
    """Begin a journal; False, and nothing done, where there is one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    os.close(descriptor)
    sync_folder(folder)
    return True


def read_journal(folder: Path) -> tuple[Entry, ...]:
    """Every entry, the first first; or :class:`BadConfiguration` saying what is wrong."""
    path = folder / NAME
    with _opened(path, "rb", fcntl.LOCK_SH) as file:
        return _read(path, file.read())[0]


def append_entry(folder: Path, entry: Entry) -> None:
    """Add an entry; after this returns it survives a power cut. A last line that is damaged is taken away."""
    path = folder / NAME
    with _opened(path, "r+b", fcntl.LOCK_EX) as file:
        _entries, size, check = _read(path, file.read())
        file.truncate(size)
        file.seek(size)
        file.write(_line(entry, check))
        file.flush()
        os.fsync(file.fileno())


def journal_mark(folder: Path) -> JournalMark:
    """By what it is seen that the journal has grown; (0, 0) where there is none."""
    try:
        status = (folder / NAME).stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


@contextmanager
def _opened(path: Path, mode: str, lock: int) -> Iterator[BinaryIO]:
    try:
        with path.open(mode) as file:
            fcntl.flock(file, lock)  # given back when the file is closed
            yield file  # type: ignore[misc] # opened as bytes
    except OSError as error:
        raise BadConfiguration(
            f"{path}: cannot be used ({error.strerror}); without it an old backup would bring erased people back."
            " Restore it, or see docs/erasing.md"
        ) from error


# Strangers may ask whether the broker is ready: what was read once is not worked through again for each of them.
@lru_cache(maxsize=1)
def _read(path: Path, content: bytes) -> tuple[tuple[Entry, ...], int, str]:
    """The entries, how many bytes they stand in, and the check of the last."""
    entries: list[Entry] = []
    size, check = 0, ""
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        try:
            entry, check = _parse(line, check)
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise BadConfiguration(f"{path}: line {number} is damaged; restore it, or see docs/erasing.md") from error
        entries.append(entry)
        size += len(line)
    return tuple(entries), size, check


def _parse(line: bytes, check: str) -> tuple[Entry, str]:
    stored = dict(json.loads(line))
    if not line.endswith(b"\n") or stored.pop("check") != _check(stored, check):
        raise ValueError("the line is not as it was written")
    entry = Entry(**{**stored, "at": datetime.fromisoformat(stored["at"]), "generations": tuple(stored["generations"])})
    return entry, _check(stored, check)


def _line(entry: Entry, check: str) -> bytes:
    stored = {**vars(entry), "at": entry.at.isoformat(), "generations": list(entry.generations)}
    return json.dumps({**stored, "check": _check(stored, check)}).encode() + b"\n"


def _check(stored: Mapping[str, object], check: str) -> str:
    return hashlib.sha256((check + json.dumps(stored, sort_keys=True)).encode()).hexdigest()

"""Files of secrets: their owner's alone, whole or not there, and overwritten when they are spent."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.errors import BadConfiguration
from broker.proof.durable import sync_folder

#: What a file is called before it is whole and when it is spent: a command that was killed may leave one.
FRESH = ".new"
_LOST = "restore it from the backup of the keys; `broker init` makes keys only where there never were any"


def read_private(path: Path) -> bytes:
    """Return what the file holds; one that is not there, is empty or is open to others is refused by its name."""
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}); {_LOST}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadConfiguration(f"{path}: others may read it; run chmod 600")
    if not raw.strip():
        raise BadConfiguration(f"{path}: is empty; restore it from the backup of the keys")
    return raw


def write_private(path: Path, content: bytes) -> None:
    """Put *content* in the file's place, whole or not at all; after this returns it survives a power cut.

    Its time is later than that of the file before, whatever the clock says: who watches it by its time sees every
    change, also two within one tick.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(path.name + FRESH)
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write(descriptor, content)
        os.utime(descriptor, ns=(0, max(os.fstat(descriptor).st_mtime_ns, _time_of(path) + 1)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    sync_folder(path.parent)


def destroy(path: Path) -> None:
    """Overwrite the file and take it away; one that is gone already is no failure.

    Overwriting reaches the old blocks on a disk that writes in place. On others it is the sealing that counts: what
    lay there was sealed, and does not open without its master key. Another name first: what is overwritten in part
    must not be taken for a damaged key.
    """
    spent = path.with_name(path.name + FRESH)
    try:
        path.replace(spent)
    except FileNotFoundError:
        return
    sync_folder(path.parent)
    _overwrite(os.open(spent, os.O_WRONLY))
    spent.unlink()
    sync_folder(path.parent)


def replace_and_destroy(path: Path, content: bytes) -> None:
    """Put *content* in the file's place, and overwrite what the file held before."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        write_private(path, content)
    except BaseException:
        os.close(descriptor)
        raise
    _overwrite(descriptor)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder: of two commands that change its files the second waits for the first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _overwrite(descriptor: int) -> None:
    try:
        _write(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    """All of it: a disk that fills up takes a part, and says so the next time only."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _time_of(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0

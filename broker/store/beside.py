"""Files beside SQLite's own, for whom the database is for and for nobody else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from broker.errors import Unavailable

_OPENING = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


def open_beside(path: Path) -> int:
    """Open the file of that name, ``<database>-<what for>``, and make it where there is none; a new description.

    Raises :class:`Unavailable` where that cannot be.
    """
    try:
        try:
            return os.open(path, _OPENING)
        except FileNotFoundError:
            return _made(path)
    except OSError:
        raise Unavailable("the store cannot be reached; nothing was done") from None


def _made(path: Path) -> int:
    """A new file, for whom the database is for, as SQLite's own: a command that root ran must lock no server out."""
    file = os.open(path, _OPENING | os.O_CREAT, 0o600)
    with suppress(FileNotFoundError, PermissionError):  # no database yet; made by somebody else in this moment
        like = path.with_name(path.name.rpartition("-")[0]).stat()
        if os.geteuid() == 0:
            os.fchown(file, like.st_uid, like.st_gid)
        # Nobody else: whoever can open it can hold it, and with it everybody.
        os.fchmod(file, like.st_mode & 0o660)
    return file

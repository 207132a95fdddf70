"""The high-water mark: the largest tree this broker ever signed, kept outside the database.

A database that was restored from an old backup would otherwise be signed a second time with another content, and the
log would have two histories. The mark is written, and flushed to disk, before a checkpoint leaves the signer.

Trusted: whoever can put an older mark back can make the signer fork the log. Keep it out of the database's backups.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from broker.errors import BadConfiguration
from broker.proof.durable import write_durably
from broker.proof.merkle import EMPTY_ROOT, HASH_SIZE

NAME = "log.high-water"


@dataclass(frozen=True, kw_only=True)
class HighWater:
    """A tree that was signed."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def read_high_water(folder: Path) -> HighWater:
    """Read the mark, or raise :class:`BadConfiguration`; none is taken for granted."""
    path = folder / NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadConfiguration(
            f"{path}: cannot be read ({error.strerror}), and without it the log could be signed twice."
            " Put it back, or see `broker log adopt --help`"
        ) from error
    try:
        stored = json.loads(raw)
        mark = HighWater(size=stored["size"], root=b64decode(stored["root"], validate=True))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    if type(mark.size) is not int or mark.size < 0 or len(mark.root) != HASH_SIZE:
        raise _damaged(path)
    return mark


def has_high_water(folder: Path) -> bool:
    """Whether there is a mark, be it a damaged one."""
    return (folder / NAME).exists()


def write_high_water(folder: Path, mark: HighWater) -> None:
    """Raise the mark; after this returns it survives a power cut. A folder that is gone is not made anew."""
    stored = {"size": mark.size, "root": b64encode(mark.root).decode()}
    write_durably(folder / NAME, json.dumps(stored).encode())


def first_high_water(folder: Path) -> None:
    """Write the mark of a log that never signed anything; one that is there stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not has_high_water(folder):
        write_high_water(folder, HighWater())


def _damaged(path: Path) -> BadConfiguration:
    return BadConfiguration(f"{path}: is damaged. Put it back, or see `broker log adopt --help`")

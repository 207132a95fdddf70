"""A file of any length as chunks of whole lines: what a line is never depends on what stands in it.

In CSV a quoted field could hold a line break. Here none may: so one line that is wrong spoils no other, every line
has its answer, and work can begin behind any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

#: Bytes of one line; longer ones are cut there, and refused by whoever reads them.
MAX_LINE = 64 * 1024
#: Bytes of a chunk, whose lines may be few then.
MAX_CHUNK = 16 * 1024**2
_BLOCK = 1024**2


@dataclass(frozen=True)
class Chunk:
    """Lines that are answered at one moment.

    ``first`` is the number of the first, from 1; ``end`` is where the next chunk begins, in bytes or in rows.
    """

    first: int
    raw: bytes
    end: int


def split_lines(raw: bytes) -> list[bytes]:
    """The lines of a chunk, without their ends."""
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def cut(file: IO[bytes], size: int, *, first: int, at: int) -> Iterator[Chunk]:
    """Cut *file*, read up to its byte *at*, into chunks of *size* lines, the first of them of number *first*."""
    pending, ends, done = b"", 0, False
    while True:
        blocks = [pending]
        length = len(pending)
        while not done and length < MAX_CHUNK and ends < size:
            block = file.read(_BLOCK)
            blocks.append(block)
            length, ends, done = length + len(block), ends + block.count(b"\n"), not block
        pending = b"".join(blocks)
        if not pending:
            return
        raw, pending = _taken(pending, size, ends=ends, done=done)
        length = len(raw)
        if not done and not raw.endswith(b"\n"):
            raw, length, pending = _overlong(raw, file)
            ends = pending.count(b"\n") + 1
        at += length
        yield Chunk(first, raw, at)
        lines = raw.count(b"\n")
        ends -= lines
        first += lines + (not raw.endswith(b"\n"))


def _taken(pending: bytes, size: int, *, ends: int, done: bool) -> tuple[bytes, bytes]:
    """Up to *size* lines of those that have *ends*, and what is left; a line without one where there is no other."""
    if ends <= size:
        last = len(pending) if done else pending.rfind(b"\n") + 1 or len(pending)
    elif ends - size < size:  # from whichever side it is nearer
        last = len(pending.rsplit(b"\n", ends - size + 1)[0]) + 1
    else:
        last = len(pending) - len(pending.split(b"\n", size)[-1])
    return pending[:last], pending[last:]


def _overlong(begun: bytes, file: IO[bytes]) -> tuple[bytes, int, bytes]:
    """A line that does not end within a chunk: its beginning, its whole length, and what was read behind it."""
    length = len(begun)
    while block := file.read(_BLOCK):
        line, end, rest = block.partition(b"\n")
        length += len(line) + len(end)
        if end:
            return begun[: MAX_LINE + 1] + end, length, rest
    return begun[: MAX_LINE + 1], length, b""

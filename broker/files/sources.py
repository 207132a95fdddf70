"""What is to be answered: a file or standard input, looked at before the first question is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from broker.errors import CommandRefused
from broker.files import parquet
from broker.files.asking import CSV, FORMS, NDJSON, PARQUET, Job
from broker.files.keeping import Reached
from broker.files.lines import Chunk, cut
from broker.files.rows import check_columns, read_header
from broker.files.told import ANSWERED

#: The file's name for standard input.
STDIN = Path("-")
_ENDINGS = {".csv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON, ".parquet": PARQUET}
_LONGEST_HEADER = 1024**2
_HEAD = ",".join(ANSWERED).encode() + b"\n"


class Source(Protocol):
    """Questions in chunks.

    ``begin`` is where the first one is, and ``whole`` where the last one ends, if that is known, both in what chunks
    are counted in; ``head`` is what the answers begin with.
    """

    job: Job
    begin: int
    whole: int | None
    head: bytes

    def chunks(self, reached: Reached, size: int) -> Iterator[Chunk]:
        """What is behind that, *size* lines at a time."""
        ...


@dataclass
class Lines:
    """Lines of CSV or NDJSON."""

    file: IO[bytes]
    job: Job
    begin: int
    whole: int | None
    head: bytes

    def chunks(self, reached: Reached, size: int) -> Iterator[Chunk]:
        """What is behind that, *size* lines at a time."""
        if reached.at != self.begin:
            self.file.seek(reached.at)
        return cut(self.file, size, first=reached.lines + 1 + (self.begin > 0), at=reached.at)


@dataclass
class Rows:
    """Rows of a Parquet file."""

    path: Path
    job: Job
    whole: int | None
    begin: int = 0
    head: bytes = _HEAD

    def chunks(self, reached: Reached, size: int) -> Iterator[Chunk]:
        """What is behind that, *size* rows at a time."""
        return parquet.cut_table(self.path, size, at=reached.at)


def form_of(file: Path, named: str | None) -> str:
    """The form that was *named*, or that the file's name ends with."""
    form = named or _ENDINGS.get(file.suffix.lower())
    if form is None:
        raise CommandRefused(f"say with --format what {file} is: {', '.join(FORMS)}")
    if form == PARQUET and file == STDIN:
        raise CommandRefused("Parquet is read from its end, so it cannot come from standard input: give it as a file")
    return form


def open_source(file: Path, opened: ExitStack, *, form: str, client_id: str, purpose: str | None) -> Source:
    """Open a file, and refuse one whose columns cannot be asked; what is opened is closed by *opened*."""
    if form == PARQUET:
        columns = parquet.columns_of(file)
        check_columns(columns, purpose=purpose)
        job = Job(client_id=client_id, form=form, columns=columns, purpose=purpose)
        return Rows(file, job, parquet.rows_in(file))
    stream = sys.stdin.buffer if file == STDIN else opened.enter_context(file.open("rb"))
    line = stream.readline(_LONGEST_HEADER) if form == CSV else b""
    columns = read_header(line) if form == CSV else ()
    if form == CSV:
        check_columns(columns, purpose=purpose)
    job = Job(client_id=client_id, form=form, columns=columns, purpose=purpose)
    whole = None if file == STDIN else file.stat().st_size
    return Lines(stream, job, len(line), whole, _HEAD if form == CSV else b"")

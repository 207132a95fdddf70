"""How far the answering of a file has come: answers beside the input, and what is needed to go on behind them.

Answers are flushed to the disk before the note of how far they reach. So after any end, of the process or of the
machine, what the note says is there, and what was written behind it is cut off and asked again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from broker.core.reading import read_json_object
from broker.errors import CommandRefused, MalformedRequest
from broker.files.asking import Answered, Job
from broker.proof.durable import sync_folder, write_durably

_FORMAT = 1
#: By how much of its beginning an input is known again.
_BEGINNING = 1024**2


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How far: ``at`` counts the input's bytes or rows, ``written`` bytes of answers."""

    at: int
    written: int
    permits: int = 0
    denials: int = 0
    errors: int = 0

    @property
    def lines(self) -> int:
        """How many were answered."""
        return self.permits + self.denials + self.errors

    def behind(self, answered: Answered, *, at: int) -> Reached:
        """How far it is once these are written."""
        return replace(
            self,
            at=at,
            written=self.written + len(answered.text),
            permits=self.permits + answered.permits,
            denials=self.denials + answered.denials,
            errors=self.errors + answered.errors,
        )


def known_by(path: Path, job: Job) -> str:
    """A digest of what must be the same to go on: the input's beginning, size and time, and what was asked of it."""
    status = path.stat()
    with path.open("rb") as file:
        beginning = hashlib.sha256(file.read(_BEGINNING)).hexdigest()
    return hashlib.sha256(json.dumps([beginning, status.st_size, status.st_mtime_ns, asdict(job)]).encode()).hexdigest()


class Kept:
    """Answers that grow in a file, of one process at a time.

    *known* is :func:`known_by`, or None where what was begun cannot be gone on with.
    """

    def __init__(self, output: Path, *, known: str | None) -> None:
        self.output, self.known = output, known
        self.part = output.with_name(f"{output.name}.part")
        self._note = output.with_name(f"{output.name}.resume")
        if output.exists():
            raise CommandRefused(f"{output} is there already: move it away, or name another with --output")
        self._file = self._opened()
        try:
            self.reached: Reached | None = self._read_note()
        except BaseException:
            self._file.close()
            raise

    def _opened(self) -> IO[bytes]:
        descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise CommandRefused(f"another process is writing {self.part}") from None
        return file

    def _read_note(self) -> Reached | None:
        """How far it had come, and what is behind that cut off; None where nothing was begun."""
        if not self._note.exists():
            if self._file.seek(0, os.SEEK_END):
                raise CommandRefused(f"{self.part} is there and its note {self._note} is not: delete it to begin anew")
            return None
        if self.known is None:
            raise CommandRefused(f"standard input cannot be gone on with; {self._anew()}, and send it all again")
        try:
            note = read_json_object(self._note.read_bytes())
            reached = Reached(**note["reached"])  # type: ignore[arg-type] # what is no such object is refused below
        except (MalformedRequest, KeyError, TypeError):
            raise CommandRefused(f"{self._note} cannot be read; {self._anew()}") from None
        if note.get("format") != _FORMAT or note.get("known") != self.known:
            raise CommandRefused(
                f"{self._note} is of another file, of this one before it was changed, or of other options;"
                f" {self._anew()}"
            )
        if self._file.seek(0, os.SEEK_END) < reached.written:
            raise CommandRefused(f"{self.part} is shorter than {self._note} says; {self._anew()}")
        self._file.truncate(reached.written)
        self._file.seek(reached.written)
        return reached

    def _anew(self) -> str:
        return f"delete {self._note} and {self.part} to begin anew"

    def begin(self, head: bytes, *, at: int) -> Reached:
        """Go on where the last one ended; where that was nowhere, say that *at* is read, and write the first line."""
        reached = self.reached or Reached(at=at, written=0)
        if not reached.written:
            self._save(reached)  # first: answers without a note would be a stranger's file
            reached = replace(reached, written=len(head))
            self.add(head, reached)
        return reached

    def add(self, text: bytes, reached: Reached) -> None:
        """Write answers down, so that they are there whatever happens."""
        view = memoryview(text)
        while view:  # a raw file may take a part
            view = view[self._file.write(view) :]
        self._save(reached)

    def _save(self, reached: Reached) -> None:
        os.fsync(self._file.fileno())
        note = {"format": _FORMAT, "known": self.known, "reached": asdict(reached)}
        write_durably(self._note, json.dumps(note).encode())

    def finish(self) -> Path:
        """Give the answers their name, and return it."""
        self.part.replace(self.output)
        return self.named()

    def named(self) -> Path:
        """Forget how far it came, once the answers have their name."""
        sync_folder(self.output.parent)
        self._note.unlink()
        return self.output

    def close(self) -> None:
        """Let another process write."""
        self._file.close()

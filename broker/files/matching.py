"""A whole file: where its answers go, how it goes on, and what came of it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from broker.actions.broker import Broker
from broker.actions.decide_apart import enter_asking
from broker.errors import CommandRefused
from broker.files import parquet
from broker.files.asking import PARQUET, Answered, Asker, Job
from broker.files.keeping import Kept, Reached, known_by
from broker.files.lines import Chunk
from broker.files.progress import Progress
from broker.files.sources import STDIN, Source, form_of, open_source
from broker.files.working import Workers

#: Lines of a chunk, which is a sheet: a person's page looks into every sheet that was ever kept.
LINES = 50_000
#: Below so many bytes one process is done before others have started.
_SMALL = 2 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an operator wants answered. ``form`` and ``output`` may be left open, for the file's name to say."""

    file: Path
    client_id: str
    purpose: str | None = None
    output: Path | None = None
    form: str | None = None
    workers: int = 1
    lines: int = LINES


@dataclass(frozen=True)
class Finished:
    """What came of it; ``whole`` is False where somebody stopped it, ``output`` None where it went to a pipe."""

    reached: Reached
    whole: bool
    output: Path | None


class Answering(Protocol):
    """Whoever answers chunks."""

    def answers(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Answered]]:
        """Each chunk with its answers, in order."""
        ...

    def close(self) -> None:
        """End what was started for it."""
        ...


class _Alone:
    """Answers in this process."""

    def __init__(self, broker: Broker, job: Job) -> None:
        self._asker = Asker(broker, job)

    def answers(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Answered]]:
        return ((chunk, self._asker.answer(chunk)) for chunk in chunks)

    def close(self) -> None:
        pass


class Sink(Protocol):
    """Where answers go."""

    @property
    def part(self) -> Path | None:
        """The file that they are in until all are there, if it is one."""
        ...

    def begin(self, head: bytes, *, at: int) -> Reached:
        """Write what answers begin with, unless that was done; return from where the input is to be read."""
        ...

    def add(self, text: bytes, reached: Reached) -> None:
        """Write the answers that reach so far."""
        ...

    def finish(self) -> Path | None:
        """All is answered: return the file, if it is one."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class _Piped:
    """Standard output: nothing is known of it later."""

    @property
    def part(self) -> None:
        pass

    def begin(self, head: bytes, *, at: int) -> Reached:
        self.add(head, Reached(at=at, written=len(head)))
        return Reached(at=at, written=len(head))

    def add(self, text: bytes, reached: Reached) -> None:  # noqa: ARG002 - the same for every sink
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


class _KeptTable(Kept):
    """Answers that are lines until all are there, and a table then."""

    def finish(self) -> Path:
        parquet.write_table(self.part, self.output)
        self.part.unlink()
        return self.named()


def match_file(broker: Broker, order: Order, *, show: TextIO | None = None) -> Finished:
    """Answer every line of a file, or raise :class:`BrokerError`; how far it is is told to *show*."""
    form = form_of(order.file, order.form)
    with broker.database.reading() as tx:
        enter_asking(tx, broker, order.client_id)
    with ExitStack() as opened:
        source = open_source(order.file, opened, form=form, client_id=order.client_id, purpose=order.purpose)
        sink = opened.enter_context(closing(_sink(order, source.job)))
        answering = opened.enter_context(closing(_answering(broker, order, source.job)))
        return _matched(order, source, sink, answering, show)


def _sink(order: Order, job: Job) -> Sink:
    output = order.output
    if order.file == STDIN:
        return _Piped() if output is None else Kept(output, known=None)
    kept = _KeptTable if job.form == PARQUET else Kept
    beside = order.file.with_name(f"{order.file.stem}.answers{order.file.suffix}")
    return kept(output or beside, known=known_by(order.file, job))


def _answering(broker: Broker, order: Order, job: Job) -> Answering:
    small = order.file != STDIN and order.file.stat().st_size < _SMALL
    return _Alone(broker, job) if order.workers == 1 or small else Workers(job, order.workers)


def _matched(order: Order, source: Source, sink: Sink, answering: Answering, show: TextIO | None) -> Finished:
    reached = sink.begin(source.head, at=source.begin)
    progress = Progress(show, whole=source.whole, at=reached.at)
    with _stopping() as is_stopped, closing(progress):
        chunks = source.chunks(reached, order.lines)
        for chunk, answered in answering.answers(_until(chunks, is_stopped)):
            reached = reached.behind(answered, at=chunk.end)
            sink.add(answered.text, reached)
            progress.show(answered.lines, at=chunk.end)
        if is_stopped():
            return Finished(reached, whole=False, output=sink.part)
    if isinstance(sink, Kept) and sink.known not in {None, known_by(order.file, source.job)}:
        raise CommandRefused(f"{order.file} was changed while it was read: the answers so far are in {sink.part}")
    return Finished(reached, whole=True, output=sink.finish())


def _until(chunks: Iterator[Chunk], is_stopped: Callable[[], bool]) -> Iterator[Chunk]:
    """Chunks, until somebody wants it to stop: what is under way then is finished."""
    for chunk in chunks:
        if is_stopped():
            return
        yield chunk


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, or whoever ends the machine, stop this between two chunks; the second time at once."""
    asked: list[int] = []

    def stop(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

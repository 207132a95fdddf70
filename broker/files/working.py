"""Processes that answer chunks beside each other: one interpreter has one core.

Each is this module as a program. It gets its job and then chunks on standard input, and gives answers on standard
output; it ends with its input, so it ends with whoever started it, however that one ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from queue import SimpleQueue
from struct import Struct
from typing import IO

from broker.app import open_broker
from broker.errors import BrokerError, Unavailable
from broker.files.asking import Answered, Asker, Job
from broker.files.lines import Chunk
from broker.settings import read_settings

#: The number of the first line, where the chunk ends, and how many bytes follow.
_QUESTIONS = Struct(">QQQ")
#: Permits, denials, errors, and how many bytes follow; or no number at all of lines, and a failure follows.
_ANSWERS = Struct(">QQQQ")
_FAILED = 2**64 - 1
_ARGUMENTS = [sys.executable, "-m", "broker.files.working"]


class Refused(BrokerError):
    """What a worker was refused, as it was said there."""

    type = "command-refused"
    title = "This cannot be done"
    status = 409


class Workers:
    """So many ``processes``, each answering one chunk at a time."""

    def __init__(self, job: Job, number: int) -> None:
        self.processes = [_start(job) for _ in range(number)]
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for worker in self.processes:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(number)

    def answers(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Answered]]:
        """Each chunk with its answers, in order; few are read ahead. Whoever stops early gets what is under way."""
        under_way: deque[tuple[Chunk, Future[Answered]]] = deque()
        try:
            for chunk in chunks:
                under_way.append((chunk, self._threads.submit(self._ask, chunk)))
                # One more than there are workers: that none waits while the eldest's answers are written down.
                while len(under_way) > len(self.processes) + 1:
                    yield _answered(under_way.popleft())
            while under_way:
                yield _answered(under_way.popleft())
        finally:
            for _chunk, future in under_way:
                future.cancel()

    def _ask(self, chunk: Chunk) -> Answered:
        worker = self._idle.get()
        try:
            return _exchange(worker, chunk)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End them: each has finished what it had begun, and records nothing more."""
        self._threads.shutdown(cancel_futures=True)
        for worker in self.processes:
            for pipe in filter(None, (worker.stdin, worker.stdout)):
                with suppress(OSError):  # what was still to be written to a process that is no more
                    pipe.close()
        for worker in self.processes:
            worker.wait()


def _start(job: Job) -> subprocess.Popen[bytes]:
    # A session of its own: what is typed at the terminal to stop the command must not stop it in the middle of a chunk.
    worker = subprocess.Popen(_ARGUMENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603 - this program
    if worker.stdin:
        worker.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        worker.stdin.flush()
    return worker


def _answered(one: tuple[Chunk, Future[Answered]]) -> tuple[Chunk, Answered]:
    return one[0], one[1].result()


def _exchange(worker: subprocess.Popen[bytes], chunk: Chunk) -> Answered:
    assert worker.stdin is not None and worker.stdout is not None  # noqa: S101, PT018 - both are pipes
    try:
        worker.stdin.write(_QUESTIONS.pack(chunk.first, chunk.end, len(chunk.raw)))
        worker.stdin.write(chunk.raw)
        worker.stdin.flush()
        permits, denials, errors, size = _ANSWERS.unpack(_whole(worker.stdout, _ANSWERS.size))
        text = _whole(worker.stdout, size)
    except (EOFError, OSError):
        raise Unavailable("a process that answers has ended; run the same command again to go on") from None
    if permits == _FAILED:
        failure = json.loads(text)
        raise Refused(failure["detail"], clauses=tuple(failure["clauses"]))
    return Answered(text, permits, denials, errors)


def _whole(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


def work(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer chunks until there are no more."""
    job = json.loads(questions.readline())
    asker: Asker | None = None
    while head := questions.read(_QUESTIONS.size):
        first, end, size = _QUESTIONS.unpack(head)
        raw = _whole(questions, size)
        try:
            asker = asker or Asker(open_broker(read_settings()), Job(**{**job, "columns": tuple(job["columns"])}))
            found = asker.answer(Chunk(first, raw, end))
            said = (found.permits, found.denials, found.errors, len(found.text)), found.text
        except BrokerError as error:
            text = json.dumps({"detail": error.detail, "clauses": error.clauses}).encode()
            said = (_FAILED, 0, 0, len(text)), text
        answers.write(_ANSWERS.pack(*said[0]))
        answers.write(said[1])
        answers.flush()


def main() -> None:
    """Work for whoever started this process."""
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with suppress(EOFError, BrokenPipeError):
        work(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

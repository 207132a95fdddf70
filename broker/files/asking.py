"""A chunk of a file, from its bytes to the lines that answer it: all that a worker does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from broker.actions.broker import Broker
from broker.actions.decide_apart import decide_apart, decide_tagged
from broker.actions.decide_matches import Answers
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Questions, sort_questions
from broker.errors import BrokerError, Unavailable
from broker.files import parquet
from broker.files.lines import Chunk, split_lines
from broker.files.rows import RowReader
from broker.files.told import answer_rows, error_object, error_row
from broker.web.batch_columns import Asked
from broker.web.batch_reading import read_lines
from broker.web.batch_text import answer_texts

CSV, NDJSON, PARQUET = "csv", "ndjson", "parquet"
FORMS = (CSV, NDJSON, PARQUET)
#: Seconds after which a store that had no time is asked again, before this is given up.
_AGAIN = (1.0, 5.0, 20.0)
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Job:
    """Who asks, in which form, with which columns, and for what where a line does not say."""

    client_id: str
    form: str
    columns: tuple[str, ...] = ()
    purpose: str | None = None


@dataclass(frozen=True)
class Answered:
    """The lines that answer a chunk, and how many of them are what."""

    text: bytes
    permits: int
    denials: int
    errors: int

    @property
    def lines(self) -> int:
        """How many there are."""
        return self.permits + self.denials + self.errors


class Asker:
    """Answers chunks of one job."""

    def __init__(self, broker: Broker, job: Job) -> None:
        self._broker, self._job = broker, job
        self._rows = RowReader(broker, job.columns, purpose=job.purpose)

    def answer(self, chunk: Chunk) -> Answered:
        """Answer every line; what was answered is on record before this returns."""
        asked, client_id = self._read(chunk.raw), self._job.client_id
        plain, tagged = _parted(asked)
        answers = [_patiently(lambda: decide_apart(self._broker, client_id, plain))] if len(plain) else []
        texts = [text for one in answers for text in self._texts(one)]
        answers += _patiently(lambda: decide_tagged(self._broker, client_id, tagged))
        with_tags = [text for one in answers[len(answers) - len(tagged) :] for text in self._texts(one)]
        lines = self._lines(asked, texts, with_tags, chunk.first)
        permits = sum(map(_permits, answers))
        text = "\n".join([*lines, ""]).encode()
        return Answered(text, permits, len(asked) - len(asked.errors) - permits, len(asked.errors))

    def _read(self, raw: bytes) -> Asked:
        if self._job.form == PARQUET:
            return self._rows.table(parquet.columns_in(raw))
        if self._job.form == CSV:
            return self._rows.lines(raw)
        return read_lines(self._broker, split_lines(raw), self._job.purpose)

    def _texts(self, answers: Answers) -> Sequence[str]:
        return answer_texts(answers) if self._job.form == NDJSON else answer_rows(answers)

    def _lines(self, asked: Asked, plain: Sequence[str], tagged: Sequence[str], first: int) -> Sequence[str]:
        """A line for each that was asked, in order; *first* is the number of the first."""
        if not asked.errors and not tagged:
            return plain
        texts = _in_order(asked.questions, iter(plain), iter(tagged))
        return [
            self._error(asked.errors[place], first + place) if place in asked.errors else next(texts)
            for place in range(len(asked))
        ]

    def _error(self, error: BrokerError, line: int) -> str:
        return error_object(self._broker, error, line=line) if self._job.form == NDJSON else error_row(error)


def _parted(asked: Asked) -> tuple[Questions, Sequence[Question]]:
    """The questions without a tag, and those with one."""
    if isinstance(asked.questions, Questions):
        return asked.questions, ()
    plain = [one for one in asked.questions if one.provenance is None]
    return sort_questions(plain), [one for one in asked.questions if one.provenance is not None]


def _permits(answers: Answers) -> int:
    permitted = [decision.permitted for decision in answers.said]
    return sum(map(permitted.__getitem__, answers.codes))


def _in_order(questions: Questions | Sequence[Question], plain: Iterator[str], tagged: Iterator[str]) -> Iterator[str]:
    if isinstance(questions, Questions):
        return plain
    return (next(plain if one.provenance is None else tagged) for one in questions)


def _patiently(act: Callable[[], _T]) -> _T:
    for seconds in _AGAIN:
        try:
            return act()
        except Unavailable:
            # Whether it was recorded is not known. Asked again it is recorded once more, and never answered twice.
            time.sleep(seconds)
    return act()

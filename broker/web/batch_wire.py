"""Many questions and their answers, as they travel: ``POST /v1/match/batch``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, RootModel

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.core.reading import read_json
from broker.errors import BrokerError, MalformedRequest
from broker.web.spool import MAX_LINE
from broker.web.tag_wire import ProvenanceWire
from broker.web.wire import DecisionWire, PairWire, Problem, Wire, parse

MOST = 5_000
LONGEST_PURPOSE, LONGEST_VALUE = 512, 512
_PURPOSE = Annotated[str, Field(max_length=LONGEST_PURPOSE)]


class ItemWire(PairWire):
    """One question of many; ``purpose`` may stand once for all of them."""

    purpose: _PURPOSE | None = None
    provenance: ProvenanceWire | None = None

    def to_core(self, broker: Broker, *, purpose: str | None) -> Question:
        """The question that is put to the terms."""
        asked = self.purpose if self.purpose is not None else purpose
        if asked is None:
            raise MalformedRequest("purpose: it must stand in the item, or once for all items")
        tag = self.provenance.to_core(loopback=broker.loopback) if self.provenance else None
        return self.question(broker, purpose=asked, provenance=tag)


class BatchWire(Wire):
    """``POST /v1/match/batch``. What is wrong with an item is its own error, and holds up no other."""

    purpose: _PURPOSE | None = None
    items: Annotated[list[Any], Field(min_length=1, max_length=MOST)]

    def questions(self, broker: Broker) -> list[Question | BrokerError]:
        """The questions, or what is wrong with each."""
        return [read_item(broker, item, purpose=self.purpose) for item in self.items]


class DescribedBatchWire(BatchWire):
    """The same with each item as it should be: what is published of it."""

    items: Annotated[list[ItemWire], Field(min_length=1, max_length=MOST)]


class ItemError(Wire):
    """What was wrong with one item; the others were answered."""

    error: Problem


class BatchAnswer(Wire):
    """The answers in the order of the items, all of one moment."""

    as_of: str
    results: list[DecisionWire | ItemError]


class LineAnswer(RootModel[DecisionWire | ItemError]):
    """The answer to a line of a stream."""


def read_item(broker: Broker, item: object, *, purpose: str | None) -> Question | BrokerError:
    """A question, or what is wrong with it."""
    try:
        return parse(ItemWire, item).to_core(broker, purpose=purpose)
    except BrokerError as error:
        return error


def read_line(broker: Broker, line: bytes, purpose: str | None = None) -> Question | BrokerError:
    """A question of a stream, which holds its own purpose unless there is one for all, or what is wrong with it."""
    try:
        return read_item(broker, read_json(line, max_bytes=MAX_LINE), purpose=purpose)
    except BrokerError as error:
        return error

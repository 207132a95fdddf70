"""Items that were read member by member, as questions in columns: each check is made of a whole column at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Alike, Questions, Sort
from broker.core.identifiers import read_values
from broker.errors import BrokerError
from broker.oauth.details import is_known
from broker.web.batch_wire import LONGEST_PURPOSE, LONGEST_VALUE


@dataclass(frozen=True)
class Asked:
    """What many items ask: the questions in their order, and at its place among the items what is wrong with another.

    ``questions`` are in columns where they were read so.
    """

    questions: Questions | Sequence[Question]
    errors: Mapping[int, BrokerError]

    def __len__(self) -> int:
        return len(self.questions) + len(self.errors)


class Columns(NamedTuple):
    """Items member by member, in parallel lists."""

    platforms: Sequence[str]
    ids: Sequence[str | None]
    handles: Sequence[str | None]
    kinds: Sequence[str]
    types: Sequence[str]
    values: Sequence[str]
    names: Sequence[str | None]
    purposes: Sequence[str | None]


def _singly(read: Sequence[Question | BrokerError]) -> Asked:
    """What items ask that were read one after the other."""
    errors = {place: it for place, it in enumerate(read) if isinstance(it, BrokerError)}
    return Asked([it for it in read if isinstance(it, Question)], errors)


def sort_columns(
    broker: Broker, read: Columns, purpose: str | None, *, strictly: Callable[[int], Question | BrokerError]
) -> Asked:
    """What 1 or more items ask; *purpose* is that of those that have none of their own.

    Each sort's are checked together. What is not as usual is read by its place and *strictly*: that says what is wrong.
    """
    alike, known = [], {}
    for (platform, kind, type_, asked), places in _sorts(read, purpose):
        if (platform, kind, type_) not in known:
            known[platform, kind, type_] = platform in broker.platforms and is_known(broker, platform, kind, type_)
        if known[platform, kind, type_] and asked is not None and len(asked) <= LONGEST_PURPOSE:
            alike.append(_alike(broker, Sort(platform, kind, type_, asked), places, read))
    if sum(len(some.places) for some in alike) == len(read.ids):
        return Asked(Questions(alike, {}), {})
    taken = {place for some in alike for place in some.places}
    rest = [place for place in range(len(read.ids)) if place not in taken]
    return _with_rest(alike, {place: strictly(place) for place in rest})


def _sorts(read: Columns, purpose: str | None) -> Sequence[tuple[tuple[str, str, str, str | None], Sequence[int]]]:
    """The places of the items of each sort."""
    purposes = read.purposes if purpose is None else [purpose if own is None else own for own in read.purposes]
    columns = (read.platforms, read.kinds, read.types, purposes)
    count = len(read.ids)
    if all(column.count(column[0]) == count for column in columns):  # nearly always: then nothing must be sorted
        return [((read.platforms[0], read.kinds[0], read.types[0], purposes[0]), range(count))]
    places = defaultdict(list)
    for place, sort in enumerate(zip(*columns, strict=True)):
        places[sort].append(place)
    return list(places.items())


def _alike(broker: Broker, sort: Sort, places: Sequence[int], read: Columns) -> Alike:
    """Those of the items of one sort that are as usual."""
    ids, handles, values, names = (_at(places, it) for it in (read.ids, read.handles, read.values, read.names))
    found, is_id = read_values(sort.type, values), broker.platforms[sort.platform].grammar.id.fullmatch
    count = len(places)
    usual = ids.count(None) == found.count(None) == 0 and handles.count(None) == names.count(None) == count
    if usual and max(map(len, values)) <= LONGEST_VALUE and all(map(is_id, ids)):
        return Alike(sort, places, ids, found)  # type: ignore[arg-type] # there is no None among them
    members = zip(places, ids, handles, names, values, found, strict=True)
    taken = [
        (place, id_, it)
        for place, id_, handle, name, value, it in members
        if it is not None and id_ is not None and handle is name is None and len(value) <= LONGEST_VALUE and is_id(id_)
    ]
    return Alike(sort, *(list(map(itemgetter(at), taken)) for at in range(3)))


def _at(places: Sequence[int], column: Sequence[Any]) -> Sequence[Any]:
    return column if isinstance(places, range) else [column[place] for place in places]


def _with_rest(alike: Sequence[Alike], rest: Mapping[int, Question | BrokerError]) -> Asked:
    """All questions, at the places that they have among each other."""
    if any(isinstance(it, Question) and it.provenance is not None for it in rest.values()):
        whole = {place: some.question(at) for some in alike for at, place in enumerate(some.places)} | dict(rest)
        return _singly([whole[place] for place in range(len(whole))])  # tags are put to the terms in their order
    errors = {place: it for place, it in rest.items() if isinstance(it, BrokerError)}
    count = sum(len(some.places) for some in alike) + len(rest)
    closed = {place: at for at, place in enumerate(place for place in range(count) if place not in errors)}
    moved = [some._replace(places=[closed[place] for place in some.places]) for some in alike]
    return Asked(Questions(moved, {closed[at]: it for at, it in rest.items() if isinstance(it, Question)}), errors)

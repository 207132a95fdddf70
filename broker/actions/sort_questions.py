"""Many questions in columns: those that have all in common but whom they are about lie together.

An object for each would cost more than to look it up. What is seldom (a handle, a tag, a record of another name) stays
a question of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from broker.actions.gather_facts import Question
from broker.core.identifiers import Identifier


class Sort(NamedTuple):
    """What questions have in common: the platform, the kind and type of their records, and the purpose."""

    platform: str
    kind: str
    type: str
    purpose: str


class Alike(NamedTuple):
    """Questions of one sort, without a tag: the place of each, its account's permanent id, its record normalised."""

    sort: Sort
    places: Sequence[int]
    accounts: Sequence[str]
    values: Sequence[str]

    def question(self, at: int) -> Question:
        """The one at a place of these columns, whole."""
        platform, kind, type_, purpose = self.sort
        record = Identifier(kind=kind, type=type_, value=self.values[at])
        return Question(
            platform=platform, account_id=self.accounts[at], handle=None, identifier=record, purpose=purpose
        )


@dataclass(frozen=True)
class Questions:
    """Questions from place 0 on, each at one place: in one of the columns, or by itself."""

    alike: Sequence[Alike]
    others: Mapping[int, Question]

    def __len__(self) -> int:
        return sum(len(some.places) for some in self.alike) + len(self.others)


def sort_questions(questions: Sequence[Question]) -> Questions:
    """Return *questions* in columns, each at its place."""
    places: defaultdict[Sort, list[int]] = defaultdict(list)
    others = {}
    for place, asked in enumerate(questions):
        record = asked.identifier
        if asked.account_id is None or asked.provenance is not None or record.name is not None:
            others[place] = asked
        else:
            places[Sort(asked.platform, record.kind, record.type, asked.purpose)].append(place)
    return Questions([_alike(sort, at, questions) for sort, at in places.items()], others)


def _alike(sort: Sort, places: Sequence[int], questions: Sequence[Question]) -> Alike:
    some = [questions[place] for place in places]
    return Alike(sort, places, [asked.account_id or "" for asked in some], [asked.identifier.value for asked in some])

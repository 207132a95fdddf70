"""What questions of one sort have in common for one client: found out with the first of them, and kept for the others.

Nothing of what is kept says whose it is, and no decision is kept without all that the terms looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from re import Match
from typing import NamedTuple

from broker.actions.answer_questions import Named, Ruled, Sitting
from broker.actions.broker import Broker
from broker.actions.decide_matches import outcome_of
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Sort
from broker.core.client import Client
from broker.core.identifiers import Identifier
from broker.core.match import Decision
from broker.core.sheet import Outcome
from broker.oauth.details import is_known
from broker.store.looking import Look
from broker.store.pairs import PairFound
from broker.web.batch_text import answer_parts
from broker.web.batch_wire import LONGEST_PURPOSE

#: Sorts of questions, and things said, that are remembered of a client; it has a few dozen.
_MOST_LANES, _MOST_SAID = 1_000, 10_000


class Said(NamedTuple):
    """A decision, how its answer is said, and what is recorded of it."""

    decision: Decision
    parts: tuple[str, str]
    outcome: Outcome


@dataclass(frozen=True)
class Lane:
    """Questions of one sort: whether an id may be one, the digests of both ends, and what was said before.

    ``by_turns`` is what was said where the terms were asked about nothing but a pair's shape and whether its consent is
    over; ``by_decision`` all that was said, by the decision that is kept with it: its id is its own while it is there.
    """

    sort: Sort
    is_id: Callable[[str], Match[str] | None]
    account: Callable[[str], bytes]
    identifier: Callable[[str], bytes]
    by_turns: dict[Hashable, Said] = field(default_factory=dict)
    by_decision: dict[int, Said] = field(default_factory=dict)

    def question(self, account_id: str, value: str) -> Named:
        """One of them, whole."""
        platform, kind, type_, purpose = self.sort
        record = Identifier(kind=kind, type=type_, value=value)
        asked = Question(platform=platform, account_id=account_id, handle=None, identifier=record, purpose=purpose)
        account = self.account(account_id)
        return Named(asked, account, self.identifier(value), account, account)


@dataclass(frozen=True)
class KnownClient:
    """A client as a version of its row says, its lanes, and what the terms said of its circumstances."""

    version: bytes
    client: Client
    lanes: dict[Sort, Lane | None] = field(default_factory=dict)
    shared: dict[Hashable, Decision] = field(default_factory=dict)

    def lane(self, broker: Broker, sort: Sort) -> Lane | None:
        """The lane of a sort; None where its questions must be read the strict way."""
        try:
            return self.lanes[sort]
        except KeyError:
            if len(self.lanes) >= _MOST_LANES:
                self.lanes.clear()
            return self.lanes.setdefault(sort, _lane(broker, self.client, sort))

    def ruled(
        self, broker: Broker, lane: Lane, look: Look, at: int, *, account_id: str, value: str
    ) -> tuple[Said, str]:
        """What is said of one question, *at* a moment in microseconds, and the name of what a permit rests on."""
        row = look.row
        # Where much is known of the pair, or anything of the person, the answer is nobody else's.
        plain = not look.cautions and (row is None or row[3] != 0)
        said = lane.by_turns.get(_turns_on(row, at)) if plain else None
        if said is not None:
            return said, row[2] if row and said.decision.permitted else ""
        found = {row[0]: row} if row else {}
        sitting = Sitting(broker, self.client, found, look.cautions, shared=self.shared)
        ruled = sitting.rule(lane.question(account_id, value))
        said = self._said(lane, ruled)
        if plain:
            if len(lane.by_turns) >= _MOST_SAID:
                lane.by_turns.clear()
            lane.by_turns[_turns_on(row, sitting.moment)] = said
        return said, ruled.names

    def _said(self, lane: Lane, ruled: Ruled) -> Said:
        decision = ruled.decision
        found = lane.by_decision.get(id(decision))
        if found is None:
            if len(lane.by_decision) >= _MOST_SAID:
                lane.by_decision.clear()
            outcome = outcome_of(self.client, lane.sort.purpose, decision)
            found = lane.by_decision[id(decision)] = Said(decision, answer_parts(decision), outcome)
        return found


def _turns_on(row: PairFound | None, at: int) -> Hashable:
    return (row[1], row[3] <= at) if row else None


def _lane(broker: Broker, client: Client, sort: Sort) -> Lane | None:
    platform = broker.platforms.get(sort.platform)
    if platform is None or len(sort.purpose) > LONGEST_PURPOSE:
        return None
    if not is_known(broker, platform.name, sort.kind, sort.type):
        return None
    environment = client.registration.environment
    return Lane(
        sort=sort,
        is_id=platform.grammar.id.fullmatch,
        account=broker.blinder.account_digester(platform.name, environment=environment),
        identifier=broker.blinder.identifier_digester(client.client_id, kind=sort.kind, type=sort.type),
    )

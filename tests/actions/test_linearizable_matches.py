"""Grants, withdrawals, the passing of dates and matches, all at once: every answer fits one order that time allows.

So no match is permitted that began after a withdrawal was acknowledged, none denied that began after a consent was, and
no two who ask disagree about which came first. CONSENT_BROKER_LONG=1 asks for more and longer histories.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from threading import Event, Lock
from time import monotonic, sleep

from builders import Clock, a_broker, a_choice, a_question, a_request, an_account, emptied, proved, registered
from linearizable import Act, Object, linearizable
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.decide_match import decide_match
from broker.actions.expire_consents import expire_consents
from broker.actions.linking import Proved
from broker.actions.record_consent import record_consent
from broker.actions.withdraw_consent import relinquish_grant, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.errors import Unavailable

LONG = bool(os.environ.get("CONSENT_BROKER_LONG"))
HISTORIES, GRANTS = (25, 40) if LONG else (2, 12)
#: It is a matter of luck which history shows it; the first that does is enough.
CONTROLS = 12
MATCHERS, ENDERS = 3, 2
CACHED = 0.005


@dataclass(frozen=True)
class Pair:
    """The one pair as the model has it: which consent stands, until which day, and what day it is."""

    stands: str = ""
    until: int = 0
    day: int = 0
    #: Those in whose place another was given: who takes one of them back means the one that stands.
    renewed: frozenset[str] = frozenset()

    @property
    def live(self) -> str:
        """The consent that permits today, or none."""
        return self.stands if self.day < self.until else ""


def step(pair: Pair, act: Act) -> Pair | None:
    """What an act leads to, or None when that answer cannot be given now."""
    verb, _, grant = act.name.partition(" ")
    if verb == "match":
        return pair if act.answer == pair.live else None
    if verb == "day":
        return replace(pair, day=pair.day + 1)
    if verb == "give":
        renewed = pair.renewed | ({pair.live} - {""})
        return replace(pair, stands=str(act.answer or grant), until=pair.day + 1, renewed=renewed)
    ends = bool(pair.live) and (pair.live == grant or (verb == "withdraw" and grant in pair.renewed))
    if act.known and act.answer != ends:
        return None
    return replace(pair, stands="") if ends else pair


PAIR = Object(Pair(), step)


@dataclass
class World:
    """One pair, everybody who acts on it, and what they did."""

    broker: Broker
    client: Client
    clock: Clock
    rng: Random
    match: Callable[[], str]
    history: list[Act] = field(default_factory=list)
    given: list[ConsentRecord] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def does(self, name: str, act: Callable[[], object]) -> None:
        """Do it, and write down when and with which answer; a failure leaves it open whether it was done."""
        called = monotonic()
        try:
            answer = act()
        except Unavailable:
            self.history.append(Act(name, None, called))
        else:
            self.history.append(Act(name, answer, called, monotonic()))

    def matches(self) -> None:
        """Ask and ask."""
        while not self.over.is_set():
            self.does("match", self.match)
            sleep(0.001)

    def gives(self) -> None:
        """Say yes again and again; what stood before ends with it. Now and then a day goes by."""
        for _ in range(GRANTS):
            # Its date counts from here, when the page is shown.
            one = proved(self.broker, an_account(), a_request(self.client, valid_for="P1D"))

            def give(one: Proved = one) -> str:
                with self.broker.database.transaction() as tx:
                    record = record_consent(tx, self.broker, self.client, a_choice(one, "customer-care"))
                self.given.append(record)
                return record.grant_id

            self.does("give", give)
            self.let_others(4)
            if self.rng.random() < 0.3:
                self.does("day", lambda: self.clock.passes(days=1))
        self.over.set()

    def let_others(self, count: int) -> None:
        """Wait until others have done so many acts, on a busy machine too."""
        enough, ends = len(self.history) + count, monotonic() + 5
        while len(self.history) < enough and monotonic() < ends:
            sleep(0.001)
        sleep(self.rng.random() * 0.04)

    def ends(self) -> None:
        """Take the latest back, or an earlier one; as the person, or as the business. What is over is written down."""
        while not self.over.is_set():
            sleep(self.rng.random() * 0.03)
            for record in self.given[-1:] if self.rng.random() < 0.8 else self.given[-2:-1]:
                verb, end = ("withdraw", self.withdraw) if self.rng.random() < 0.5 else ("give-up", self.give_up)
                self.does(f"{verb} {record.grant_id}", partial(end, record))
            with suppress(Unavailable):
                expire_consents(self.broker)  # which no match may notice

    def withdraw(self, record: ConsentRecord) -> bool:
        """Whether the person ended one by this."""
        with self.broker.database.transaction() as tx:
            ending = withdraw_consent(tx, self.broker, account=record.account, grant_id=record.grant_id)
            return ending.receipt_id is not None

    def give_up(self, record: ConsentRecord) -> bool:
        """Whether the business ended it by this."""
        with self.broker.database.transaction() as tx:
            by = {"client_id": record.client_id, "grant_id": record.grant_id}
            return relinquish_grant(tx, self.broker, **by).receipt_id is not None

    def run(self) -> list[Act]:
        """Let everybody act at once until the last consent was given."""
        with ThreadPoolExecutor() as hands:
            work = [self.gives, *[self.ends] * ENDERS, *[self.matches] * MATCHERS]
            for done in [hands.submit(act) for act in work]:
                done.result()
        return self.history


def cached(match: Callable[[], str]) -> Callable[[], str]:
    """The same answer to everybody for five milliseconds: what nobody may build."""
    lock, kept = Lock(), [(-1.0, "")]

    def answer() -> str:
        with lock:
            at, found = kept[0]
            if monotonic() - at > CACHED:
                found = match()
                kept[0] = (monotonic(), found)
            return found

    return answer


def histories(
    database: WatchedDatabase, through: Callable[[Callable[[], str]], Callable[[], str]], *, most: int = HISTORIES
) -> Iterator[list[Act]]:
    """Histories of one pair each, matches asked *through* something."""
    for seed in range(most):
        clock = Clock()
        broker = a_broker(emptied(database), clock=clock)
        client = registered(broker)

        def match(broker: Broker = broker, client: Client = client) -> str:
            with broker.database.transaction(in_turn=True) as tx:  # as the match API does
                decision = decide_match(tx, broker, client, a_question()).decision
            return decision.consent.grant_id if decision.permitted and decision.consent else ""

        yield World(broker, client, clock, Random(seed), through(match)).run()  # noqa: S311 - whims, not secrets


def counted(history: list[Act]) -> tuple[int, int, int]:
    """How many matches were permitted, how many denied, and how many ends ended something."""
    matches = [bool(act.answer) for act in history if act.name == "match"]
    return sum(matches), len(matches) - sum(matches), sum(act.answer is True for act in history)


def test_whatever_happens_at_once_could_have_happened_one_after_the_other(database: WatchedDatabase) -> None:
    whole = []
    for history in histories(database, lambda match: match):
        assert linearizable(history, PAIR)
        whole += history
    assert all(counted(whole)), "too little happened for this to say anything"
    assert len(whole) > 10 * sum(not act.known for act in whole)


def test_a_cache_of_five_milliseconds_would_be_seen(database: WatchedDatabase) -> None:
    assert not all(linearizable(history, PAIR) for history in histories(database, cached, most=CONTROLS))

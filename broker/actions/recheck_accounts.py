"""Ask a platform, by their permanent ids, how the accounts stand that something could still match.

Those never asked about come first, then those asked longest ago: a run that was cut short goes on where it ended. What
the platform answers is written down a few accounts at a time; a question that fails changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broker.actions.broker import Broker
from broker.actions.follow_account import GONE, changes_of, follow_sighting
from broker.actions.sign_in import environment_of
from broker.errors import CommandRefused
from broker.platforms import Platform, Sighting
from broker.store.erasing import hold_people
from broker.store.people import Person, find_person
from broker.store.presences import checked_at, due_accounts, presence_of, save_check
from broker.store.transaction import Transaction

#: Accounts of one transaction: short enough that nobody waits for it.
_STEP = 20
#: So many accounts, and so large a part of those asked about, do not leave at once; an answer that says so is doubted.
_MANY, _PART = 10, 0.2
#: Nor do they in a whole run: a platform that stays below that in every answer would put a fifth to sleep in one.
_MANY_OF_RUN, _PART_OF_RUN = 50, 0.1
#: What may come of asking about an account, besides what may have changed of it.
UNCHANGED, UNANSWERED, OVERTAKEN = "unchanged", "unanswered", "overtaken"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """How far to go: at most ``limit`` accounts; ``dry_run`` writes nothing; ``many`` believes that many have left."""

    limit: int
    dry_run: bool = False
    many: bool = False


@dataclass(kw_only=True)
class Rechecked:
    """What came of it, counted; an account that changed in two ways counts twice.

    ``left`` were to be asked about, and were not. ``resume_at``: the platform's limit is reached, and no sooner may it
    be asked again. ``unready``: a job took longer than anybody wanted to wait.
    """

    asked: int = 0
    left: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    resume_at: datetime | None = None
    unready: bool = False


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What a platform answered, when it was asked, about whom; ``turn``: it was their turn, which is over now."""

    people: Sequence[Person]
    sightings: Mapping[str, Sighting]
    asked_at: datetime
    turn: bool


def recheck_accounts(broker: Broker, platform: Platform, orders: Orders, done: Rechecked) -> None:
    """Look accounts up, as many at once as the platform takes, and count into *done* what came of it.

    Raises :class:`broker.errors.RecheckFailed`; what was written down and counted before stands.
    """
    recheck = platform.recheck()
    due = _due(broker, platform, orders.limit)
    done.left = len(due)
    while done.left:
        now_due = due[len(due) - done.left :][: recheck.at_once]
        asked_at, people = broker.now(), _people(broker, now_due)
        found = recheck.look_up(_ids(people), now=asked_at)
        if found.sightings or found.resume_at is None:
            answer = _Answer(people=people, sightings=found.sightings, asked_at=asked_at, turn=True)
            _take(broker, answer, orders, done)
            done.left -= len(now_due)
        if found.resume_at is not None and done.left:
            done.resume_at = found.resume_at
            return


def recheck_compliance(
    broker: Broker, platform: Platform, orders: Orders, done: Rechecked, *, wait: Callable[[], bool]
) -> None:
    """Have jobs, one after the other, say which accounts are gone or protected; see :meth:`Recheck.comply`.

    They say no handles, so whose turn it is to be looked up stays as it was.
    """
    recheck = platform.recheck()
    due = _due(broker, platform, orders.limit)
    done.left = len(due)
    while done.left:
        now_due = due[len(due) - done.left :][: recheck.most]
        asked_at, people = broker.now(), _people(broker, now_due)
        sightings = recheck.comply(_ids(people), wait=wait)
        if sightings is None:
            done.unready = True
            return
        _take(broker, _Answer(people=people, sightings=sightings, asked_at=asked_at, turn=False), orders, done)
        done.left -= len(now_due)


def _due(broker: Broker, platform: Platform, limit: int) -> list[bytes]:
    with broker.database.reading() as tx:
        return due_accounts(tx, platform=platform.name, now=broker.now(), limit=limit)


def _people(broker: Broker, accounts: Sequence[bytes]) -> list[Person]:
    """Those who are still known; an erasure may have come in between."""
    with broker.database.reading() as tx:
        found = [find_person(tx, broker.sealer, account) for account in accounts]
    return [person for person in found if person is not None]


def _ids(people: Sequence[Person]) -> list[str]:
    """Each id once: the same account may lie in several environments."""
    return sorted({person.proven.account.id for person in people})


def _take(broker: Broker, answer: _Answer, orders: Orders, done: Rechecked) -> None:
    """Believe an answer, or refuse it whole; write it down, or only count what would be."""
    expected = _expected(broker, answer)
    if not orders.many:
        _check_plausible(expected, len(answer.people), done)
    for start in range(0, len(answer.people), _STEP):
        part = answer.people[start : start + _STEP]
        if not orders.dry_run:
            with broker.database.transaction() as tx:
                expected.update(_written(tx, broker, part, answer))
        done.counts.update(word for person in part for word in expected[person.key])
        done.asked += len(part)


def _expected(broker: Broker, answer: _Answer) -> dict[bytes, tuple[str, ...]]:
    """What would come of the answer for each account, as far as can be told without holding it."""
    expected = {}
    with broker.database.reading() as tx:
        for person in answer.people:
            seen = answer.sightings.get(person.proven.account.id)
            changes = changes_of(person, presence_of(tx, person.key), seen) if seen else None
            expected[person.key] = _words(changes)
    return expected


def _words(changes: tuple[str, ...] | None) -> tuple[str, ...]:
    return (UNANSWERED,) if changes is None else changes or (UNCHANGED,)


def _check_plausible(expected: Mapping[bytes, tuple[str, ...]], asked: int, done: Rechecked) -> None:
    """A platform that has lost its head, or another one under its address, must not suspend everybody."""
    gone = sum(GONE in words for words in expected.values())
    answer = (gone, asked, max(_MANY, _PART * asked))
    run = (done.counts[GONE] + gone, done.asked + asked, max(_MANY_OF_RUN, _PART_OF_RUN * (done.asked + asked)))
    for gone_by_now, asked_by_now, believed in (answer, run):
        if gone and gone_by_now > believed:
            raise CommandRefused(
                f"{gone_by_now} of {asked_by_now} accounts would be gone at once, which is hard to believe: nothing of"
                " this answer was written down; if it is so, say --many"
            )


def _written(
    tx: Transaction, broker: Broker, people: Sequence[Person], answer: _Answer
) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    """Write down what was seen of a few people, each held while it is; return what came of it."""
    hold_people(tx, [person.key for person in people])
    for key in [person.key for person in people]:
        person = find_person(tx, broker.sealer, key)
        if person is None or _is_overtaken(tx, person, answer.asked_at):
            yield key, (OVERTAKEN,)
            continue
        seen = answer.sightings.get(person.proven.account.id)
        environment = environment_of(broker, person)
        yield key, _words(follow_sighting(tx, broker, person, seen, environment=environment) if seen else None)
        if answer.turn:
            save_check(tx, key, at=answer.asked_at)


def _is_overtaken(tx: Transaction, person: Person, asked_at: datetime) -> bool:
    """Whether a proof or another recheck has said something newer than the answer to a question of *asked_at*."""
    checked = checked_at(tx, person.key)
    return person.proved_at > asked_at or (checked is not None and checked > asked_at)

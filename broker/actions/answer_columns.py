"""Questions in columns: what is known is read for all of them at once, and then told in columns.

What a question turns on is the same for most of its neighbours: the terms are asked once for all that have it in
common, and nothing of that outlasts the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import add
from typing import Any, NamedTuple

from broker.actions.answer_questions import Named, Sitting, bare, name_all, pairs_of, people_of, sit
from broker.actions.broker import Broker
from broker.actions.sort_questions import Alike, Questions
from broker.core.client import Client
from broker.core.match import Decision
from broker.store.pairs import end_of
from broker.store.transaction import Transaction


class Said(NamedTuple):
    """What the terms said to some, and about which purpose; shared, so that consent and ground are left out."""

    purpose: str
    decision: Decision


@dataclass(frozen=True)
class Ruling:
    """What was said to questions: ``said``, and parallel columns ordered by their places.

    Of each: the digests of its account and its record, its place in ``said``, the words of what a permit rests on
    (:func:`names_of`), none of a denial, and when its consent ends, in microseconds since 1970, if it rests on one.
    ``led_to`` is as in :class:`Entries`.
    """

    said: Sequence[Said]
    accounts: Sequence[bytes]
    identifiers: Sequence[bytes]
    codes: Sequence[int]
    rests: Sequence[Sequence[str]]
    ends: Sequence[int]
    led_to: Sequence[tuple[int, bytes]]


class _Blinded(NamedTuple):
    """Questions that are alike, with their digests; ``pairs`` are both together."""

    alike: Alike
    accounts: Sequence[bytes]
    identifiers: Sequence[bytes]
    pairs: Sequence[bytes]


class _Part(NamedTuple):
    """What was said to some questions: the columns of :class:`Ruling`, and the place of each."""

    places: Sequence[int]
    columns: Sequence[Sequence[Any]]


#: In place of the row of a pair of which nothing is known, and nothing could end.
_UNKNOWN = (b"", "", "", 1 << 63)


def rule_columns(tx: Transaction, broker: Broker, client: Client, questions: Questions) -> Ruling:
    """Decide 1 or more *questions*, each as :func:`rule_one` would."""
    blinded = [_blinded(broker, client, alike) for alike in questions.alike]
    named = name_all(tx, broker, client, list(questions.others.values()))
    sitting = sit(
        tx,
        broker,
        client,
        pairs=[*chain.from_iterable(one.pairs for one in blinded), *pairs_of(named)],
        people=[*chain.from_iterable(one.accounts for one in blinded), *people_of(named)],
    )
    said: list[Said] = []
    parts = [_ruled_alike(sitting, one, said) for one in blinded]
    if named:
        parts.append(_ruled_singly(sitting, list(questions.others), named, said))
    led_to = [(at, it.person) for at, it in zip(questions.others, named, strict=True) if it.person != it.account]
    accounts, identifiers, codes, rests, ends = _by_place(parts, len(questions))
    return Ruling(said, accounts, identifiers, codes, rests, ends, led_to)


def _blinded(broker: Broker, client: Client, alike: Alike) -> _Blinded:
    platform, kind, type_, _purpose = alike.sort
    environment, blinder = client.registration.environment, broker.blinder
    accounts = blinder.accounts(platform, alike.accounts, environment=environment)
    identifiers = blinder.identifiers(client.client_id, kind=kind, type=type_, values=alike.values)
    return _Blinded(alike, accounts, identifiers, list(map(add, accounts, identifiers)))


def _ruled_alike(sitting: Sitting, asked: _Blinded, said: list[Said]) -> _Part:
    """Decide, where the terms were not asked about the very same before.

    They are asked about a pair's shape and whether its consent is over, but not which one it is, nor its dates.
    """
    accounts, cautioned, moment, purpose = asked.accounts, sitting.cautioned, sitting.moment, asked.alike.sort.purpose
    live: dict[str, int] = {}
    over: dict[str, int] = {}
    codes, names, ends = [], [], []
    for at, row in enumerate(map(sitting.found.get, asked.pairs)):
        _pair, shape, name, end = row or _UNKNOWN
        # Much is known of the pair, or something of the person: then nobody else's answer is theirs.
        if not end or (cautioned and accounts[at] in cautioned):
            decision, name = sitting.rule(_named(asked, at))
            code, end = _noted(said, purpose, decision), end_of(name)
        else:
            shared = live if end > moment else over
            code = shared.get(shape, -1)
            if code < 0:
                code = shared[shape] = _noted(said, purpose, bare(sitting.decide(_named(asked, at))))
        codes.append(code)
        names.append(name)
        ends.append(end)
    permits = [it.decision.permitted for it in said]
    rests = [name.split(" ", 3) if permits[code] else () for code, name in zip(codes, names, strict=True)]
    return _Part(asked.alike.places, (accounts, asked.identifiers, codes, rests, ends))


def _noted(said: list[Said], purpose: str, decision: Decision) -> int:
    """The place of something that was said."""
    said.append(Said(purpose, decision))
    return len(said) - 1


def _named(asked: _Blinded, at: int) -> Named:
    account = asked.accounts[at]
    return Named(asked.alike.question(at), account, asked.identifiers[at], account, account)


def _ruled_singly(sitting: Sitting, places: Sequence[int], named: Sequence[Named], said: list[Said]) -> _Part:
    rows = []
    for it in named:
        decision, names = sitting.rule(it)
        code = _noted(said, it.question.purpose, decision)
        rows.append((it.account, it.identifier, code, names.split(" ") if names else (), end_of(names)))
    return _Part(places, list(zip(*rows, strict=True)))


def _by_place(parts: Sequence[_Part], count: int) -> Sequence[Sequence[Any]]:
    """The columns of all parts, each value at its place."""
    if len(parts) == 1 and isinstance(parts[0].places, range):
        return parts[0].columns
    placed: list[list[Any]] = [[None] * count for _column in parts[0].columns]
    for places, columns in parts:
        for whole, column in zip(placed, columns, strict=True):
            for place, value in zip(places, column, strict=True):
                whole[place] = value
    return placed

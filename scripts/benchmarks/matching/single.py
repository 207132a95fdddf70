"""One match at a time over HTTP, 16 connections at once, against bare peers on the same server."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.matching.growth import growth
from benchmarks.matching.load import get_load, match_load
from benchmarks.matching.rounds import Found, Rounds, Side, Target, interleave
from benchmarks.matching.serving import Served, a_peer, the_broker
from benchmarks.matching.stages import POSTGRES, Stage
from benchmarks.stage import SQLITE

SECTION = "single match"
AT_ONCE = 16
OURS, SYNCED, USUAL = (
    "POST /v1/match",
    "POST /v1/match, synced before the answer",
    "Flask, SQLModel, pydantic, a row each",
)
BARE, FLASK, SELECT = "bare WSGI hello-world", "Flask hello-world", "bare WSGI `select 1`"
#: Which side is held against which, by what, and how much of it is wanted.
_RATE = (
    (OURS, BARE, SQLITE, 0.5),
    (OURS, FLASK, SQLITE, 1.5),
    (OURS, SELECT, POSTGRES, 0.5),
    (SYNCED, FLASK, SQLITE, 0.5),
    (OURS, USUAL, SQLITE, 15.0),
    (OURS, USUAL, POSTGRES, 15.0),
)


def measure(asked: argparse.Namespace, stages: Sequence[Stage]) -> Found:
    """Ask every server in turn."""
    with ExitStack() as held:
        sides = list(_sides(asked, stages, held))
        for side in sides:
            side.act()  # so that nothing is compiled or connected any more
        rounds = interleave(sides, asked.rounds)
    return _found(rounds, stages)


def _sides(asked: argparse.Namespace, stages: Sequence[Stage], held: ExitStack) -> Sequence[Side]:
    home, seconds = stages[0].home, asked.seconds
    sides = []

    def hello(name: str, peer: str, url: str, beside: tuple[int, ...] = ()) -> None:
        served = held.enter_context(a_peer(peer, home, url, workers=asked.workers, beside=beside))
        sides.append(Side(name, lambda: get_load(served, "/", connections=AT_ONCE, seconds=seconds)))

    def matches(name: str, served: Served, stage: Stage, token: Callable[[], str], settle: float = 0.0) -> None:
        load = partial(match_load, served, links=stage.links, connections=AT_ONCE, seconds=seconds, settle=settle)
        sides.append(Side(name, lambda: load(token())))

    hello(BARE, "bare", stages[0].plain_url)
    hello(FLASK, "flask", stages[0].plain_url)
    for stage in [stage for stage in stages if stage.kind == POSTGRES][:1]:
        hello(SELECT, "select_one", stage.plain_url, stage.beside)
    for stage in stages:
        for name, more in _ways(asked, stage):
            served = held.enter_context(
                the_broker(stage.home, stage.url, workers=asked.workers, more=more, beside=stage.beside)
            )
            # A new token each turn: none grows older than a turn.
            matches(f"{name} {stage.label}", served, stage, partial(stage.token, served.port), asked.settle)
        served = held.enter_context(
            a_peer("sqlmodel", stage.home, stage.plain_url, workers=asked.workers, beside=stage.beside)
        )
        matches(f"{USUAL} {stage.label}", served, stage, lambda: "-")
    return sides


def _ways(asked: argparse.Namespace, stage: Stage) -> Sequence[tuple[str, Mapping[str, str]]]:
    usual = dict(asked.set)
    # Tapes of their own: each files what it has told, and what that takes counts as its.
    synced = {**usual, "BROKER_TAPES_DIR": str(stage.home / "tapes-synced"), **dict(asked.synced)}
    return (OURS, usual), (SYNCED, synced)


def _found(rounds: Rounds, stages: Sequence[Stage]) -> Found:
    found = Found()
    for name in (BARE, FLASK, SELECT):
        if name in rounds.samples:
            found.lines.append(rounds.line(name, section=SECTION, what=name, database="", links=None))
    for stage in stages:
        own = {name for name in (OURS, SYNCED, USUAL) if f"{name} {stage.label}" in rounds.samples}
        for name in sorted(own, key=(OURS, SYNCED, USUAL).index):
            side = f"{name} {stage.label}"
            found.lines.append(rounds.line(side, section=SECTION, what=name, database=stage.kind, links=stage.links))
        found.targets += _targets(rounds, stage, own)
    found.targets += growth(rounds, stages, (OURS,), SECTION)
    return found


def _targets(rounds: Rounds, stage: Stage, own: set[str]) -> Sequence[Target]:
    met = []
    for ours, theirs, kind, wanted in _RATE:
        if kind == stage.kind and ours in own:
            other = f"{theirs} {stage.label}" if theirs in own else theirs
            ratio = rounds.ratio(f"{ours} {stage.label}", other, "rate")
            met.append(_target(stage, f"{ours}: rate to {theirs}", ratio, wanted))
    p99 = rounds.ratio(f"{OURS} {stage.label}", FLASK, "p99")
    return [*met, _target(stage, f"{OURS}: p99 to {FLASK}", p99, 1.0, most=True)]


def _target(stage: Stage, what: str, measured: float, wanted: float, *, most: bool = False) -> Target:
    return Target(
        section=SECTION, what=what, database=stage.kind, links=stage.links, measured=measured, wanted=wanted, most=most
    )

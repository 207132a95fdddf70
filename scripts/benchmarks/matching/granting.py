"""Consents given, 16 at once, against bare inserts of the same rows; taken back; and matches meanwhile."""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context

from benchmarks import consenting
from benchmarks.matching import hands
from benchmarks.matching.hands import Turn
from benchmarks.matching.load import match_load
from benchmarks.matching.processes import cpu_of
from benchmarks.matching.rounds import Found, Rounds, Sample, Side, Target, interleave
from benchmarks.matching.samerows import SameRows, rows_of_a_grant
from benchmarks.matching.serving import Served, the_broker
from benchmarks.matching.stages import Stage
from broker.actions.withdraw_consent import withdraw_by_link

SECTION = "grants and withdrawals"
_PROCESSES, _THREADS, _BESIDE = 2, 8, 2
_GRANT, _BARE, _END = "grant, 16 at once", "bare inserts of the same rows, unsigned", "withdrawal, in process"
_IDLE, _BUSY = "POST /v1/match, 2 at once, nobody grants", "POST /v1/match, 2 at once, {:g} grants/s asked"
_SHARE, _END_MS, _TIMES_IDLE = 0.8, 1.0, 2.0
_SOON = 0.05
_LATER = 1.0


def measure(asked: argparse.Namespace, stages: Sequence[Stage]) -> Found:
    """Grant, insert, withdraw and ask in turn, on every stage."""
    found, rows = Found(), rows_of_a_grant()
    for stage in stages:
        rows.make_tables(stage.plain_url)
        with ExitStack() as held:
            granters = [held.enter_context(_hand(stage, rows)) for _ in range(_PROCESSES)]
            served = held.enter_context(
                the_broker(stage.home, stage.url, workers=asked.workers, more=dict(asked.set), beside=stage.beside)
            )
            crew = _Crew(asked, stage, served, granters)
            for side in crew.sides():
                side.act()
            rounds = interleave(crew.sides(), asked.rounds)
        _add(found, rounds, stage, crew)
    return found


def _hand(stage: Stage, rows: SameRows) -> ProcessPoolExecutor:
    """A process that grants and inserts; it has the broker open for itself."""
    told = (str(stage.home), stage.url, stage.plain_url, stage.client.client_id, rows, _THREADS)
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=hands.begin, initargs=told)


class _Crew:
    """Those who work on one stage."""

    def __init__(
        self, asked: argparse.Namespace, stage: Stage, served: Served, granters: Sequence[ProcessPoolExecutor]
    ) -> None:
        self._asked, self._stage, self._served, self._granters = asked, stage, served, granters
        # Nobody was given these numbers before, in an earlier run neither.
        self._next = time.time_ns() // 1000
        self.busy = _BUSY.format(asked.grant_rate)
        self.granted: list[float] = []

    def sides(self) -> list[Side]:
        """Who takes turns."""
        return [
            Side(_GRANT, self._grant),
            Side(_BARE, self._insert),
            Side(_END, partial(self._withdraw, self._asked.withdrawals)),
            Side(_IDLE, self._matches),
            Side(self.busy, self._matches_among_grants),
        ]

    def _numbers(self, count: int) -> range:
        self._next += count
        return range(self._next - count, self._next)

    def _all(self, way: object, *told: object) -> "list[Future[Turn]]":
        return [granter.submit(way, *told) for granter in self._granters]  # type: ignore[arg-type] # one of hands'

    def _prepare(self, grants: int) -> None:
        each = -(-grants // _PROCESSES)
        for one in self._granters:  # one after the other: only what is timed is to wait for each other
            one.submit(hands.prepare, self._numbers(each)).result()

    def _grant(self) -> Sample:
        self._prepare(self._asked.grants)
        before = cpu_of(self._stage.beside)
        return self._sample(self._all(hands.grant, time.monotonic() + _SOON, 0.0), before)

    def _insert(self) -> Sample:
        for ready in self._all(hands.prepare_rows, self._asked.grants // _PROCESSES):
            ready.result()
        before = cpu_of(self._stage.beside)
        return self._sample(self._all(hands.insert, time.monotonic() + _SOON), before)

    def _sample(self, turns: "Sequence[Future[Turn]]", before: float) -> Sample:
        done = [turn.result() for turn in turns]
        wall = max(turn.ended for turn in done) - min(turn.began for turn in done)
        cpu = sum(turn.cpu for turn in done) + cpu_of(self._stage.beside) - before
        return _sample([one for turn in done for one in turn.times], wall, cpu)

    def _withdraw(self, number: int) -> Sample:
        broker, times = self._stage.broker, []
        given = list(consenting.consents(broker, self._stage.client, self._numbers(number)))
        computed, before = time.process_time(), cpu_of(self._stage.beside)
        for one in given:
            began = time.perf_counter()
            with broker.database.transaction() as tx:
                withdraw_by_link(tx, broker, capability=one.capability)
            times.append(time.perf_counter() - began)
        return _sample(times, sum(times), time.process_time() - computed + cpu_of(self._stage.beside) - before)

    def _matches(self, token: str = "") -> Sample:
        stage, served = self._stage, self._served
        token = token or stage.token(served.port)
        return match_load(served, token, stage.links, connections=_BESIDE, seconds=self._asked.seconds)

    def _matches_among_grants(self) -> Sample:
        rate = self._asked.grant_rate
        self._prepare(int(rate * (self._asked.seconds + 2 * _LATER)))
        token = self._stage.token(self._served.port)
        turns = self._all(hands.grant, time.monotonic() + _SOON, rate / _PROCESSES)
        time.sleep(_LATER)
        found = self._matches(token)
        done = [turn.result() for turn in turns]
        self.granted.append(sum(len(turn.times) / (turn.ended - turn.began) for turn in done))
        return found


def _sample(times: Sequence[float], wall: float, cpu: float) -> Sample:
    ordered = sorted(times)
    p50, p99 = (ordered[int(len(ordered) * rank)] for rank in (0.5, 0.99))
    return Sample(count=len(times), wall=wall, cpu=cpu, p50=p50, p99=p99)


def _add(found: Found, rounds: Rounds, stage: Stage, crew: _Crew) -> None:
    where = {"section": SECTION, "database": stage.kind, "links": stage.links}
    notes = {crew.busy: f"{min(crew.granted):.0f} grants/s were given"}
    found.lines += [rounds.line(name, what=name, note=notes.get(name, ""), **where) for name in rounds.samples]
    p99 = (rounds.middle(_END, "p99") or 0.0) * 1e3
    found.targets += [
        Target(what=f"{_GRANT}: rate to {_BARE}", measured=rounds.ratio(_GRANT, _BARE, "rate"), wanted=_SHARE, **where),
        Target(what=f"{_END}: p99", measured=p99, wanted=_END_MS, most=True, unit=" ms", **where),
        Target(
            what="p99 of a match with grants beside it, to that without",
            measured=rounds.ratio(crew.busy, _IDLE, "p99"), wanted=_TIMES_IDLE, most=True, **where,
        ),
    ]  # fmt: skip

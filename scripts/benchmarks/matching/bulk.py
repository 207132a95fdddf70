"""Many matches in one request or one stream, against the bare fetch of the same pairs by digests that lie ready."""

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from random import Random
from typing import Any

import psycopg

from benchmarks.matching.growth import growth
from benchmarks.matching.processes import cpu_of
from benchmarks.matching.questions import batch_body, drawn, lines_body, pair_keys
from benchmarks.matching.rounds import Found, Rounds, Sample, Side, Target, interleave
from benchmarks.matching.serving import Served, the_broker
from benchmarks.matching.stages import POSTGRES, Stage, bare_sqlite
from benchmarks.stage import SQLITE, driver_url
from broker.actions.decide_matches import decide_columns
from broker.actions.sort_questions import Questions
from broker.web.batch_reading import read_batch
from broker.web.batch_text import answer_texts

SECTION = "batch and stream"
_BARE = "bare fetch by ready digests, {} at once"
_BATCH, _STREAM = "POST /v1/match/batch, {} items", "NDJSON, {} lines"
_INSIDE = "the same in process, {} items"
#: SQLite's statements take 32,766 parameters.
_MOST_KEYS = 30_000
_SQL = "SELECT pair, shape, names, ends_at FROM pairs WHERE pair"
_PAIRS_A_CORE = 200_000
_BATCH_SHARE, _STREAM_SHARE, _POSTGRES_SHARE = 0.5, 0.6, 0.65
_JSON, _NDJSON = "application/json", "application/x-ndjson"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many are asked at once, and how many lots of each in one turn."""

    batches: Sequence[int]
    stream: int
    turn: int

    def lots(self, size: int) -> int:
        """How many of that size make a turn."""
        return max(1, self.turn // size)


def measure(asked: argparse.Namespace, stages: Sequence[Stage]) -> Found:
    """Ask in bulk, one connection at a time, every way and on every stage in turn."""
    sizes, rng = Sizes(batches=asked.batches, stream=asked.stream, turn=asked.turn), Random(asked.seed)  # noqa: S311
    with ExitStack() as held:
        sides: list[Side] = []
        for stage in stages:
            served = held.enter_context(
                the_broker(stage.home, stage.url, workers=asked.workers, more=dict(asked.set), beside=stage.beside)
            )
            sides += _sides(stage, served, sizes, rng, held)
        for side in sides:
            side.act()
        rounds = interleave(sides, asked.rounds)
    return _found(rounds, stages, sizes)


def _sides(stage: Stage, served: Served, sizes: Sizes, rng: Random, held: ExitStack) -> list[Side]:
    def named(what: str, size: int) -> str:
        return f"{what.format(f'{size:,}')} {stage.label}"

    def numbers(size: int) -> list[list[int]]:
        return [drawn(rng, stage.links, size) for _ in range(sizes.lots(size))]

    sides = []
    fetch = _fetcher(stage, held)
    for size in sizes.batches:
        sides.append(Side(named(_BATCH, size), partial(_post, stage, served, numbers, size, _JSON)))
        sides.append(Side(named(_INSIDE, size), partial(_inside, stage, numbers, size)))
        sides.append(Side(named(_BARE, size), partial(_bare, stage, fetch, numbers, size)))
    sides.append(Side(named(_STREAM, sizes.stream), partial(_post, stage, served, numbers, sizes.stream, _NDJSON)))
    most = min(_MOST_KEYS, sizes.stream)
    return [*sides, Side(named(_BARE, most), partial(_bare, stage, fetch, numbers, most))]


Numbers = Callable[[int], list[list[int]]]


def _post(stage: Stage, served: Served, numbers: Numbers, size: int, kind: str) -> Sample:
    """Send one lot after the other over one connection, and read each answer whole."""
    make = batch_body if kind == _JSON else lines_body
    bodies = [make(lot) for lot in numbers(size)]
    head = {"Authorization": f"Bearer {stage.token(served.port)}", "Content-Type": kind}
    times, http, before = [], HTTPConnection("127.0.0.1", served.port, timeout=600), cpu_of(served.pids)
    for body in bodies:
        began = time.perf_counter()
        http.request("POST", "/v1/match/batch", body, head)
        answer = http.getresponse()
        said = answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != 200 or said.count(b'"decision":') != size:  # noqa: PLR2004 - HTTP's own number
            raise RuntimeError(f"not every item was answered: {answer.status} {said[:300]!r}")
    http.close()
    return _sample(times, size, cpu_of(served.pids) - before)


def _inside(stage: Stage, numbers: Numbers, size: int) -> Sample:
    """Read, decide, record and write the text, as the view does it, with no server."""
    bodies, times, broker = [batch_body(lot) for lot in numbers(size)], [], stage.broker
    computed, before = time.process_time(), cpu_of(stage.beside)
    for body in bodies:
        began = time.perf_counter()
        asked = read_batch(broker, body, most=size)
        if asked is None or not isinstance(asked.questions, Questions):
            raise RuntimeError("a body is read as no other is")
        with broker.database.transaction(in_turn=True, whose=stage.client.client_id) as tx:
            said = ",".join(answer_texts(decide_columns(tx, broker, stage.client, asked.questions)))
        times.append(time.perf_counter() - began)
        if said.count('"decision":') != size:
            raise RuntimeError("not every item was answered")
    return _sample(times, size, time.process_time() - computed + cpu_of(stage.beside) - before)


Fetch = Callable[[Sequence[bytes]], Sequence[Any]]


def _fetcher(stage: Stage, held: ExitStack) -> Fetch:
    if stage.kind == SQLITE:
        file = bare_sqlite(stage)
        held.callback(file.close)
        return lambda keys: file.execute(f"{_SQL} IN ({','.join('?' * len(keys))})", keys).fetchall()
    server = held.enter_context(psycopg.connect(driver_url(stage.url), autocommit=True, prepare_threshold=0))
    return lambda keys: server.execute(f"{_SQL} = ANY(%s)", (keys,), binary=True).fetchall()  # type: ignore[arg-type] # our own text


def _bare(stage: Stage, fetch: Fetch, numbers: Numbers, size: int) -> Sample:
    lots, times = [pair_keys(stage.broker, stage.client, lot) for lot in numbers(size)], []
    computed, before = time.process_time(), cpu_of(stage.beside)
    for keys in lots:
        began = time.perf_counter()
        rows = fetch(keys)
        times.append(time.perf_counter() - began)
        if not rows:
            raise RuntimeError("nothing was found of pairs that are there")
    return _sample(times, size, time.process_time() - computed + cpu_of(stage.beside) - before)


def _sample(times: Sequence[float], size: int, cpu: float) -> Sample:
    ordered = sorted(times)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * rank))] for rank in (0.5, 0.99))
    return Sample(count=size * len(times), wall=sum(times), cpu=cpu, p50=p50, p99=p99)


def _found(rounds: Rounds, stages: Sequence[Stage], sizes: Sizes) -> Found:
    found, most = Found(), min(_MOST_KEYS, sizes.stream)
    for stage in stages:
        for side in [name for name in rounds.samples if name.endswith(f" {stage.label}")]:
            what = side.removesuffix(f" {stage.label}")
            found.lines.append(rounds.line(side, section=SECTION, what=what, database=stage.kind, links=stage.links))
        for size in sizes.batches:
            share = _POSTGRES_SHARE if stage.kind == POSTGRES else _BATCH_SHARE
            found.targets += _shares(rounds, stage, (_BATCH, size), size, share)
        share = _POSTGRES_SHARE if stage.kind == POSTGRES else _STREAM_SHARE
        found.targets += _shares(rounds, stage, (_STREAM, sizes.stream), most, share)
        for what, size in ((_BATCH, max(sizes.batches)), (_STREAM, sizes.stream)):
            cpu_us = rounds.middle(f"{what.format(f'{size:,}')} {stage.label}", "cpu_us") or 1e-3
            said = f"{what.format(f'{size:,}')}: pairs a second of one core"
            found.targets.append(_target(stage, said, 1e6 / cpu_us, _PAIRS_A_CORE, unit="/s"))
    size = f"{max(sizes.batches):,}"
    found.targets += growth(rounds, stages, (_INSIDE.format(size), _BARE.format(size)), SECTION)
    return found


def _shares(rounds: Rounds, stage: Stage, ours: tuple[str, int], bare: int, wanted: float) -> Sequence[Target]:
    """How much of the bare fetch's speed it has: by the clock, and by what was computed."""
    what = ours[0].format(f"{ours[1]:,}")
    side, other = f"{what} {stage.label}", f"{_BARE.format(f'{bare:,}')} {stage.label}"
    said = {"wall_us": "rate to the bare fetch", "cpu_us": "CPU to the bare fetch's"}
    return [_target(stage, f"{what}: {words}", rounds.ratio(other, side, of), wanted) for of, words in said.items()]


def _target(stage: Stage, what: str, measured: float, wanted: float, *, most: bool = False, unit: str = "") -> Target:
    return Target(
        section=SECTION, what=what, database=stage.kind, links=stage.links, measured=measured, wanted=wanted,
        most=most, unit=unit,
    )  # fmt: skip

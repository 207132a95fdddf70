"""What it takes to be there: how long until it is ready, and what the workers hold, idle and in a long stream."""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from random import Random

from benchmarks.matching.processes import Watch, family, memory_of
from benchmarks.matching.questions import drawn, lines_body
from benchmarks.matching.rounds import Found, Line, Target
from benchmarks.matching.serving import Served, environment, the_broker
from benchmarks.matching.stages import Stage

SECTION = "start and memory"
_READY_MS, _WORKER_MIB = 1500.0, 150.0
_AT_ONCE = 10_000
_OK = 200
_STARTING = Path(__file__).with_name("starting.py")


def measure(asked: argparse.Namespace, stages: Sequence[Stage]) -> Found:
    """Start it, some times; then look at what the workers hold."""
    found = Found()
    for stage in stages:
        where = {"section": SECTION, "database": stage.kind, "links": stage.links}
        embedded = statistics.median(_embedded(asked, stage) for _ in range(asked.rounds)) * 1e3
        served, idle, streamed, rss = _held(asked, stage)
        found.lines += [
            Line(what="create_app() in a fresh Python, until it is ready", p50_ms=embedded, **where),
            Line(what="broker serve, until /health/ready is 200", p50_ms=served * 1e3, **where),
            Line(what="idle workers and companion", note=f"{idle:.0f} MiB all together (PSS)", **where),
            Line(
                what=f"NDJSON, {asked.long_stream:,} lines", **where,
                note=f"{streamed:.0f} MiB all together (PSS) at most, {rss:.0f} MiB one process (RSS)",
            ),
        ]  # fmt: skip
        found.targets += [
            Target(
                what="start-up to ready, embedded", measured=embedded, wanted=_READY_MS, most=True, unit=" ms", **where
            ),
            Target(
                what=f"resident in one process, {asked.long_stream:,} lines", measured=rss, wanted=_WORKER_MIB,
                most=True, unit=" MiB", **where,
            ),
        ]  # fmt: skip
    return found


def _embedded(asked: argparse.Namespace, stage: Stage) -> float:
    """Seconds from the start of a fresh Python to an application that has answered that it is ready."""
    env, began = environment(stage.home, stage.url, dict(asked.set)), time.monotonic()
    done = subprocess.run([sys.executable, str(_STARTING)], env=env, cwd=stage.home, check=True, capture_output=True)
    return float(json.loads(done.stdout.splitlines()[-1])["ready_at"]) - began


def _held(asked: argparse.Namespace, stage: Stage) -> tuple[float, float, float, float]:
    with the_broker(stage.home, stage.url, workers=asked.workers, more=dict(asked.set)) as served:
        idle = sum(memory_of(pid)["pss"] for pid in family(served.pid))
        with Watch(served.pid, every=0.5) as watch:
            _stream(stage, served, asked.long_stream, asked.seed)
    return served.ready_after, idle, watch.peak_mib, watch.rss


def _stream(stage: Stage, served: Served, lines: int, seed: int) -> None:
    rng, told = Random(seed), 0  # noqa: S311 - a benchmark, not secrecy

    def blocks() -> Iterator[bytes]:
        for begin in range(0, lines, _AT_ONCE):
            yield lines_body(drawn(rng, stage.links, min(_AT_ONCE, lines - begin)))

    http = HTTPConnection("127.0.0.1", served.port, timeout=600)
    head = {"Authorization": f"Bearer {stage.token(served.port)}", "Content-Type": "application/x-ndjson"}
    http.request("POST", "/v1/match/batch", blocks(), {**head, "Transfer-Encoding": "chunked"}, encode_chunked=True)
    answer = http.getresponse()
    while block := answer.read(1 << 20):
        told += block.count(b"\n")
    http.close()
    if (answer.status, told) != (_OK, lines):
        raise RuntimeError(f"{lines} lines were asked, and {told} answered, status {answer.status}")

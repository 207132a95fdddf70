"""Decision engines that install from PyPI, in process, one decision at a time; none of them keeps consents."""

import argparse
import json
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.matching.questions import drawn, question
from benchmarks.matching.rounds import Found, Sample, Side, interleave
from benchmarks.matching.stages import Stage
from broker.actions.decide_match import decide_match
from broker.actions.gather_facts import gather_facts, pair_of
from broker.core.decide import decide
from broker.core.match import MatchRequest

SECTION = "decision engines"
_HERE = Path(__file__).parent
_PURE, _WHOLE = "decide(), facts at hand", "decide_match(): digests, facts, decision, record, commit"
_FACTS = 100


def measure(asked: argparse.Namespace, stages: Sequence[Stage]) -> Found:
    """Let every engine decide the same questions, of which seven in ten are permitted."""
    stage, found = stages[0], Found()
    with _peers() as python:
        names = json.loads(_ask(python, "names", 0, 0))
        sides = [
            Side(_PURE, lambda: _pure(stage, asked.decisions, asked.seed)),
            Side(_WHOLE, lambda: _whole(stage, asked.decisions // 10 or 1, asked.seed)),
            *(Side(name, lambda name=name: _peer(python, name, asked.decisions, asked.seed)) for name in names),
        ]
        rounds = interleave(sides, asked.rounds)
    for name in rounds.samples:
        own = {"database": stage.kind, "links": stage.links} if name == _WHOLE else {"database": "", "links": None}
        times = rounds.ratio(name, _PURE, "cpu_us")
        note = f"{times:.2g} times what decide() costs" if name in names else ""
        found.lines.append(rounds.line(name, section=SECTION, what=name, note=note, **own))
    return found


def _pure(stage: Stage, count: int, seed: int) -> Sample:
    """The terms put to facts that lie ready, a hundred of them over and over."""
    broker, client, rng = stage.broker, stage.client, Random(seed)  # noqa: S311 - a benchmark, not secrecy
    cases = []
    with broker.database.reading() as tx:
        for number in drawn(rng, stage.links, _FACTS):
            pair = pair_of(tx, broker, client, question(number))
            facts = gather_facts(tx, broker, client, pair, "customer-care", now=broker.now())
            cases.append((MatchRequest(association=pair.association, purpose="customer-care"), facts))
    policy = broker.policies.governing("x")
    began, computed = time.perf_counter(), time.process_time()
    for at in range(count):
        decide(*cases[at % _FACTS], policy)
    return _sample(count, began, computed)


def _whole(stage: Stage, count: int, seed: int) -> Sample:
    questions = [question(number) for number in drawn(Random(seed), stage.links, count)]  # noqa: S311
    began, computed = time.perf_counter(), time.process_time()
    for asked in questions:
        with stage.broker.database.transaction() as tx:
            decide_match(tx, stage.broker, stage.client, asked)
    return _sample(count, began, computed)


def _sample(count: int, began: float, computed: float) -> Sample:
    return Sample(count=count, wall=time.perf_counter() - began, cpu=time.process_time() - computed)


def _peer(python: Path, name: str, count: int, seed: int) -> Sample:
    return Sample(**json.loads(_ask(python, name, count, seed)))


def _ask(python: Path, name: str, count: int, seed: int) -> str:
    words = [str(python), str(_HERE / "deciding.py"), name, str(count), str(seed)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@contextmanager
def _peers() -> Iterator[Path]:
    """The Python of an environment with the engines in it, by their hashes."""
    with TemporaryDirectory(prefix="consent-broker-bench-engines-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        words = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
        lock = ["--only-binary", ":all:", "--requirement", str(_HERE / "peers.txt")]
        subprocess.run([str(python), *words, *lock], check=True, stdout=sys.stderr)
        yield python

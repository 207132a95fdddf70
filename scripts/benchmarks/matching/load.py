"""Many questions at once, from a process of its own: wrk where it is, which costs next to nothing, or our own."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

from benchmarks.matching.processes import cpu_of
from benchmarks.matching.rounds import Sample
from benchmarks.matching.serving import Served

_HERE = Path(__file__).parent
_SEEDS = count(1)
#: Seconds between looks at who is at rest, for how long at most, and which share of a core is next to nothing.
_LOOK, _PATIENCE, _IDLE = 0.5, 30.0, 0.2
#: Of a hundred people who are asked about, so many are linked.
LINKED_IN_A_HUNDRED = 70


def maker() -> str:
    """What makes the load here."""
    return "wrk" if shutil.which("wrk") else "asking.py"


def people_of(links: int) -> int:
    """How many people to draw from where so many are linked."""
    return max(1, links * 100 // LINKED_IN_A_HUNDRED)


def match_load(
    served: Served, token: str, links: int, *, connections: int, seconds: float, settle: float = 0.0
) -> Sample:
    """Ask for matches; *settle* is for how long afterwards what is computed still counts: answers are filed later."""
    words = ["match", token, str(people_of(links)), str(next(_SEEDS))]
    before = cpu_of(served.pids)
    sample = _load(served, "/v1/match", words, connections, seconds)
    if settle:
        _settle(served, settle)
    return replace(sample, cpu=cpu_of(served.pids) - before)


def _settle(served: Served, seconds: float) -> None:
    """Wait that long, and until next to nothing is computed any more: the next side's turn is its own."""
    time.sleep(seconds)
    ends, computed = time.monotonic() + _PATIENCE, cpu_of(served.pids)
    while time.monotonic() < ends:
        time.sleep(_LOOK)
        before, computed = computed, cpu_of(served.pids)
        if computed - before < _IDLE * _LOOK:
            return


def get_load(served: Served, path: str, *, connections: int, seconds: float) -> Sample:
    """Ask for one page, over and over."""
    return _load(served, path, ["get", "-", "1", "1"], connections, seconds)


def _load(served: Served, path: str, words: list[str], connections: int, seconds: float) -> Sample:
    before = cpu_of(served.pids)
    said = subprocess.run(
        _command(served.port, path, words, connections, seconds),
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(_HERE.parents[1])},
    ).stdout  # fmt: skip
    found = json.loads(said.splitlines()[-1])
    if found.pop("refused") or found.pop("broken") or not found["count"]:
        raise RuntimeError(f"not every question was answered with 200 at {path}: {said}")
    return Sample(cpu=cpu_of(served.pids) - before, **{name: found[name] for name in ("count", "wall", "p50", "p99")})


def _command(port: int, path: str, words: list[str], connections: int, seconds: float) -> list[str]:
    if maker() != "wrk":
        options = {"port": port, "path": path, "connections": connections, "seconds": seconds}
        return [sys.executable, str(_HERE / "asking.py"), *words, *(f"--{k}={v}" for k, v in options.items())]
    # wrk takes whole seconds only.
    options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(_HERE / "load.lua")]
    return ["wrk", *options, f"http://127.0.0.1:{port}{path}", "--", *words]

"""A worker keeps to a core of its own, and another that comes after it to another."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CORES = sorted(os.sched_getaffinity(0))
_KEEP = (
    "import os, sys; from broker.serving import keep_to_a_core;"
    " print(keep_to_a_core(), sorted(os.sched_getaffinity(0)), flush=True); sys.stdin.read()"
)


def _a_worker() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _KEEP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(len(CORES) < 2, reason="there is one core")
def test_each_worker_keeps_to_a_core_of_its_own_and_who_finds_none_runs_on_any() -> None:
    workers = [_a_worker() for _ in range(len(CORES) + 1)]
    said = [_said(worker) for worker in workers]
    workers[0].communicate()
    after_it = _a_worker()
    assert _said(after_it) == said[0], "its core is free again"
    for worker in (*workers[1:], after_it):
        worker.communicate()
    assert sorted(said) == sorted([*(f"{core} [{core}]" for core in CORES), f"None {CORES}"])


def _said(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout
    return worker.stdout.readline().strip()

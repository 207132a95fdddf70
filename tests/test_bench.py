"""The benchmarks run: not how fast, which no test may say, but that they measure what they name and leave nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
BENCH = Path(__file__).parents[1] / "scripts" / "bench.py"
SMALL = ("--leaves", "300", "--turn", "120", "--proofs", "5")


def test_the_log_is_measured_at_its_size_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    numbers, folder = tmp_path / "numbers.json", tmp_path / "work"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, BENCH, "log", *SMALL, "--no-peer", "--json", numbers],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (0, "") == (done.returncode, done.stderr)
    found = json.loads(numbers.read_text())
    (only,) = found["slices"]
    # As many are appended before, which are not counted, and a quarter waits afterwards.
    assert (300, 600, 75, 675) == (only["size"], only["tree"], found["backlog"]["leaves"], found["tree"]["size"])
    assert all(number > 0 for number in (*only.values(), *found["backlog"].values()))
    assert f"{only['append_us']:.1f}" in done.stdout
    assert [] == list(folder.iterdir())


def test_withdrawals_are_measured_every_way_and_none_is_lost(tmp_path: Path) -> None:
    numbers, folder = tmp_path / "numbers.json", tmp_path / "work"
    folder.mkdir()
    small = ("--seconds", "1", "--rate", "4", "--clients", "4", "--workers", "1")
    done = subprocess.run(
        [sys.executable, BENCH, "withdrawal", *small, "--json", numbers],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (0, "") == (done.returncode, done.stderr)
    ways = json.loads(numbers.read_text())["ways"]
    assert ["one port", "workers of their own", "nobody first"] == list(ways)
    for way, found in ways.items():
        assert f"{way}  " in done.stdout
        assert (4, 0, 0, 0) == tuple(found[name] for name in ("withdrawals", "refused", "dropped", "still_standing"))
        assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
        assert 0 < found["answered_a_second"] <= found["asked_a_second"]
    assert [] == list(folder.iterdir())

"""The benchmarks run: not how fast, which no test may say, but that they measure what they name and leave nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from broker.actions.keep_log import BATCH

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
    # A step of them is appended before, which is not counted, and a quarter waits afterwards.
    tree = 300 + BATCH
    assert (300, tree, 75, tree + 75) == (only["size"], only["tree"], found["backlog"]["leaves"], found["tree"]["size"])
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


def test_matches_are_measured_beside_their_floors_and_nothing_is_left(tmp_path: Path) -> None:
    numbers, chart, page, folder = (tmp_path / name for name in ("numbers.json", "chart.svg", "page.md", "work"))
    folder.mkdir()
    page.write_text("before\n<!-- scripts/bench match: begin -->\n<!-- scripts/bench match: end -->\nafter\n")
    links = ("--links", "1000", "--whole", "100", "--only", "bulk", "--workers", "1")
    turns = ("--rounds", "1", "--turn", "500", "--batches", "500", "--stream", "1000")
    written = ("--json", numbers, "--chart", chart, "--docs", page)
    done = subprocess.run(
        [sys.executable, BENCH, "match", *links, *turns, *written],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 0 == done.returncode, done.stderr
    found = json.loads(numbers.read_text())
    assert ([], []) == (found["failed"], found["left_out"])
    # A batch over HTTP and in process, a stream, and a bare fetch beside either.
    assert 5 == len(found["lines"])
    assert all(line["rate"] > 0 and line["p50_ms"] <= line["p99_ms"] for line in found["lines"])
    # Batch and stream: by the clock and by CPU beside the bare fetch, and pairs a second of one core.
    assert 6 == len(found["targets"])
    assert [1000] == [made["links"] for made in found["built"]]
    picture = ET.fromstring(chart.read_text())  # noqa: S314 - our own text
    assert ["title", "desc"] == [child.tag.rpartition("}")[2] for child in picture][:2]
    text = page.read_text()
    assert ("before", "after") == (text.splitlines()[0], text.splitlines()[-1])
    assert "| section |" in text
    assert str(tmp_path) not in text
    assert [] == list(folder.iterdir())

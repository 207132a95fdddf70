"""What several processes count adds up; what one had under way ends with it, and what it had counted does not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from broker import watching
from broker.web.counted import counted
from broker.web.metrics import _forget_the_dead

#: A worker of a broker, as far as it counts.
WORKER = """
import sys
from types import SimpleNamespace
from broker import watching
for line in sys.stdin:
    clauses = tuple(line.split())
    watching.count_decisions("match", SimpleNamespace(permitted=True, basis="consent", reason=None, clauses=clauses), 3)
    watching.count_request("/v1/match", "POST", 200, 0.003)
    watching.request_under_way("programs", 1)
    print("counted", flush=True)
"""


class Worker:
    """A process that counts."""

    def __init__(self, shared: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PROMETHEUS_MULTIPROC_DIR": str(shared)},
        )  # fmt: skip

    def counts(self, *clauses: str) -> None:
        """Let it count three permits that cite these, one request, and one under way."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(" ".join(clauses) + "\n")
        self.process.stdin.flush()
        assert "counted\n" == self.process.stdout.readline()

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        self.process.send_signal(how)
        self.process.communicate(timeout=10)


def told(shared: Path) -> dict[tuple[str, ...], float]:
    """What a scrape tells, by name and labels."""
    _forget_the_dead(shared)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in counted(shared)
        for sample in family.samples
    }


def test_workers_add_up_and_one_that_was_killed_and_began_again_is_neither_lost_nor_counted_twice(
    tmp_path: Path,
) -> None:
    first, second = Worker(tmp_path), Worker(tmp_path)
    try:
        first.counts("M-1", "M-2")
        second.counts("M-1")
        both = told(tmp_path)
        second.end()
        third = Worker(tmp_path)
        third.counts("M-1")
        after = told(tmp_path)
        third.end(signal.SIGTERM)
    finally:
        first.end()
    decisions, asked = ("broker_decisions_total", "consent", "match", "none", "permit"), "/v1/match"
    by_clause = [("broker_decision_clauses_total", clause, "match", "permit") for clause in ("M-1", "M-2")]
    requests, under_way = (
        ("broker_request_duration_seconds_count", asked, "200", "POST"), ("broker_requests_in_flight", "programs"),
    )  # fmt: skip
    keys = (decisions, *by_clause, tuple(sorted(requests[:1]) + sorted(requests[1:])), under_way)
    assert [6, 6, 3, 2, 2] == [both[key] for key in keys]
    assert [9, 9, 3, 3, 2] == [after[key] for key in keys]
    assert 0.009 == pytest.approx(next(it for key, it in after.items() if key[0].endswith("seconds_sum")))


def test_a_process_that_has_only_made_its_file_spoils_no_scrape(tmp_path: Path) -> None:
    (tmp_path / "counter_7.db").touch()
    assert {} == told(tmp_path)


def test_a_method_of_a_strangers_own_is_counted_as_other() -> None:
    watching.count_request("none", "JANE", 405, 0.001)
    labels = [sample.labels for family in counted(None) for sample in family.samples]
    assert {"other"} == {it["method"] for it in labels if it.get("status") == "405" and it["route"] == "none"}
    assert "JANE" not in str(labels)

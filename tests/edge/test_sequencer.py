"""The sequencer as it runs: one beside the workers, begun again when it dies, never longer than its parent."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from harness import tags, wire
from harness.business import Business
from harness.processes import children_of, is_gone, sequencers_of
from harness.programs import Program, free_port
from harness.running import RunningBroker, RunningSandbox, console_script

from broker.proof.highwater import NAME
from broker.sequencing import LOCK


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, platform_of_all: RunningSandbox) -> Iterator[RunningBroker]:
    """Run a broker of these tests' own, which keeps a copy of its log."""
    home = tmp_path_factory.mktemp("sequenced")
    running = RunningBroker(
        home, port=free_port(), database_url=f"sqlite:///{home / 'broker.db'}", platforms=platform_of_all.section(),
        workers=1, settings={"BROKER_LOG_COPY_DIR": str(home / "copy")},
    )  # fmt: skip
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shop(broker: RunningBroker) -> Business:
    """Register a business, and wait until the log tells of it."""
    made = broker.business()
    until(lambda: size(broker))
    return made


def holder_of(broker: RunningBroker) -> int | None:
    """Who holds the sequencers' lock."""
    inode = (broker.home / "marks" / LOCK).stat().st_ino
    held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return next((int(it[4]) for it in held if it[1] == "FLOCK" and it[5].endswith(f":{inode}")), None)


def until(holds: Callable[[], object], *, seconds: float = 15) -> float:
    """Wait until it holds, and say how long that was."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it does not come"
        time.sleep(0.05)
    return time.monotonic() - began


def size(broker: RunningBroker) -> int:
    """How many leaves are published; one is at least, once a business is registered."""
    answer = broker.get("/log/checkpoint")
    return int(answer.text.splitlines()[1]) if answer.status_code == 200 else 0


def grows(broker: RunningBroker, shop: Business) -> float:
    """Leave a leaf, and say how long it took to be published."""
    leaf = stated(shop)
    return until(lambda: leaf in entries(broker))


def stated(shop: Business) -> bytes:
    """Leave a leaf: a signed statement."""
    answer = shop.associate(wire.fresh_account(), wire.fresh_email(), tags.user_provided())
    assert 201 == answer.status_code, answer.text
    return hashlib.sha256(answer.json()["statement"].split("~")[0].encode()).digest()


def entries(broker: RunningBroker) -> bytes:
    """What is published, in one: this log stays below 256 leaves."""
    return bytes(broker.get(f"/log/tile/entries/000.p/{size(broker)}").content)


def nothing_waits(broker: RunningBroker) -> bool:
    """Whether all there is was published."""
    counts = (
        "SELECT count(*) FROM leaves WHERE leaf_index IS NULL",
        "SELECT count(*) FROM trail WHERE batch IS NULL",
        "SELECT size FROM log_head",
    )
    with closing(sqlite3.connect(f"file:{broker.home / 'broker.db'}?mode=ro", uri=True)) as raw:
        found = [raw.execute(count).fetchone()[0] for count in counts]
    return found == [0, 0, size(broker)]


def test_one_sequencer_runs_beside_the_workers_and_one_that_is_killed_is_started_again(
    broker: RunningBroker, shop: Business
) -> None:
    (first,) = sequencers_of(broker.program.process.pid)
    assert grows(broker, shop) < 5
    assert first == holder_of(broker)
    os.kill(first, signal.SIGKILL)
    assert grows(broker, shop) < 10
    (second,) = sequencers_of(broker.program.process.pid)
    assert first != second == holder_of(broker)
    assert 1 == broker.said().count("the companion ended with status -9 and is started again")
    assert 200 == broker.get("/health/ready").status_code


def test_the_copy_is_what_is_served(broker: RunningBroker, shop: Business) -> None:
    grows(broker, shop)
    until(lambda: broker.get("/log/checkpoint").content == (broker.home / "copy/checkpoint").read_bytes())
    end = f"000.p/{size(broker)}"
    for kind in ("0", "entries"):
        assert broker.get(f"/log/tile/{kind}/{end}").content == (broker.home / "copy/tile" / kind / end).read_bytes()


def test_without_its_mark_nothing_is_signed_everybody_is_served_and_it_mends_when_the_mark_is_back(
    broker: RunningBroker, shop: Business
) -> None:
    # Else a sequencer in the middle of its work would write the mark anew.
    until(lambda: nothing_waits(broker))
    mark, before = broker.home / "marks" / NAME, size(broker)
    mark.rename(mark.with_name("away"))
    leaf = stated(shop)
    ready = broker.get("/health/ready")
    assert (503, False) == (ready.status_code, ready.json()["checks"]["log"])
    until(lambda: f"the log is not kept: {mark}: cannot be read" in broker.said())
    time.sleep(2)  # a few more looks
    assert 1 == broker.said().count("the log is not kept")
    assert before == size(broker)
    mark.with_name("away").rename(mark)
    assert until(lambda: leaf in entries(broker)) < 8
    assert 1 == broker.said().count("the log is kept again")
    assert 200 == broker.get("/health/ready").status_code


def test_a_second_sequencer_on_this_machine_waits_until_the_first_ends(broker: RunningBroker, shop: Business) -> None:
    (first,) = sequencers_of(broker.program.process.pid)
    second = Program([console_script(), "sequence"], log=broker.home / "second.log", env=broker.env)
    try:
        # It opens the lock, and does not get it, at each of its looks.
        until(lambda: str(second.process.pid) in _opened(broker))
        assert grows(broker, shop) < 5
        assert first == holder_of(broker)
        os.kill(first, signal.SIGKILL)
        until(lambda: second.process.pid == holder_of(broker))
        assert grows(broker, shop) < 5
        second.process.send_signal(signal.SIGTERM)
        assert 0 == second.process.wait(timeout=10)
        until(lambda: holder_of(broker) in sequencers_of(broker.program.process.pid))
        assert "" == second.tail()
    finally:
        second.stop()


def _opened(broker: RunningBroker) -> set[str]:
    """Which processes have the database open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if link.readlink() == broker.home / "broker.db":
                found.add(link.parts[2])
    return found


def test_nobody_outlives_a_broker_that_is_asked_to_end_and_no_sequencer_one_that_is_killed(
    broker: RunningBroker,
) -> None:
    parent = broker.program.process
    (sequencer,) = sequencers_of(parent.pid)
    others = children_of(parent.pid)
    parent.send_signal(signal.SIGTERM)
    assert 0 == parent.wait(timeout=15)
    assert [] == [child for child in others if not is_gone(child)]
    assert None is holder_of(broker)

    again = Program(parent.args, log=broker.log, env=broker.env)
    again.until(lambda: bool(sequencers_of(again.process.pid)))
    try:
        (sequencer,) = sequencers_of(again.process.pid)
        until(lambda: sequencer == holder_of(broker))
        again.process.kill()
        assert until(lambda: is_gone(sequencer)) < 5
    finally:
        again.stop()

"""Crash points: whatever fails at whichever write of append and publish, the log is whole after the next look.

The short form takes every write once in each of three ways, and some twice over.
``CRASHES=all`` in the environment takes every pair.
"""

from __future__ import annotations

import os
from itertools import cycle
from pathlib import Path

import pytest
from builders import a_pen
from crashes import Fault, Faults, faulty, in_a_process_of_its_own
from logs import Witnessed, a_keeper, left
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.errors import Unavailable
from broker.store.database import Database
from broker.store.objections import EVERYONE, object_to

FAULTS: tuple[Fault, ...] = ("error", "lost", "killed")
ALL = os.environ.get("CRASHES") == "all"
#: How many leaves wait when it happens: one, a few, and enough to finish a tile.
COUNTS = (1, 3, 250) if ALL else (1, 2, 3)


class Scene:
    """A log that goes through one fault after another, and has to be whole after each."""

    def __init__(self, database: Database, home: Path, *, copy: bool) -> None:
        self.url = database.engine.url.render_as_string(hide_password=False)
        self._home, self._copy = home, home / "copy" if copy else None
        self.broker = self._opened(database)
        self.witnessed = Witnessed(self.broker)
        self.acknowledged: list[bytes] = []
        self._counts = cycle(COUNTS)

    def _opened(self, database: Database) -> Broker:
        return a_keeper(database, self._home / "marks", copy=self._copy)

    def waits(self) -> None:
        """Let leaves wait, and a row that the trail follows."""
        broker = self.broker
        self.acknowledged += left(broker, next(self._counts))
        with broker.database.transaction() as tx:
            object_to(tx, broker.random(32), EVERYONE, why="it is my name", now=broker.now())

    def fails(self, at: int, fault: Fault) -> list[str]:
        """Keep the log with a fault at one write; return the writes that were come to."""
        faults = Faults(at, fault)
        if fault == "killed":
            in_a_process_of_its_own(lambda: self._in_a_child(faults))
        else:
            with faulty(self.broker.database, faults):
                self._keep(self.broker, faults)
        self.witnessed.look()
        return faults.places

    def recovers(self) -> None:
        """Look again, as a fresh process would, and hold everything against what was acknowledged and signed."""
        keep_log(self.broker, self.witnessed)
        assert [] == list(self.witnessed.faults(self.acknowledged))

    def _keep(self, broker: Broker, faults: Faults) -> None:
        try:
            keep_log(broker, self.witnessed)
        except (Unavailable, OSError):
            assert faults.at

    def _in_a_child(self, faults: Faults) -> None:
        database = Database(self.url, pen=a_pen())  # a connection does not survive being forked
        with faulty(database, faults):
            self._keep(self._opened(database), faults)

    def writes(self) -> list[str]:
        """Every write of one look at the log, by name."""
        self.waits()
        return self.fails(0, "error")


@pytest.fixture
def scene(request: pytest.FixtureRequest, database: WatchedDatabase, tmp_path: Path) -> Scene:
    """Give a log that was kept for a while, with a copy of it where a test asks for one."""
    scene = Scene(database, tmp_path, copy=getattr(request, "param", False))
    for _ in COUNTS:
        scene.waits()
        scene.recovers()
    return scene


def chosen(scene: Scene, matrix: list[tuple[int, Fault]]) -> list[tuple[int, Fault]]:
    """What of a matrix the short form takes: all of it on SQLite, each write once on PostgreSQL."""
    if ALL or scene.broker.database.engine.dialect.name == "sqlite":
        return matrix
    return [case for number, case in enumerate(matrix) if number % len(FAULTS) == case[0] % len(FAULTS)]


def test_every_write_is_come_to(scene: Scene) -> None:
    """The matrix is over what happens; this is what happens."""
    assert scene.writes() == [
        *("INSERT INTO batches", "INSERT INTO leaves", "UPDATE trail SET", "COMMIT"),
        *("UPDATE log_head SET", "UPDATE log_head SET", "UPDATE leaves SET", "INSERT INTO log_tiles", "COMMIT"),
        *("open", "fsync", "replace", "fsync"),
        *("DELETE FROM checkpoints", "INSERT INTO checkpoints", "COMMIT"),
    ]


def test_after_any_fault_the_log_is_whole(scene: Scene) -> None:
    count = len(scene.writes())
    for at, fault in chosen(scene, [(at, fault) for at in range(1, count + 1) for fault in FAULTS]):
        scene.waits()
        scene.fails(at, fault)
        scene.recovers()


@pytest.mark.parametrize("scene", [True], indirect=True, ids=["with a copy"])
def test_after_any_fault_in_writing_the_copy_the_log_is_whole(scene: Scene) -> None:
    files = [at for at, name in enumerate(scene.writes(), 1) if name in {"open", "fsync", "replace"}]
    for number, at in enumerate(files if ALL else files[:: len(files) // 6]):
        scene.waits()
        scene.fails(at, FAULTS[number % len(FAULTS)])
        scene.recovers()


def test_after_a_fault_in_the_recovery_from_a_fault_the_log_is_whole(scene: Scene) -> None:
    places = range(1, len(scene.writes()) + 1)
    pairs = [(first, second) for first in places for second in places]
    for number, (first, second) in enumerate(pairs if ALL else pairs[:: len(pairs) // 6]):
        scene.waits()
        scene.fails(first, FAULTS[number % 3])
        scene.fails(second, FAULTS[number // 3 % 3])
        scene.recovers()

"""``broker database retain`` and ``partitions``, typed at a terminal; and the duty that does the same by itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import asked
from desk import OPERATOR, refusal, settle

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.app import now
from broker.cli import main
from broker.commands.opening import opened
from broker.doctor import examine
from broker.retaining import Retainer
from broker.store.clients import find_client
from broker.store.database import Database
from broker.store.trail import Pen


@pytest.fixture
def set_up(tmp_path: Path) -> Path:
    """Set a broker up for one test alone: what others asked would be counted."""
    with pytest.MonkeyPatch.context() as patch:
        settle(tmp_path, patch)
        assert main(["init"]) == 0
    return tmp_path


@pytest.fixture
def aged(home: Path, broker: Broker, client_id: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let one question have been asked a hundred days ago, and one now; answers are kept for thirty days."""
    monkeypatch.setenv("BROKER_DECISIONS_KEPT_DAYS", "30")
    then = broker.now() - timedelta(days=100)
    pen = Pen(key=broker.database.row_key, random=broker.random, now=lambda: then)
    past = Database(str(broker.database.engine.url), pen=pen)
    with broker.database.reading() as tx:
        client = find_client(tx, client_id)
    assert client is not None
    asked(replace(broker, database=past, now=lambda: then), client)
    past.close()
    asked(broker, client)
    keep_log(broker)
    return home


def decisions(home: Path) -> int:
    """How many decisions there are."""
    with closing(sqlite3.connect(home / "data" / "broker.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM decisions").fetchone()[0])


def retention() -> tuple[bool, str]:
    """What the doctor says of it."""
    (found,) = [finding for finding in examine() if finding.name == "retention"]
    return found.ok, found.detail


def test_what_is_too_old_is_told_first_and_dropped_then_and_the_audit_agrees(
    aged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["database", "retain", "--dry-run"])
    assert capsys.readouterr().out.endswith(": 1 decisions\n")
    assert 2 == decisions(aged)
    assert 0 == main(["database", "retain"])
    assert capsys.readouterr().out.endswith(": 1 decisions\n")
    assert 1 == decisions(aged)
    with closing(sqlite3.connect(aged / "data" / "broker.db")) as connection:
        assert [(OPERATOR,)] == connection.execute("SELECT who FROM retentions").fetchall()
    for again in ([], ["--dry-run"]):
        assert 0 == main(["database", "retain", *again])
        assert "nothing is due\n" == capsys.readouterr().out
    keep_log(opened()[1])
    assert 0 == main(["audit"])
    assert 0 == main(["database", "partitions"])


def test_what_was_touched_is_named_and_not_dropped_unless_somebody_says_so(
    aged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(aged / "data" / "broker.db")) as connection:
        connection.execute(
            "UPDATE decisions SET purpose = 'newsletter' WHERE decided_at = (SELECT min(decided_at) FROM decisions)"
        )
        connection.commit()
    assert 1 == main(["database", "retain", "--dry-run"])
    assert "its MAC is not that of what it holds" in capsys.readouterr().out
    assert 1 == main(["database", "retain"])
    said = capsys.readouterr()
    assert ("its MAC" in said.out, "nothing was dropped" in said.err) == (True, True)
    assert 2 == decisions(aged)
    assert 0 == main(["database", "retain", "--anyway"])
    assert 1 == decisions(aged)


def test_the_companion_drops_what_is_due_by_itself(aged: Path) -> None:
    retainer = Retainer(opened, first=0)
    for _ in range(2):
        retainer.turn()
    retainer.close()
    assert 1 == decisions(aged)
    assert (True, "answers are kept for 30 days") == retention()


def test_the_doctor_fails_when_nobody_drops_what_is_due(aged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aged
    later = now() + timedelta(days=75)
    monkeypatch.setattr("broker.doctor.now", lambda: later)
    assert (False, True) == (retention()[0], "run `broker database retain`" in retention()[1])


def test_with_nothing_said_everything_is_kept(
    aged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BROKER_DECISIONS_KEPT_DAYS")
    assert 0 == main(["database", "retain"])
    assert "for ever" in capsys.readouterr().out
    assert (2, (True, "answers are kept for ever")) == (decisions(aged), retention())


@pytest.mark.parametrize("days", ["7", "-1", "a year", "999999"])
def test_a_time_too_short_to_see_who_asked_is_refused(
    home: Path, days: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home
    monkeypatch.setenv("BROKER_DECISIONS_KEPT_DAYS", days)
    assert 1 == main(["database", "retain"])
    assert "30 or more, or 0 for ever" in refusal(capsys)

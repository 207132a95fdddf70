"""``broker audit`` and ``broker evidence``, typed at a terminal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import a_question, an_account, asked, consented
from desk import settle

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.cli import main
from broker.store.clients import find_client


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a broker up for these tests alone: others count what is on record."""
    home = tmp_path_factory.mktemp("audited")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert main(["init"]) == 0
    return home


@contextmanager
def superuser(home: Path) -> Iterator[sqlite3.Connection]:
    """A connection past the broker; what is done is undone at the end."""
    connection = sqlite3.connect(home / "data" / "broker.db", isolation_level=None)
    before = "\n".join(line for line in connection.iterdump() if line.startswith('INSERT INTO "policy_texts"'))
    try:
        yield connection
    finally:
        connection.execute("DELETE FROM policy_texts")
        connection.executescript(before)
        connection.close()


def test_an_audit_says_what_was_walked_and_that_all_agree(
    broker: Broker, client_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client_id
    keep_log(broker)
    assert 0 == main(["audit"])
    said = capsys.readouterr().out
    assert said.startswith("all agree: walked ")
    assert {"rows", "entries", "batches", "leaves", "checkpoints"} <= set(said.replace(",", "").split())


def test_an_audit_names_what_disagrees_a_line_a_row(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with superuser(home) as connection:
        connection.execute("UPDATE policy_texts SET text = 'all is allowed' || char(27) || '[2J'")
        assert 1 == main(["audit"])
        *lines, last = capsys.readouterr().out.splitlines()
        assert {"policy_texts"} == {line.split()[0] for line in lines}
        assert last.startswith(f"{len(lines)} do not agree: walked ")
        assert 1 == main(["audit", "--json"])
        told = json.loads(capsys.readouterr().out)
    assert (False, len(lines)) == (told["agree"], len(told["findings"]))
    assert {"table", "key", "wrong"} == set(told["findings"][0])


def test_an_audit_without_its_mark_is_refused(
    home: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert broker
    monkeypatch.setenv("BROKER_MARKS_DIR", str(home / "elsewhere"))
    assert 1 == main(["audit"])
    assert "cannot be read" in capsys.readouterr().err


@pytest.fixture
def permitted(broker: Broker, client_id: str) -> str:
    """Let a person consent and a business ask, and keep the log; give the day."""
    with broker.database.reading() as tx:
        client = find_client(tx, client_id)
    assert client is not None
    consented(broker, client, an_account("777000777", "EvidentCanary"))
    assert asked(broker, client, a_question(an_account("777000777"))).decision.permitted
    keep_log(broker)
    return f"{broker.now():%Y-%m-%d}"


def test_evidence_is_a_file_that_broker_verify_accepts(
    broker: Broker, client_id: str, permitted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jwks, vkeys, file = tmp_path / "jwks.json", tmp_path / "log.vkeys", tmp_path / "dossier.json"
    jwks.write_text(json.dumps(broker.keys.jwks()))
    vkeys.write_text("".join(f"{signer.vkey}\n" for signer in broker.log.signers))
    asking = ["evidence", "--client", client_id, "--at", permitted, "--out", str(file)]
    file.touch(mode=0o644)
    for who in ("x:777000777", "x:@EvidentCanary"):
        assert 0 == main([*asking, "--account", who, "--identifier", "email:jane.canary@mailbox.example"])
        assert 0o600 == file.stat().st_mode & 0o777
        assert "1 decisions, 1 receipts and statements" in capsys.readouterr().out
        assert 0 == main(["verify", str(file), "--jwks", str(jwks), "--vkeys", str(vkeys)])
        assert "11. grounds: 1 permits, each on its ground" in capsys.readouterr().out
    assert 0 == main([*asking, "--account", "x:777000777", "--redacted"])
    assert "EvidentCanary" not in file.read_text()
    assert 0 == main(["verify", str(file), "--jwks", str(jwks)])


def test_evidence_is_printed_where_no_file_is_named(
    client_id: str, permitted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["evidence", "--client", client_id, "--at", permitted, "--account", "x:777000777"])
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert 1 == len(printed["decisions"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"--client": "a" * 26}, "there is no client"),
        ({"--account": "x:not-an-id"}, "--account must be x:ID or x:@HANDLE"),
        ({"--account": "y:1"}, "account.platform must be one of x"),
        ({"--account": "x:@no handle"}, "account.handle is not a handle"),
        ({"--account": "x:123"}, "nothing can be told"),
        ({"--identifier": "colour:blue"}, "identifier.kind must be one of"),
        ({"--identifier": "other:blue"}, "identifier.value must have"),
    ],
)
def test_what_cannot_be_asked_is_said(
    client_id: str, capsys: pytest.CaptureFixture[str], changes: dict[str, str], says: str
) -> None:
    asking = {"--client": client_id, "--account": "x:1", "--at": "2026-11-23", **changes}
    assert 1 == main(["evidence", *(word for pair in asking.items() for word in pair)])
    said = capsys.readouterr()
    assert ("", True) == (said.out, says in said.err), said.err


def test_a_day_that_is_none_is_a_mistake_in_how_the_command_was_called(client_id: str) -> None:
    with pytest.raises(SystemExit):
        main(["evidence", "--client", client_id, "--account", "x:1", "--at", "yesterday"])

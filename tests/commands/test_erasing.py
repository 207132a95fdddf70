"""`broker erase`, and that no command and no server works on a database whose erasures are not the journal's."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import a_question, an_account, an_identifier, asked, consented, registered
from desk import OPERATOR, refusal, same_logging, settle

from broker.actions.adopt_journal import ADOPTIONS
from broker.actions.broker import Broker
from broker.app import create_app, open_broker, wsgi
from broker.cli import main
from broker.commands.opening import opened
from broker.core.client import Client
from broker.core.identifiers import ProvenAccount
from broker.proof.journal import NAME, read_journal
from broker.proof.verify import verify_evidence
from broker.settings import read_settings
from broker.store.clients import find_client
from broker.store.erasing import erasure_ids, find_erasure
from broker.store.people import find_person
from broker.store.sealing import SealBroken


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a broker up for these tests alone: others count what is on record."""
    home = tmp_path_factory.mktemp("erasing")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert main(["init"]) == 0
    return home


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what `serve` does to logging."""
    with same_logging():
        yield


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Give a broker of its own: what is done to its journal would be in the way of every other test."""
    settle(tmp_path, monkeypatch)
    assert main(["init"]) == 0
    capsys.readouterr()
    return tmp_path


@pytest.fixture
def client(broker: Broker, client_id: str) -> Client:
    """Give a client that may ask."""
    with broker.database.reading() as tx:
        found = find_client(tx, client_id)
    assert found is not None
    return found


@pytest.fixture
def jane(broker: Broker, client: Client, home: Path) -> ProvenAccount:
    """Let somebody whom no other test has met give a consent."""
    number = broker.draw(10**12)
    account = an_account(str(10**12 + number), f"Jane_{number}"[:15])
    consented(broker, client, account)
    assert home
    return account


def erase(account: str, why: str = "letter 2026-17", *more: str) -> int:
    """Type the command."""
    return main(["erase", "--account", account, "--why", why, *more])


def permitted(broker: Broker, client: Client, account: ProvenAccount) -> bool:
    """Whether the client may match."""
    return asked(broker, client, a_question(account, identifier=an_identifier())).decision.permitted


@pytest.mark.parametrize("by", ["id", "handle"])
def test_who_writes_a_letter_is_erased_and_the_certificate_is_printed(
    broker: Broker, client: Client, jane: ProvenAccount, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    assert permitted(broker, client, jane)
    assert 0 == erase(f"x:{jane.account.id}" if by == "id" else f"x:@{jane.handle.upper()}")
    printed = capsys.readouterr().out
    verdict = verify_evidence(printed, jwks=broker.keys.jwks())
    assert verdict.anchored
    assert {"account": {"platform": "x", "id": jane.account.id, "handles": [jane.handle]}} == verdict.disclosed
    said: Any = verdict.payload["erasure"]
    assert "operator" == said["by"]
    assert OPERATOR not in json.dumps(verdict.payload)
    assert not permitted(broker, client, jane)
    with broker.database.reading() as tx:
        kept = find_erasure(tx, said["erasure_id"])
    assert kept is not None
    assert (OPERATOR, "letter 2026-17") == (kept.who, kept.why)


def test_the_certificate_goes_to_a_new_file_or_nobody_is_erased(
    broker: Broker, client: Client, jane: ProvenAccount, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, taken = tmp_path / "answer.sd-jwt", tmp_path / "taken"
    taken.write_text("of somebody else")
    account = f"x:{jane.account.id}"
    assert 1 == erase(account, "letter", "--out", str(taken))
    assert 1 == erase(account, "letter", "--out", str(tmp_path / "nowhere" / "file"))
    assert 1 == erase(account, f"letter of @{jane.handle}", "--out", str(file))
    assert ("of somebody else", False) == (taken.read_text(), file.exists())
    assert permitted(broker, client, jane)
    capsys.readouterr()
    assert 0 == erase(account, "letter", "--out", str(file))
    assert "" == capsys.readouterr().out
    assert verify_evidence(file.read_text(), jwks=broker.keys.jwks()).anchored
    assert 0o600 == file.stat().st_mode & 0o777


def test_who_goes_on_refusing_is_refused(broker: Broker, client: Client, jane: ProvenAccount) -> None:
    assert 0 == erase(f"x:{jane.account.id}", "letter", "--object")
    with broker.database.reading() as tx:
        assert read_journal(broker.log.marks)[-1].objects
        assert read_journal(broker.log.marks)[-1].erasure_id in erasure_ids(tx)
    assert not permitted(broker, client, jane)


@pytest.mark.parametrize(
    ("account", "why", "said"),
    [
        ("x:{id}", "letter of @{handle}, 3 May", "must name neither the account nor its handle"),
        ("x:@{handle}", "account {id} wrote", "must name neither the account nor its handle"),
        ("x:{handle}", "letter", "such as x:2244994945"),
        ("{id}", "letter", "account.platform must be one of x"),
        ("x:@two words", "letter", "not a handle of this platform"),
        ("x:99999", "letter", "nothing is known here of that account"),
        ("x:@NobodyHere", "letter", "nothing is known here of that account"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line_and_erases_nobody(
    broker: Broker, client: Client, jane: ProvenAccount, capsys: pytest.CaptureFixture[str],
    account: str, why: str, said: str,
) -> None:  # fmt: skip
    before = read_journal(broker.log.marks)
    named = {"id": jane.account.id, "handle": jane.handle}
    capsys.readouterr()
    assert 1 == erase(account.format(**named), why.format(**named))
    assert said in refusal(capsys)
    assert before == read_journal(broker.log.marks)
    assert permitted(broker, client, jane)


def test_a_reason_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        erase("x:1", " ")
    assert "give the reason in words" in capsys.readouterr().err


# --- a backup is put back ---------------------------------------------------------------------------------------


def restored(own: Path) -> str:
    """Let somebody live here, back up, erase them, and put the backup back; return the erasure's id."""
    broker, file = opened()[1], own / "data" / "broker.db"
    lived()
    with closing(sqlite3.connect(file)) as raw:
        backup = raw.serialize()
    assert 0 == erase("x:2244994945")
    broker.database.close()
    for path in file.parent.glob("broker.db*"):
        path.unlink()
    file.write_bytes(backup)
    file.chmod(0o600)
    return read_journal(own / "marks")[-1].erasure_id


def lived() -> None:
    """Let Jane give a consent."""
    broker = opened()[1]
    consented(broker, registered(broker))


def people(broker: Broker) -> int:
    """How many people the database knows."""
    with broker.database.reading() as tx:
        return int(tx.exec_driver_sql("SELECT count(*) FROM people").scalar_one())


OPENINGS: dict[str, Callable[[], object]] = {
    "a command": lambda: main(["clients", "list"]),
    "a worker": wsgi,
    "the sequencer": opened,
}


@pytest.mark.parametrize("opening", OPENINGS.values(), ids=OPENINGS.keys())
def test_whatever_opens_an_old_backup_erases_again_first(own: Path, opening: Callable[[], object]) -> None:
    erasure_id = restored(own)
    unopened = open_broker(read_settings())
    assert 1 == people(unopened)
    assert 503 == create_app(unopened).test_client().get("/health/ready").status_code
    opening()
    assert 0 == people(unopened)
    with unopened.database.reading() as tx:
        assert {erasure_id} == erasure_ids(tx)
    ready = create_app(unopened).test_client().get("/health/ready").json
    assert ready is not None
    assert ready["checks"]["erasures"]


def test_who_only_looks_at_an_old_backup_is_told_to_have_it_erased_first(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restored(own)
    client_id = rows_of_clients(own)[0]
    asking = ["evidence", "--client", client_id, "--account", "x:2244994945", "--at", f"{datetime.now(UTC):%Y-%m-%d}"]
    capsys.readouterr()
    assert 1 == main(asking)
    assert "1 erasures of the journal are not carried out" in refusal(capsys)
    assert 0 == main(["clients", "list"])
    capsys.readouterr()
    assert 1 == main(asking)
    assert "JaneCanary" not in str(capsys.readouterr())


def rows_of_clients(own: Path) -> list[str]:
    """The ids of the clients, read past the broker."""
    with closing(sqlite3.connect(own / "data" / "broker.db")) as raw:
        return [client_id for (client_id,) in raw.execute("SELECT client_id FROM clients")]


def test_a_backup_opens_for_nobody_once_the_key_of_its_time_is_destroyed(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restored(own)
    backup = (own / "data" / "broker.db").read_bytes()
    assert 0 == main(["keys", "rotate", "master"])
    assert 0 == main(["keys", "destroy", "1"])
    assert "opens for nobody" in capsys.readouterr().out
    opened()[1].database.close()
    for path in (own / "data").glob("broker.db*"):
        path.unlink()
    (own / "data" / "broker.db").write_bytes(backup)
    broker = open_broker(read_settings())
    with broker.database.reading() as tx:
        person = broker.blinder.account(an_account().account)
        assert 1 == people(broker)
        with pytest.raises(SealBroken, match="epoch 1"):
            find_person(tx, broker.sealer, person)
    for command in (["serve"], ["clients", "list"], ["sequence"]):
        assert 1 == main(command)
        assert "people.wrapped_key" in refusal(capsys)


@pytest.mark.parametrize("damage", ["missing", "shorter"])
def test_without_its_journal_nothing_serves(own: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    lived()
    older = (own / "marks" / NAME).read_bytes()
    assert 0 == erase("x:2244994945")
    main(["doctor"])
    assert "ok    erasures: 1 in the journal" in capsys.readouterr().out
    (own / "marks" / NAME).unlink()
    if damage != "missing":
        (own / "marks" / NAME).write_bytes(older)
    said = "would bring erased people back" if damage == "missing" else "lacks 1 of the database's 1 erasures"
    capsys.readouterr()
    for command in (["serve"], ["clients", "list"], ["sequence"], ["erase", "--account", "x:1", "--why", "letter"]):
        assert 1 == main(command)
        assert said in refusal(capsys)
    answer = create_app(open_broker(read_settings())).test_client().get("/health/ready")
    assert (503, False) == (answer.status_code, (answer.json or {})["checks"]["erasures"])
    assert main(["init"]) == 0
    assert (damage == "missing") is not (own / "marks" / NAME).exists()


@pytest.mark.parametrize("damage", ["missing", "shorter"])
def test_a_journal_that_is_lost_for_good_is_begun_anew_by_what_the_database_knows(
    own: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    lived()
    (own / "marks" / NAME).replace(own / "older")
    assert 1 == main(["clients", "list"])
    assert 0 == main(["journal", "adopt", "--why", "the disk is lost"])
    assert 0 == erase("x:2244994945")
    erasure_id = read_journal(own / "marks")[-1].erasure_id
    (own / "marks" / NAME).unlink()
    if damage == "shorter":
        (own / "older").rename(own / "marks" / NAME)
    capsys.readouterr()
    assert 1 == main(["journal", "check"])
    assert 0 == main(["journal", "adopt", "--why", "the disk is lost again"])
    assert [(erasure_id, ())] == [(entry.erasure_id, entry.generations) for entry in read_journal(own / "marks")]
    said = [json.loads(line) for line in (own / "marks" / ADOPTIONS).read_text().splitlines()]
    assert [("the disk is lost", 0), ("the disk is lost again", 1)] == [(one["why"], one["erasures"]) for one in said]
    assert 0 == main(["journal", "check"])
    assert 0 == main(["clients", "list"])
    capsys.readouterr()
    assert 1 == main(["journal", "adopt", "--why", "again"])
    assert "there is nothing to adopt" in refusal(capsys)


def test_a_damaged_journal_is_not_adopted_and_one_that_is_ahead_is_told(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    erasure_id = restored(own)
    capsys.readouterr()
    assert 1 == main(["journal", "check"])
    assert f"erasure {erasure_id} of" in capsys.readouterr().out
    damaged = b"{}\n" + (own / "marks" / NAME).read_bytes()
    (own / "marks" / NAME).write_bytes(damaged)
    assert 1 == main(["journal", "adopt", "--why", "damaged"])
    assert "line 1 is damaged" in refusal(capsys)
    assert damaged == (own / "marks" / NAME).read_bytes()


def test_the_doctor_names_a_journal_that_is_damaged(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "marks" / NAME).write_bytes(b"{}\n{}\n")
    assert 1 == main(["doctor"])
    assert "FAIL  erasures:" in capsys.readouterr().out

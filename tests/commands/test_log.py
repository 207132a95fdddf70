"""``broker log``, typed at a terminal: a copy, a check, a backup put right, a mark adopted."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree, rmtree
from typing import NoReturn

import pytest
from builders import an_account, consented, registered
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import OPERATOR, refusal, same_logging, settle
from harness.tile_client import TileClient, is_consistent, root_of_entries
from harness.witness import WitnessOfOurOwn, serving
from logs import kept, left, published_size

from broker.actions.adopt_log import ADOPTIONS
from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_evidence, bundle_for_client
from broker.actions.keep_log import append_leaves, keep_log
from broker.app import create_app
from broker.cli import main
from broker.commands.opening import looked_at, opened
from broker.core.consent import ConsentRecord
from broker.errors import LogForked
from broker.proof.bundle import Bundle, parse_bundle
from broker.proof.checkpoint import read_vkeys
from broker.proof.highwater import NAME, HighWater, read_high_water
from broker.proof.note import Ed25519Signer, sign_note
from broker.proof.verify import verify_evidence
from broker.store.log import index_of, latest_checkpoint


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a broker with four leaves in its log: the first batch of the trail, and three more."""
    home = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert 0 == main(["init"])
        kept(opened()[1], 3)
    return home


@pytest.fixture(autouse=True)
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Give each test a copy of that broker."""
    copytree(made, tmp_path, dirs_exist_ok=True)
    settle(tmp_path, monkeypatch)
    capsys.readouterr()
    return tmp_path


def database_of(home: Path) -> str:
    """Everything that the database holds."""
    with closing(sqlite3.connect(home / "data" / "broker.db")) as raw:
        return "\n".join(raw.iterdump())


def back_up(home: Path) -> bytes:
    with closing(sqlite3.connect(home / "data" / "broker.db")) as raw:
        return raw.serialize()


def put_back(home: Path, backup: bytes) -> None:
    for path in (home / "data").glob("broker.db*"):
        path.unlink()
    (home / "data" / "broker.db").write_bytes(backup)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def note_of() -> str:
    """The latest checkpoint."""
    broker = looked_at()[1]
    with broker.database.reading() as tx:
        latest = latest_checkpoint(tx)
    assert latest is not None
    return latest.note


def test_the_published_log_is_copied_and_only_what_is_new_is_written_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "site"
    assert 0 == main(["log", "export", str(folder)])
    assert f"{folder}: 4 leaves, 4 of them new\n" == capsys.readouterr().out
    first = files_of(folder)
    assert {"checkpoint", "vkeys", "tile/0/000.p/4", "tile/entries/000.p/4"} == first.keys()
    assert note_of().encode() == first["checkpoint"]
    kept(opened()[1], 2)
    assert 0 == main(["log", "export", str(folder)])
    assert f"{folder}: 6 leaves, 2 of them new\n" == capsys.readouterr().out
    leaves = [leaf[2:] for leaf in _records(files_of(folder)["tile/entries/000.p/6"])]
    assert b"".join(sha256(b"\0" + leaf).digest() for leaf in leaves) == files_of(folder)["tile/0/000.p/6"]


def _records(entries: bytes) -> list[bytes]:
    return [entries[at : at + 34] for at in range(0, len(entries), 34)]


def test_a_file_server_serves_what_the_broker_serves(home: Path) -> None:
    folder, broker = home / "site", opened()[1]
    for count in (251, 1, 300):  # below, at and above the end of a tile
        kept(broker, count)
        assert 0 == main(["log", "export", str(folder)])
    web = create_app(broker).test_client()
    files = files_of(folder)
    assert {"tile/0/000", "tile/entries/001", "tile/1/000.p/2", "tile/0/002.p/44"} <= files.keys()
    for path, content in files.items():
        answer = web.get(f"/log/{path}")
        assert (200, content) == (answer.status_code, answer.data), path
    assert not [path for path in files if "000.p" in path and path.startswith("tile/0/")], "it is whole now"
    reader = TileClient(files.__getitem__, broker.log.vkeys[0])
    assert reader.checkpoint().root == root_of_entries(reader.entries(556))


def test_a_second_copy_touches_nothing_that_was_there(home: Path) -> None:
    folder, broker = home / "site", opened()[1]
    kept(broker, 300)
    assert 0 == main(["log", "export", str(folder)])
    before = {path: path.stat().st_mtime_ns for path in (folder / "tile").rglob("*") if path.is_file()}
    kept(broker, 3)
    assert 0 == main(["log", "export", str(folder)])
    assert (
        before.items()
        <= {path: path.stat().st_mtime_ns for path in (folder / "tile").rglob("*") if path.is_file()}.items()
    )


def test_a_folder_of_another_log_is_left_as_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "site"
    assert 0 == main(["log", "export", str(folder)])
    before = files_of(folder)
    monkeypatch.setenv("BROKER_ISSUER", "http://127.0.0.1:8001")
    keep_log(opened()[1])
    capsys.readouterr()
    assert 1 == main(["log", "export", str(folder)])
    assert "is of another log, '127.0.0.1:8000/log'" in refusal(capsys)
    assert before == files_of(folder)


def test_nothing_is_copied_over_another_history(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, backup = home / "site", back_up(home)
    kept(opened()[1], 2)
    assert 0 == main(["log", "export", str(folder)])
    before = files_of(folder)
    put_back(home, backup)
    assert 1 == main(["log", "export", str(folder)]), "more of this log than the database"
    other = tmp_path_factory.mktemp("other")
    settle(other, monkeypatch)
    assert 0 == main(["init"])
    kept(opened()[1], 9)
    assert 1 == main(["log", "export", str(folder)]), "a tree of other leaves"
    assert before == files_of(folder)


EDITS = {
    "a leaf": ("UPDATE leaves SET leaf = randomblob(32) WHERE leaf_index = 2", "tile 0/000 does not hold the hashes"),
    "a leaf taken away": (
        "DELETE FROM leaves WHERE leaf_index = 2",
        "of the leaves 0 to 3 of the log only 3 are there",
    ),
    "a leaf moved": ("UPDATE leaves SET leaf_index = 4 WHERE leaf_index = 3", "1 leaves have an index beyond the head"),
    "a tile": ("UPDATE log_tiles SET hashes = zeroblob(128)", "tile 0/000 does not hold the hashes"),
    "a tile taken away": ("DELETE FROM log_tiles", "tile 0/000 does not hold the hashes"),
    "the head's root": ("UPDATE log_head SET root = zeroblob(32)", "the head does not hold the root over its 4 leaves"),
    "the head's size": ("UPDATE log_head SET size = 3", "1 leaves have an index beyond the head"),
    "the text of a checkpoint": (
        "UPDATE checkpoints SET note = replace(note, '/log', '/lag') WHERE size = 4",
        "a checkpoint",
    ),
    "its signature": ("UPDATE checkpoints SET note = substr(note, 1, instr(note, char(10, 10)) + 1)", "a checkpoint"),
    "an older checkpoint put in": (
        "INSERT INTO checkpoints (size, note, published_at, mac) SELECT 2, note, published_at, mac FROM checkpoints",
        "the checkpoint over 2 leaves is not of this tree",
    ),
}


@pytest.mark.parametrize(("edit", "says"), EDITS.values(), ids=EDITS.keys())
def test_a_log_that_was_touched_does_not_agree(
    home: Path, capsys: pytest.CaptureFixture[str], edit: str, says: str
) -> None:
    with closing(sqlite3.connect(home / "data" / "broker.db")) as raw:
        assert 1 <= raw.execute(edit).rowcount
        raw.commit()
    assert 1 == main(["log", "check"])
    assert says in capsys.readouterr().out


def test_a_whole_log_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["log", "check"])
    assert "leaves, tiles, head, checkpoints and mark agree\n" == capsys.readouterr().out


MARKS = {
    "of another tree": ('{"size": 4, "root": "' + "A" * 43 + '="}', "are not those that were signed"),
    "of a larger tree": ('{"size": 9, "root": "' + "A" * 43 + '="}', "4 leaves and 9 were signed"),
    "that is cut": ('{"size": 4', "log.high-water: is damaged"),
    "that is gone": (None, "log.high-water: cannot be read"),
}


@pytest.mark.parametrize(("mark", "says"), MARKS.values(), ids=MARKS.keys())
def test_a_mark_that_does_not_agree_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], mark: str | None, says: str
) -> None:
    path = home / "marks" / NAME
    path.write_text(mark) if mark else path.unlink()
    assert 1 == main(["log", "check"])
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "export"])
def test_looking_at_a_log_carries_nothing_out(home: Path, command: str) -> None:
    broker = opened()[1]
    consented(broker, registered(broker), an_account())
    backup = back_up(home)
    assert 0 == main(["erase", "--account", "x:2244994945", "--why", "letter"])
    put_back(home, backup)
    before = database_of(home)
    main(["log", command, *([str(home / "site")] if command == "export" else [])])
    assert before == database_of(home), "the erasure waits for whatever writes"


def test_a_backup_is_put_right_from_a_copy(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup, folder = back_up(home), home / "site"
    kept(opened()[1], 4)
    assert 0 == main(["log", "export", str(folder)])
    put_back(home, backup)
    capsys.readouterr()
    assert 1 == main(["log", "check"])
    assert "it was restored from an old backup" in capsys.readouterr().out
    assert 0 == main(["log", "restore", str(folder)])
    assert "the log has 8 leaves: 4 were put back, 0 lost an index and wait again\n" == capsys.readouterr().out
    keep_log(opened()[1])
    assert 0 == main(["log", "check"])
    assert 8 == published_size(opened()[1])


@dataclass(frozen=True)
class Story:
    """A backup that was put back: bundles from before it and after, the copy, and what was signed last."""

    before: str
    between: str
    folder: Path
    mark: HighWater
    note: str


def consent_of(broker: Broker, number: int) -> ConsentRecord:
    consent = consented(broker, registered(broker), an_account(str(number), f"Person{number}"))
    with suppress(LogForked):
        keep_log(broker)
    return consent


def bundle_of(broker: Broker, consent: ConsentRecord) -> Bundle:
    with broker.database.reading() as tx:
        return bundle_for_client(tx, broker, client_id=consent.client_id, receipt_id=consent.receipt_id)


def is_logged(broker: Broker, bundle: Bundle | str) -> bool:
    vkeys = read_vkeys("\n".join(broker.log.vkeys))
    return verify_evidence(str(bundle), jwks=broker.keys.jwks(), vkeys=vkeys).logged


@pytest.fixture
def story(home: Path, capsys: pytest.CaptureFixture[str]) -> Story:
    """A consent, a backup, a consent, a copy, and the backup put back."""
    broker, folder = opened()[1], home / "site"
    before = bundle_of(broker, consent_of(broker, 1))
    backup = back_up(home)
    between = bundle_of(broker, consent_of(broker, 2))
    assert 0 == main(["log", "export", str(folder)])
    told = Story(str(before), str(between), folder, read_high_water(home / "marks"), note_of())
    put_back(home, backup)
    capsys.readouterr()
    return told


def test_until_a_backup_is_put_right_it_serves_and_signs_nothing(home: Path, story: Story) -> None:
    published, broker = note_of(), opened()[1]
    after = consent_of(broker, 3)
    with pytest.raises(LogForked, match="was restored from an old backup"):
        keep_log(broker)
    assert (published, story.mark) == (note_of(), read_high_water(home / "marks"))
    assert bundle_of(broker, after).proof is None


def test_after_it_is_put_right_there_is_one_history_and_everybody_s_bundle_is_of_it(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = opened()[1]
    after = consent_of(broker, 3)
    assert 0 == main(["log", "restore", str(story.folder)])
    keep_log(broker)
    assert 0 == main(["log", "export", str(story.folder)])
    reader = TileClient(lambda path: (story.folder / path).read_bytes(), broker.log.vkeys[0])
    old, new = reader.opened(story.note.encode()), reader.checkpoint()
    assert old.size == story.mark.size < new.size
    assert is_consistent(old, new, reader.consistency_proof(old.size, new.size))
    assert new.root == root_of_entries(reader.entries(new.size)) == reader.root(new.size)
    with broker.database.reading() as tx:
        newest = [
            *(bundle_evidence(tx, broker, parse_bundle(it).evidence) for it in (story.before, story.between)),
            bundle_for_client(tx, broker, client_id=after.client_id, receipt_id=after.receipt_id),
        ]
    assert {new.size} == {bundle.proof.checkpoint.size for bundle in newest if bundle.proof}
    assert all(is_logged(broker, bundle) for bundle in (*newest, story.before, story.between))
    assert 0 == main(["log", "check"])
    capsys.readouterr()
    main(["audit"])
    said = capsys.readouterr().out
    assert "2 lost leaves" in said
    assert "3 do not agree" in said, "the leaves that this test made up, and nothing else"


def test_a_copy_that_was_put_back_already_is_no_harm(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["log", "restore", str(story.folder)])
    keep_log(opened()[1])
    size = published_size(opened()[1])
    capsys.readouterr()
    assert 0 == main(["log", "restore", str(story.folder)])
    assert f"the log has {size} leaves: 0 were put back, 0 lost an index and wait again\n" == capsys.readouterr().out


def test_leaves_that_nobody_was_told_of_wait_again(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    broker = opened()[1]
    (leaf,) = left(broker)
    append_leaves(broker)  # as by a sequencer of before, which was stopped then
    assert 0 == main(["log", "restore", str(story.folder)])
    assert "1 lost an index and wait again" in capsys.readouterr().out
    keep_log(broker)
    with broker.database.reading() as tx:
        assert story.mark.size <= (index_of(tx, leaf) or 0)
    assert 0 == main(["log", "check"])


def a_copy_of_another_log(story: Story) -> None:
    key = Ed25519Signer(story.note.split("\n")[0], Ed25519PrivateKey.generate())
    (story.folder / "checkpoint").write_text(str(sign_note(story.note.split("\n\n")[0] + "\n", [key])))


def cut(story: Story) -> None:
    path = max(
        (story.folder / "tile/entries").rglob("[0-9]*"),
        key=lambda path: len(path.read_bytes()) if path.is_file() else 0,
    )
    path.write_bytes(path.read_bytes()[:-1])


SPOILT: dict[str, tuple[Callable[[Story], object], str]] = {
    "of another log": (a_copy_of_another_log, "was not signed by this log's keys"),
    "whose checkpoint is gone": (lambda it: (it.folder / "checkpoint").unlink(), "checkpoint: cannot be read"),
    "whose checkpoint is cut": (
        lambda it: (it.folder / "checkpoint").write_text(it.note[:-9]),
        "not as this log signs them",
    ),
    "whose entries are gone": (lambda it: rmtree(it.folder / "tile"), "the copy does not reach far enough"),
    "whose entries are cut": (cut, "holds no entries of this log"),
}


@pytest.mark.parametrize(("spoils", "says"), SPOILT.values(), ids=SPOILT.keys())
def test_a_copy_that_is_not_whole_is_refused_and_nothing_is_written(
    home: Path, story: Story, capsys: pytest.CaptureFixture[str], spoils: Callable[[Story], object], says: str
) -> None:
    opened()  # writes what is to be written of its own accord
    spoils(story)
    before = database_of(home)
    capsys.readouterr()
    assert 1 == main(["log", "restore", str(story.folder)])
    assert says in refusal(capsys)
    assert (before, story.mark) == (database_of(home), read_high_water(home / "marks"))


def test_a_copy_of_before_what_was_signed_last_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, backup = home / "old", back_up(home)
    assert 0 == main(["log", "export", str(old)])
    kept(opened()[1], 4)
    whole = back_up(home)
    put_back(home, backup)
    capsys.readouterr()
    assert 1 == main(["log", "restore", str(old)])
    assert "the copy does not reach far enough" in refusal(capsys)
    put_back(home, whole)
    (home / "marks" / NAME).unlink()
    assert 1 == main(["log", "restore", str(old)])
    assert "the copy ends at 4 leaves and the database has published 8" in refusal(capsys)


def test_what_was_signed_and_not_published_any_more_is_in_the_copy(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "copy"
    monkeypatch.setenv("BROKER_LOG_COPY_DIR", str(folder))
    broker = opened()[1]
    kept(broker)
    assert note_of() == (folder / "checkpoint").read_text()
    backup = back_up(home)
    left(broker, 3)

    def stopped(_note: object, _prove: object) -> NoReturn:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        keep_log(broker, stopped)  # between the mark and the checkpoint
    put_back(home, backup)
    capsys.readouterr()
    assert 0 == main(["log", "restore", str(folder)])
    assert "the log has 8 leaves: 3 were put back" in capsys.readouterr().out
    keep_log(opened()[1])
    assert 8 == published_size(opened()[1])


def test_the_copy_has_what_is_about_to_be_signed_before_the_mark_is_raised(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_LOG_COPY_DIR", str(home / "copy"))
    broker = opened()[1]
    kept(broker)
    left(broker, 3)
    (home / "marks" / f".{NAME}.new").mkdir()
    with pytest.raises(OSError, match=NAME):
        keep_log(broker)
    assert 5 == read_high_water(home / "marks").size
    assert 34 * 8 == len((home / "copy/tile/entries/000.p/8").read_bytes())


def test_a_copy_that_somebody_changed_is_not_believed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup, folder = back_up(home), home / "site"
    kept(opened()[1], 4)
    assert 0 == main(["log", "export", str(folder)])
    put_back(home, backup)
    entries = folder / "tile/entries/000.p/8"
    entries.write_bytes(entries.read_bytes()[:-1] + b"?")
    before = database_of(home)
    capsys.readouterr()
    assert 1 == main(["log", "restore", str(folder)])
    assert "these entries are not those of the tree that was signed" in refusal(capsys)
    assert before == database_of(home)


def test_two_signed_histories_are_told_and_left_as_they_are(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup, folder, mark = back_up(home), home / "site", (home / "marks" / NAME).read_bytes()
    kept(opened()[1], 4)
    assert 0 == main(["log", "export", str(folder)])
    put_back(home, backup)
    (home / "marks" / NAME).write_bytes(mark)
    kept(opened()[1], 1)
    capsys.readouterr()
    assert 1 == main(["log", "restore", str(folder)])
    assert "is of another history than the one that was signed last" in refusal(capsys)
    (home / "marks" / NAME).unlink()
    assert 1 == main(["log", "restore", str(folder)])
    assert "the log has two histories" in refusal(capsys)


def test_a_lost_mark_is_adopted_by_somebody_for_a_reason(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "marks" / NAME).unlink()
    assert 1 == main(["log", "check"])
    assert 0 == main(["log", "adopt", "--why", "the disk is lost"])
    assert "the mark is at 4 leaves; held against: nobody else was asked\n" in capsys.readouterr().out
    said = json.loads((home / "marks" / ADOPTIONS).read_text())
    assert (OPERATOR, "the disk is lost", 4) == (said["by"], said["why"], said["size"])
    assert 0 == main(["log", "check"])


def test_a_mark_that_is_there_is_not_replaced(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = (home / "marks" / NAME).read_bytes()
    assert 1 == main(["log", "adopt", "--why", "for fun"])
    assert "there is nothing to adopt" in refusal(capsys)
    assert mark == (home / "marks" / NAME).read_bytes()


def test_a_mark_is_not_adopted_below_what_a_witness_saw(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(home)
    kept(opened()[1], 4)
    with serving(WitnessOfOurOwn(note=note_of())) as witness:
        (home / "witnesses.toml").write_text(witness.table)
        monkeypatch.setenv("BROKER_WITNESSES_FILE", str(home / "witnesses.toml"))
        assert 0 == main(["log", "check"])
        put_back(home, backup)
        (home / "marks" / NAME).unlink()
        capsys.readouterr()
        assert 1 == main(["log", "adopt", "--why", "the disk is lost"])
    assert f"what the witness {witness.name} holds: the database's log has 4 leaves and 8 were signed" in refusal(
        capsys
    )
    assert not (home / "marks" / NAME).exists()


def test_an_adopted_mark_is_held_against_what_a_witness_saw(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    note = note_of()
    kept(opened()[1], 4)
    (home / "marks" / NAME).unlink()
    with serving(WitnessOfOurOwn(note=note)) as witness:
        (home / "witnesses.toml").write_text(witness.table)
        monkeypatch.setenv("BROKER_WITNESSES_FILE", str(home / "witnesses.toml"))
        witness.sick = (200, b"nonsense")
        assert 1 == main(["log", "adopt", "--why", "the disk is lost"])
        assert f"what the witness {witness.name} holds: a checkpoint is not as this log signs them" in refusal(capsys)
        witness.sick = None
        assert 0 == main(["log", "adopt", "--why", "the disk is lost"])
    assert f"the mark is at 8 leaves; held against: the witness {witness.name}\n" == capsys.readouterr().out
    kept(opened()[1])
    assert 9 == published_size(opened()[1])


def test_a_mark_is_not_adopted_below_what_the_copy_has(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROKER_LOG_COPY_DIR", str(home / "copy"))
    backup = back_up(home)
    kept(opened()[1], 4)
    assert 0 == main(["log", "check"])
    put_back(home, backup)
    (home / "marks" / NAME).unlink()
    capsys.readouterr()
    assert 1 == main(["log", "adopt", "--why", "both disks are lost"])
    assert f"what the copy {home / 'copy'} holds: the database's log has 4 leaves and 8 were signed" in refusal(capsys)
    assert 0 == main(["log", "restore", str(home / "copy")])
    capsys.readouterr()
    assert 0 == main(["log", "adopt", "--why", "both disks are lost"])
    assert "the mark is at 8 leaves; held against: the copy" in capsys.readouterr().out


def test_a_folder_of_marks_that_is_lost_is_adopted_journal_first(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rmtree(home / "marks")
    assert 1 == main(["log", "adopt", "--why", "the disk is lost"])
    assert "erasures.journal: cannot be used" in refusal(capsys)
    assert 0 == main(["journal", "adopt", "--why", "the disk is lost"])
    assert 0 == main(["log", "adopt", "--why", "the disk is lost"])
    assert 0 == main(["log", "check"])


def test_a_log_that_is_not_whole_is_not_adopted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "marks" / NAME).unlink()
    with closing(sqlite3.connect(home / "data" / "broker.db")) as raw:
        raw.execute("UPDATE log_head SET root = zeroblob(32)")
        raw.commit()
    assert 1 == main(["log", "adopt", "--why", "the disk is lost"])
    assert "the database's log is not whole: the head does not hold the root" in refusal(capsys)
    assert not {NAME, ADOPTIONS} & {path.name for path in (home / "marks").iterdir()}


@pytest.mark.parametrize("command", [["log", "check"], ["log", "adopt", "--why", "lost"], ["sequence"]], ids=" ".join)
def test_a_mistake_in_the_file_of_witnesses_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (home / "witnesses.toml").write_text("[karen]\nurl = 'https://karen.example'\n")
    monkeypatch.setenv("BROKER_WITNESSES_FILE", str(home / "witnesses.toml"))
    with same_logging(), same_signals():
        assert 1 == main(command)
    assert "witnesses.toml: [karen] must hold url and vkey" in refusal(capsys)


@contextmanager
def same_signals() -> Iterator[None]:
    """Leave signals as they were found."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)

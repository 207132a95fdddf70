"""The signer: it never signs two histories, whatever the database says, and says what is wrong in words."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from builders import Clock, StillKeys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from logs import a_keeper, backup, kept, left, mark_of, published_size, restore_backup
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.keep_log import append_leaves, keep_log
from broker.actions.publish_log import publish_checkpoint
from broker.actions.watch_log import trouble_with_log
from broker.errors import BadConfiguration, LogForked
from broker.proof.highwater import NAME
from broker.proof.note import SignatureLine
from broker.store.log_tables import CheckpointRow, LogHeadRow, LogTileRow
from broker.store.writing import table_of


@pytest.fixture
def keeper(database: WatchedDatabase, clock: Clock, tmp_path: Path) -> Broker:
    """Give a broker whose log this test keeps."""
    return a_keeper(database, tmp_path / "marks", clock=clock)


def refuses(broker: Broker, match: str) -> None:
    """The log is not kept for this reason, nothing is written, and readiness says so too."""
    before, mark = backup(broker.database), mark_of(broker)
    with pytest.raises(LogForked, match=match):
        keep_log(broker)
    with pytest.raises(LogForked, match=match):
        publish_checkpoint(broker)
    assert before == backup(broker.database)
    assert mark == mark_of(broker)
    assert match in str(trouble_with_log(broker))


OLD = "8 leaves and 12 were signed: it was restored from an old backup"


@pytest.mark.parametrize("since", [0, 1, 4, 9])
def test_an_old_backup_is_not_signed_however_many_leaves_wait(keeper: Broker, since: int) -> None:
    kept(keeper, 8)
    rows = backup(keeper.database)
    kept(keeper, 4)
    restore_backup(keeper.database, rows)
    if since:
        left(keeper, since)
    refuses(keeper, OLD)


@pytest.mark.parametrize("others", [4, 5, 300])
def test_an_old_backup_that_has_grown_past_the_mark_is_not_signed(keeper: Broker, others: int, tmp_path: Path) -> None:
    kept(keeper, 8)
    rows, stale = backup(keeper.database), tmp_path / "stale"
    shutil.copytree(keeper.log.marks, stale)
    kept(keeper, 4)
    restore_backup(keeper.database, rows)
    # By a sequencer whose marks were restored, too: only one that kept its own can tell.
    left(keeper, others)
    append_leaves(keeper)
    refuses(keeper, "the first 12 leaves of the database's log are not those that were signed")
    publish_checkpoint(replace(keeper, log=replace(keeper.log, marks=stale)))
    refuses(keeper, "the first 12 leaves of the database's log are not those that were signed")


def test_a_database_that_lost_its_log_altogether_is_not_signed(keeper: Broker) -> None:
    empty = backup(keeper.database)
    kept(keeper, 12)
    restore_backup(keeper.database, empty)
    refuses(keeper, "0 leaves and 12 were signed")


def test_the_backup_that_is_put_right_is_signed_again(keeper: Broker) -> None:
    kept(keeper, 8)
    old = backup(keeper.database)
    kept(keeper, 4)
    whole = backup(keeper.database)
    restore_backup(keeper.database, old)
    with pytest.raises(LogForked):
        keep_log(keeper)
    restore_backup(keeper.database, whole)
    kept(keeper, 2)
    assert 14 == published_size(keeper)


def test_a_host_that_only_looked_on_refuses_an_old_backup_too(
    keeper: Broker, database: WatchedDatabase, tmp_path: Path
) -> None:
    other = a_keeper(database, tmp_path / "other")
    kept(keeper, 8)
    rows = backup(database)
    kept(keeper, 4)
    keep_log(other)
    restore_backup(database, rows)
    refuses(other, OLD)


def test_a_checkpoint_beyond_the_head_is_a_mark_as_well(
    keeper: Broker, database: WatchedDatabase, tmp_path: Path
) -> None:
    other = a_keeper(database, tmp_path / "other")
    kept(keeper, 8)
    rows = backup(database)
    kept(keeper, 4)
    rows["checkpoints"] = backup(database)["checkpoints"]
    restore_backup(database, rows)
    refuses(other, OLD)


@pytest.mark.parametrize("by", ["a stranger", "nobody"])
def test_a_checkpoint_that_this_log_did_not_sign_does_not_move_the_mark(
    keeper: Broker, database: WatchedDatabase, tmp_path: Path, by: str
) -> None:
    other = a_keeper(database, tmp_path / "other")
    kept(keeper, 8)
    (row,) = backup(database)["checkpoints"]
    text, under = row["note"].split("\n\n")
    lines = {"nobody": [], "a stranger": under.splitlines()[:1]}[by]
    forged = "\n".join(line.replace(keeper.log.origin, "stranger.example/log") for line in lines)
    with database.engine.begin() as tx:
        tx.execute(table_of(CheckpointRow).update().values(note=f"{text}\n\n{forged}\n"))
    refuses(other, "a checkpoint")
    assert 0 == mark_of(other)


@pytest.mark.parametrize("edited", ["the head's root", "the head's size", "a hash of what was signed", "a new hash"])
def test_what_somebody_edited_is_not_signed(keeper: Broker, edited: str) -> None:
    kept(keeper, 8)
    left(keeper, 3)
    append_leaves(keeper)
    (head,), (tile,) = backup(keeper.database)["log_head"], backup(keeper.database)["log_tiles"]
    at = 0 if edited == "a hash of what was signed" else 9 * 32
    spoiled = tile["hashes"][:at] + bytes(32) + tile["hashes"][at + 32 :]
    table, values = {
        "the head's root": (LogHeadRow, {"root": bytes(32)}),
        "the head's size": (LogHeadRow, {"size": 10}),
    }.get(edited, (LogTileRow, {"hashes": spoiled}))
    with keeper.database.engine.begin() as tx:
        tx.execute(table_of(table).update().values(**values))
    refuses(keeper, "the first 8 leaves of the database's log are not those that were signed")
    assert head["size"] == 11


@pytest.mark.parametrize("mark", ["missing", "empty", "no JSON", "a list", "a size that is true", "a short root"])
def test_without_a_mark_nothing_is_signed(keeper: Broker, mark: str) -> None:
    kept(keeper, 3)
    left(keeper)
    path = keeper.log.marks / NAME
    written = {
        "empty": "", "no JSON": "{", "a list": "[1]", "a size that is true": '{"size": true, "root": "AAAA"}',
        "a short root": '{"size": 3, "root": "AAAA"}',
    }  # fmt: skip
    path.unlink() if mark == "missing" else path.write_text(written[mark])
    before = backup(keeper.database)
    with pytest.raises(BadConfiguration, match=r"log\.high-water: (cannot be read|is damaged).*broker log adopt"):
        keep_log(keeper)
    assert before == backup(keeper.database)
    assert NAME in str(trouble_with_log(keeper))


def test_a_mark_that_cannot_be_raised_publishes_nothing(keeper: Broker) -> None:
    kept(keeper, 3)
    left(keeper)
    (keeper.log.marks / f".{NAME}.new").mkdir()
    with pytest.raises(OSError, match=NAME):
        keep_log(keeper)
    assert (3, 3) == (published_size(keeper), mark_of(keeper))
    (keeper.log.marks / f".{NAME}.new").rmdir()
    keep_log(keeper)
    assert (4, 4) == (published_size(keeper), mark_of(keeper))


def test_nothing_leaves_the_signer_before_the_mark_is_raised(keeper: Broker) -> None:
    left(keeper, 5)
    seen = []
    keep_log(keeper, lambda _note, _prove: seen.append((mark_of(keeper), published_size(keeper))) or [])
    assert [(5, None)] == seen


def test_what_witnesses_say_stands_under_the_checkpoint(keeper: Broker) -> None:
    left(keeper, 5)
    line = SignatureLine("witness.example", b"abcd", bytes(72))
    keep_log(keeper, lambda _note, _prove: [line])
    (row,) = backup(keeper.database)["checkpoints"]
    assert row["note"].endswith(str(line))
    assert publish_checkpoint(keeper) is False


def test_a_new_key_of_the_log_signs_what_is_published_already(keeper: Broker) -> None:
    kept(keeper, 5)
    fresh = replace(keeper.keys, log=Ed25519PrivateKey.generate())
    rotated = replace(keeper, log=replace(keeper.log, source=StillKeys(fresh)))
    assert publish_checkpoint(rotated) is True
    assert publish_checkpoint(rotated) is False

"""The first keys, and those of releases that had no manifest: each is taken over as it was, and none is made anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from builders import NOON, a_key_folder, all_at_once
from earlier_keys import SECRET, make_earlier_keys

from broker.errors import BadConfiguration
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keys import import_signing_key
from broker.proof.manifest import NAME, SIGNING_USES, State

MASTER = bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """Give a folder without keys."""
    return a_key_folder(tmp_path, MASTER, random=os.urandom)


def names(folder: KeyFolder) -> set[str]:
    """Name every file of a folder."""
    return {path.name for path in folder.path.iterdir()}


def test_every_key_is_made_once_and_a_next_one_for_whatever_signs(folder: KeyFolder) -> None:
    made, again = create_keys(folder, now=NOON), create_keys(folder, now=NOON)
    signing = [f"{use}-{number}" for use in SIGNING_USES for number in (1, 2)]
    assert ([*signing, "blinding-1", "storage-1"], []) == (made, again)
    manifest = folder.manifest()
    assert {("active", NOON)} == {
        (state, since) for entry in manifest.entries if entry.number == 1 for state, since in entry.since.items()
    }
    assert {State.NEXT} == {entry.state for entry in manifest.entries if entry.number == 2}


def test_what_belongs_beside_keys_is_there_before_them_and_not_made_again(folder: KeyFolder) -> None:
    seen: list[set[str]] = []
    create_keys(folder, now=NOON, beside=lambda: seen.append(names(folder)))
    create_keys(folder, now=NOON, beside=lambda: seen.append(names(folder)))
    assert [{NAME}] == seen


def test_the_keys_of_an_earlier_release_are_taken_over_as_they_were(folder: KeyFolder, tmp_path: Path) -> None:
    earlier = make_earlier_keys(tmp_path)
    made = create_keys(folder, now=NOON)
    keys = open_ring(folder)
    assert (SECRET, {1: SECRET[::-1]}) == (keys.blinding, keys.storage)
    for use in ("receipts", "tokens"):
        assert import_signing_key(json.loads(earlier[use])).kid == getattr(keys, use).kid
    assert ["receipts-2", "tokens-2", "log-1", "log-2", "log_pq-1", "log_pq-2"] == made
    assert {NAME, *(f"{entry.label}.key" for entry in keys.entries)} == names(folder)


def test_the_logs_keys_are_taken_over_where_there_are_any(folder: KeyFolder, tmp_path: Path) -> None:
    earlier = make_earlier_keys(tmp_path, log=True)
    made = create_keys(folder, now=NOON)
    assert ["receipts-2", "tokens-2", "log-2", "log_pq-2"] == made
    assert (earlier["log"], earlier["log_pq"]) == (folder.content("log-1"), folder.content("log_pq-1"))


@pytest.mark.parametrize("lost", ["receipts", "tokens", "blinding", "storage", "log", "log_pq"])
def test_a_key_that_an_earlier_release_lost_is_never_made_anew(folder: KeyFolder, tmp_path: Path, lost: str) -> None:
    make_earlier_keys(tmp_path, log=True)
    (tmp_path / "keys" / f"{lost}.key").unlink()
    before = names(folder)
    with pytest.raises(BadConfiguration, match=f"{lost}\\.key: is missing beside the other keys"):
        create_keys(folder, now=NOON)
    assert {*before, NAME} == names(folder)


@pytest.mark.parametrize("damaged", ["receipts", "storage"])
def test_a_damaged_key_of_an_earlier_release_is_named_and_stays(
    folder: KeyFolder, tmp_path: Path, damaged: str
) -> None:
    make_earlier_keys(tmp_path)
    path = tmp_path / "keys" / f"{damaged}.key"
    path.write_bytes(path.read_bytes()[:-9])
    before = path.read_bytes()
    with pytest.raises(BadConfiguration, match=f"{damaged}\\.key: does not open under this master key"):
        create_keys(folder, now=NOON)
    assert before == path.read_bytes()


def test_an_earlier_file_that_holds_another_key_is_left_alone(folder: KeyFolder) -> None:
    """Put there after the keys were taken over, from whichever backup: it may be somebody's last copy."""
    create_keys(folder, now=NOON)
    folder.store("blinding", SECRET)
    assert [] == create_keys(folder, now=NOON)
    assert (SECRET, True) == (folder.content("blinding"), folder.file("blinding-1").exists())


def test_two_commands_at_once_make_one_set_of_keys(folder: KeyFolder) -> None:
    made = all_at_once(4, lambda _number: create_keys(folder, now=NOON))
    assert [0, 0, 0, 10] == sorted(map(len, made))
    open_ring(folder)

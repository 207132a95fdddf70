"""Master keys: several epochs, the newest last; what is wrong with one is refused by name, and none is made anew."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.errors import BadConfiguration
from broker.proof.masters import (
    MASTER,
    LocalMaster,
    NotUnwrapped,
    append_master,
    create_master,
    id_of,
    parse_masters,
    read_masters,
    remove_master,
)

OLD, NEW = bytes(range(32)), bytes(32)
Damage = Callable[[Path], object]


def written(key: bytes) -> str:
    """Write a key as a master key is written."""
    return urlsafe_b64encode(key).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the file of a master key that was made."""
    create_master(tmp_path / MASTER, random=os.urandom)
    return tmp_path / MASTER


def test_what_the_newest_seals_opens_under_all_of_them_and_not_under_the_older_ones() -> None:
    both, old = LocalMaster((OLD, NEW), os.urandom), LocalMaster((OLD,), os.urandom)
    sealed = both.wrap(b"a secret", label="receipts-1")
    assert b"a secret" == both.unwrap(sealed, label="receipts-1")
    assert b"a secret" == both.unwrap(old.wrap(b"a secret", label="receipts-1"), label="receipts-1")
    with pytest.raises(NotUnwrapped):
        old.unwrap(sealed, label="receipts-1")
    assert (id_of(NEW), id_of(OLD)) == (both.id, old.id)


@pytest.mark.parametrize("label", ["receipts-2", "tokens-1", ""])
def test_a_secret_opens_for_its_own_label_only(label: str) -> None:
    master = LocalMaster((OLD,), os.urandom)
    with pytest.raises(NotUnwrapped):
        master.unwrap(master.wrap(b"a secret", label="receipts-1"), label=label)


def test_no_master_key_shows_itself() -> None:
    assert repr(OLD)[2:20] not in repr(LocalMaster((OLD,), os.urandom))
    assert id_of(OLD) not in written(OLD)


@pytest.mark.parametrize("between", [" ", "\n", "\r\n", "\n\n", " \t "])
def test_several_are_read_with_anything_blank_between_them(between: str) -> None:
    assert (OLD, NEW) == parse_masters(f"{written(OLD)}{between}{written(NEW)}\n", where="here")


@pytest.mark.parametrize("text", [written(OLD), written(OLD).rstrip("=")])
def test_one_is_read_with_padding_and_without(text: str) -> None:
    assert (OLD,) == parse_masters(text, where="here")


NO_MASTERS = {
    "nothing": "",
    "blanks": " \n",
    "one letter": "A",
    "three bytes": "AAAA",
    "31 bytes": written(bytes(31)),
    "33 bytes": written(bytes(33)),
    "no ASCII": "\u00e9" * 43,
    "hexadecimal": OLD.hex(),
    "a sentence": "correct horse battery staple",
    "one good and one bad": f"{written(OLD)} {written(bytes(31))}",
}


@pytest.mark.parametrize("text", NO_MASTERS.values(), ids=NO_MASTERS.keys())
def test_a_master_key_is_32_bytes_or_none(text: str) -> None:
    with pytest.raises(BadConfiguration, match="here: a master key is 32 bytes"):
        parse_masters(text, where="here")


def test_the_same_key_twice_is_refused_since_the_newest_must_be_one_of_its_own() -> None:
    with pytest.raises(BadConfiguration, match="here: one master key stands there twice"):
        parse_masters(f"{written(OLD)} {written(NEW)} {written(OLD)}", where="here")


def test_a_master_key_is_made_once(file: Path) -> None:
    kept = read_masters(file)
    assert create_master(file, random=os.urandom) is False
    assert (kept, 1, 32) == (read_masters(file), len(kept), len(kept[0]))


@pytest.mark.parametrize("beside", ["receipts-1.key", "receipts.key", "manifest.json"])
def test_a_lost_master_key_is_never_replaced_by_a_new_one(tmp_path: Path, beside: str) -> None:
    (tmp_path / beside).touch()
    with pytest.raises(BadConfiguration, match=r"master\.key: is missing beside the keys it seals"):
        create_master(tmp_path / MASTER, random=os.urandom)
    assert [beside] == [path.name for path in tmp_path.iterdir()]


def test_a_new_one_comes_behind_the_old_one_and_the_old_one_goes_by_its_name(file: Path) -> None:
    (old,) = read_masters(file)
    append_master(file, random=os.urandom)
    kept, new = read_masters(file)
    assert (old, 32, True) == (kept, len(new), old != new)
    assert [True, False] == [remove_master(file, id_of(old)) for _ in range(2)]
    assert ((new,), 0o600) == (read_masters(file), file.stat().st_mode & 0o777)


def test_the_newest_is_never_taken_away(file: Path) -> None:
    (only,) = read_masters(file)
    assert remove_master(file, id_of(only)) is False
    assert (only,) == read_masters(file)


def test_what_was_taken_away_is_overwritten_where_it_lay(file: Path, tmp_path: Path) -> None:
    """A second name of the same file shows what became of its blocks."""
    old = read_masters(file)[0]
    append_master(file, random=os.urandom)
    os.link(file, tmp_path / "the same blocks")
    remove_master(file, id_of(old))
    assert b"" == (tmp_path / "the same blocks").read_bytes().strip(b"\0")


def test_a_master_key_behind_a_link_stays_behind_it(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere"
    link.symlink_to(file)
    append_master(link, random=os.urandom)
    assert (True, 2) == (link.is_symlink(), len(read_masters(file)))


FAULTS: dict[str, tuple[Damage, str]] = {
    "missing": (lambda path: path.unlink(), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "readable by everybody": (lambda path: path.chmod(0o644), "others may read it; run chmod 600"),
    "writable by the group": (lambda path: path.chmod(0o620), "others may read it"),
    "other bytes": (lambda path: path.write_bytes(b"\xff" * 43), "a master key is 32 bytes"),
}


@pytest.mark.parametrize(("damage", "named"), FAULTS.values(), ids=FAULTS.keys())
def test_a_master_key_file_with_a_fault_is_refused_by_name(file: Path, damage: Damage, named: str) -> None:
    damage(file)
    with pytest.raises(BadConfiguration, match=f"master\\.key: {named}"):
        read_masters(file)

"""Keys on disk: what is wrong with a file is refused by its name, and no new key is ever made in its place."""

import os
import shutil
import stat
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.errors import BadConfiguration
from broker.proof.keyfiles import MASTER, create_keys, create_master, load_keys, parse_master, read_master

NAMES = ("receipts", "tokens", "blinding", "storage")
MADE_UP = bytes(range(32))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make keys under a made-up master key."""
    folder = tmp_path_factory.mktemp("broker") / "keys"
    create_keys(folder, MADE_UP, random=os.urandom)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """Give a folder of keys that a test may damage."""
    return shutil.copytree(made, tmp_path / "keys")


def contents(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_key_is_made_once(tmp_path: Path) -> None:
    made = [create_keys(tmp_path, MADE_UP, random=os.urandom) for _ in range(2)]
    assert [list(NAMES), []] == made


def test_keys_come_back_as_they_were_made(folder: Path) -> None:
    one, again = load_keys(folder, MADE_UP), load_keys(folder, MADE_UP)
    assert (one.receipts.kid, one.tokens.kid) == (again.receipts.kid, again.tokens.kid)
    assert (one.blinding, one.storage) == (again.blinding, again.storage)
    assert 4 == len({one.receipts.kid, one.tokens.kid, one.blinding, one.storage})


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    create_master(folder, random=os.urandom)
    create_keys(folder, MADE_UP, random=os.urandom)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)


def test_no_secret_lies_open_in_a_file(folder: Path) -> None:
    keys = load_keys(folder, MADE_UP)
    private = keys.receipts.key.as_dict(private=True)["d"]
    whole = b"".join(contents(folder).values())
    for secret in (keys.blinding, keys.storage):
        assert urlsafe_b64encode(secret).strip(b"=") not in whole
    assert str(private).encode() not in whole


Damage = Callable[[Path], object]


def flipped(raw: bytes, *, at: int = 40) -> bytes:
    """Return a file's bytes with one letter changed."""
    return raw[:at] + (b"A" if raw[at : at + 1] != b"A" else b"B") + raw[at + 1 :]


FAULTS: dict[str, tuple[Damage, str]] = {
    "missing": (lambda path: path.unlink(), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "blank": (lambda path: path.write_bytes(b" \n"), "is empty"),
    "cut to a few letters": (lambda path: path.write_bytes(path.read_bytes()[:9]), "does not open"),
    "cut to its nonce": (lambda path: path.write_bytes(path.read_bytes()[:16]), "does not open"),
    "short by a letter": (lambda path: path.write_bytes(path.read_bytes()[:-3]), "does not open"),
    "another first letter": (lambda path: path.write_bytes(flipped(path.read_bytes(), at=0)), "does not open"),
    "a letter changed": (lambda path: path.write_bytes(flipped(path.read_bytes())), "does not open"),
    "in clear": (lambda path: path.write_bytes(urlsafe_b64encode(MADE_UP)), "does not open"),
    "no base64": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "does not open"),
    "readable by everybody": (lambda path: path.chmod(0o644), "others may read it"),
    "readable by the group": (lambda path: path.chmod(0o640), "others may read it"),
    "writable by everybody": (lambda path: path.chmod(0o602), "others may read it"),
    "a folder": (lambda path: (path.unlink(), path.mkdir(mode=0o700)), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("damage", "named"), FAULTS.values(), ids=FAULTS.keys())
def test_a_file_with_a_fault_is_refused_by_name(folder: Path, name: str, damage: Damage, named: str) -> None:
    damage(folder / f"{name}.key")
    before = {path.name for path in folder.iterdir()}
    with pytest.raises(BadConfiguration, match=f"{name}\\.key: {named}"):
        load_keys(folder, MADE_UP)
    assert before == {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("one", "other"), [("receipts", "tokens"), ("blinding", "storage"), ("receipts", "storage")])
def test_files_that_changed_places_do_not_open(folder: Path, one: str, other: str) -> None:
    first, second = folder / f"{one}.key", folder / f"{other}.key"
    raw = first.read_bytes(), second.read_bytes()
    first.write_bytes(raw[1])
    second.write_bytes(raw[0])
    with pytest.raises(BadConfiguration, match=f"{one}\\.key: does not open|{other}\\.key: does not open"):
        load_keys(folder, MADE_UP)


def test_a_key_of_another_broker_does_not_open(folder: Path, tmp_path: Path) -> None:
    create_keys(tmp_path / "theirs", bytes(32), random=os.urandom)
    (folder / "tokens.key").write_bytes((tmp_path / "theirs" / "tokens.key").read_bytes())
    with pytest.raises(BadConfiguration, match=r"tokens\.key: does not open under this master key"):
        load_keys(folder, MADE_UP)


def test_another_master_key_opens_nothing_and_replaces_nothing(folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(BadConfiguration, match=r"receipts\.key: does not open .* makes no new one"):
        load_keys(folder, bytes(32))
    assert before == contents(folder)


@pytest.mark.parametrize("damage", [fault for fault, _ in FAULTS.values()][1:10], ids=list(FAULTS)[1:10])
def test_a_damaged_file_is_never_replaced_by_a_new_key(folder: Path, damage: Damage) -> None:
    damage(folder / "blinding.key")
    before = contents(folder)
    assert [] == create_keys(folder, MADE_UP, random=os.urandom)
    assert before == contents(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_key_is_never_replaced_by_a_new_one(folder: Path, name: str) -> None:
    (folder / f"{name}.key").unlink()
    before = contents(folder)
    with pytest.raises(BadConfiguration, match=f"{name}\\.key: is missing beside the other keys"):
        create_keys(folder, MADE_UP, random=os.urandom)
    assert before == contents(folder)


def test_a_lost_master_key_is_never_replaced_by_a_new_one(folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(BadConfiguration, match=r"master\.key: is missing beside the keys it seals"):
        create_master(folder, random=os.urandom)
    assert before == contents(folder)


def test_a_secret_of_another_length_is_refused(folder: Path) -> None:
    nonce = bytes(12)
    sealed = AESGCMSIV(MADE_UP).encrypt(nonce, b"too short", b"blinding")
    (folder / "blinding.key").write_bytes(urlsafe_b64encode(nonce + sealed))
    with pytest.raises(BadConfiguration, match=r"blinding\.key: holds 9 bytes where 32 belong"):
        load_keys(folder, MADE_UP)


def test_a_master_key_is_made_once(tmp_path: Path) -> None:
    assert [True, False] == [create_master(tmp_path, random=os.urandom) for _ in range(2)]
    master = read_master(tmp_path / MASTER)
    assert (32, master) == (len(master), read_master(tmp_path / MASTER))


@pytest.mark.parametrize("text", [urlsafe_b64encode(MADE_UP).decode(), urlsafe_b64encode(MADE_UP).decode().rstrip("=")])
def test_a_master_key_is_read_with_padding_and_without(text: str) -> None:
    assert MADE_UP == parse_master(text, where="here")


NO_MASTERS = {
    "nothing": "",
    "one letter": "A",
    "three bytes": "AAAA",
    "31 bytes": urlsafe_b64encode(bytes(31)).decode(),
    "33 bytes": urlsafe_b64encode(bytes(33)).decode(),
    "no ASCII": "\u00e9" * 43,
    "hexadecimal": MADE_UP.hex(),
    "a sentence": "correct horse battery staple",
}


@pytest.mark.parametrize("text", NO_MASTERS.values(), ids=NO_MASTERS.keys())
def test_a_master_key_is_32_bytes_or_none(text: str) -> None:
    with pytest.raises(BadConfiguration, match="here: a master key is 32 bytes"):
        parse_master(text, where="here")


@pytest.mark.parametrize(
    ("damage", "named"), [FAULTS["missing"], FAULTS["empty"], FAULTS["readable by everybody"]],
    ids=["missing", "empty", "readable by everybody"],
)  # fmt: skip
def test_a_master_key_file_with_a_fault_is_refused_by_name(tmp_path: Path, damage: Damage, named: str) -> None:
    create_master(tmp_path, random=os.urandom)
    damage(tmp_path / MASTER)
    with pytest.raises(BadConfiguration, match=f"master\\.key: {named}"):
        read_master(tmp_path / MASTER)


def test_a_master_key_file_of_other_bytes_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / MASTER).write_bytes(b"\xff" * 43)
    (tmp_path / MASTER).chmod(0o600)
    with pytest.raises(BadConfiguration, match=r"master\.key: a master key is 32 bytes"):
        read_master(tmp_path / MASTER)

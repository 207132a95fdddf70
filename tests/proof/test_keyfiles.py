"""Keys on disk: what is wrong with a file is refused by its name, and no new key is ever made in its place."""

import json
import os
import shutil
import stat
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOON, a_key_folder

from broker.errors import BadConfiguration
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keys import SigningKey
from broker.proof.manifest import NAME, SIGNING_USES, Manifest, read_manifest, write_manifest
from broker.proof.masters import LocalMaster

MADE_UP = bytes(range(32))
FILES = (*(f"{use}-{number}" for use in SIGNING_USES for number in (1, 2)), "blinding-1", "storage-1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make keys under a made-up master key."""
    home = tmp_path_factory.mktemp("broker")
    create_keys(a_key_folder(home, MADE_UP, random=os.urandom), now=NOON)
    return home


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> KeyFolder:
    """Give a folder of keys that a test may damage."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return a_key_folder(tmp_path, MADE_UP, random=os.urandom)


def contents(folder: KeyFolder) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}


def test_there_is_a_manifest_and_a_file_a_key(folder: KeyFolder) -> None:
    assert {NAME, *(f"{label}.key" for label in FILES)} == contents(folder).keys()


def test_keys_come_back_as_they_were_made(folder: KeyFolder) -> None:
    one, again = open_ring(folder), open_ring(folder)
    assert (one.receipts.kid, one.tokens.kid) == (again.receipts.kid, again.tokens.kid)
    assert (one.blinding, one.storage) == (again.blinding, again.storage)
    assert 4 == len({one.receipts.kid, one.tokens.kid, one.blinding, one.storage[1]})


def test_keys_are_their_owners_alone(folder: KeyFolder) -> None:
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
    assert 0o700 == stat.S_IMODE(folder.path.stat().st_mode)


def test_no_secret_lies_open_in_a_file(folder: KeyFolder) -> None:
    keys = open_ring(folder)
    assert isinstance(keys.receipts, SigningKey)
    private = keys.receipts.key.as_dict(private=True)["d"]
    whole = b"".join(contents(folder).values())
    for secret in (keys.blinding, keys.storage[1]):
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


@pytest.mark.parametrize("name", [*(f"{label}.key" for label in FILES), NAME])
@pytest.mark.parametrize(("damage", "named"), FAULTS.values(), ids=FAULTS.keys())
def test_a_file_with_a_fault_is_refused_by_name(folder: KeyFolder, name: str, damage: Damage, named: str) -> None:
    damage(folder.path / name)
    before = {path.name for path in folder.path.iterdir()}
    with pytest.raises(BadConfiguration, match=f"{name}: {named}"):
        open_ring(folder)
    assert before == {path.name for path in folder.path.iterdir()}


@pytest.mark.parametrize(
    ("one", "other"),
    [("receipts-1", "tokens-1"), ("receipts-1", "receipts-2"), ("blinding-1", "storage-1"), ("log-1", "log_pq-1")],
)
def test_files_that_changed_places_do_not_open(folder: KeyFolder, one: str, other: str) -> None:
    first, second = folder.file(one), folder.file(other)
    raw = first.read_bytes(), second.read_bytes()
    first.write_bytes(raw[1])
    second.write_bytes(raw[0])
    with pytest.raises(BadConfiguration, match=f"{one}\\.key: does not open|{other}\\.key: does not open"):
        open_ring(folder)


@pytest.mark.parametrize("label", FILES)
def test_a_key_of_another_time_is_not_taken_for_the_one_that_the_manifest_names(folder: KeyFolder, label: str) -> None:
    """A file from a backup of other keys, under the same master key and the same name."""
    use, number = label.split("-")
    folder.file(label).unlink()
    folder.make(use, int(number), folder.manifest().entries[0].state, now=NOON)
    with pytest.raises(BadConfiguration, match=f"{label}\\.key: holds another key than manifest.json says"):
        open_ring(folder)


def test_a_key_of_another_broker_does_not_open(folder: KeyFolder, tmp_path: Path) -> None:
    theirs = a_key_folder(tmp_path / "theirs", bytes(32), random=os.urandom)
    create_keys(theirs, now=NOON)
    shutil.copy(theirs.file("tokens-1"), folder.file("tokens-1"))
    with pytest.raises(BadConfiguration, match=r"tokens-1\.key: does not open under this master key"):
        open_ring(folder)


def test_another_master_key_opens_nothing_and_replaces_nothing(folder: KeyFolder, tmp_path: Path) -> None:
    before = contents(folder)
    other = a_key_folder(tmp_path, bytes(32), random=os.urandom)
    for act in (lambda: open_ring(other), lambda: create_keys(other, now=NOON)):
        with pytest.raises(BadConfiguration, match=r"manifest\.json: does not open under this master key"):
            act()
    assert before == contents(folder)


@pytest.mark.parametrize("damage", [fault for fault, _ in FAULTS.values()][:10], ids=list(FAULTS)[:10])
def test_a_damaged_or_lost_file_is_never_replaced_by_a_new_key(folder: KeyFolder, damage: Damage) -> None:
    damage(folder.file("blinding-1"))
    before = contents(folder)
    assert [] == create_keys(folder, now=NOON)
    assert before == contents(folder)


def test_a_lost_manifest_is_never_replaced_by_a_new_one(folder: KeyFolder) -> None:
    (folder.path / NAME).unlink()
    before = contents(folder)
    with pytest.raises(BadConfiguration, match=r"manifest\.json: is missing beside blinding-1\.key; restore it"):
        create_keys(folder, now=NOON)
    assert before == contents(folder)


@pytest.mark.parametrize(("label", "content"), [("blinding-1", b"too short"), ("log-2", b"1" * 31), ("log_pq-1", b"")])
def test_a_secret_of_another_length_is_refused(folder: KeyFolder, label: str, content: bytes) -> None:
    folder.store(label, content)
    with pytest.raises(BadConfiguration, match=f"{label}\\.key: holds {len(content)} bytes where 32 belong"):
        open_ring(folder)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"kty": "EC"}', b"3"])
def test_a_file_that_holds_no_signing_key_is_refused(folder: KeyFolder, content: bytes) -> None:
    folder.store("receipts-1", content)
    with pytest.raises(BadConfiguration, match=r"receipts-1\.key: a signing key must be a private key on P-256"):
        open_ring(folder)


# --- the manifest ---------------------------------------------------------------------------------------------


def test_a_manifest_is_read_as_it_was_written(folder: KeyFolder) -> None:
    manifest = folder.manifest()
    assert [label for entry in manifest.entries for label in [entry.label]] == list(FILES)
    assert manifest == read_manifest(write_manifest(manifest, folder.custody.master), folder.custody.master, where="")


def rewritten(folder: KeyFolder, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest by another hand, one that has no master key."""
    path = folder.path / NAME
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a next key made active": lambda it: it["keys"][1].update(state="active"),
    "another public key": lambda it: it["keys"][0]["public"].update(x="A" * 43),
    "an earlier time": lambda it: it["keys"][1]["since"].update(next="2020-01-01T00:00:00Z"),
    "a key left out": lambda it: it["keys"].pop(),
    "a key twice": lambda it: it["keys"].append(it["keys"][0]),
    "no key at all": lambda it: it.update(keys=[]),
    "keys as an object": lambda it: it.update(keys={}),
    "another format": lambda it: it.update(format="consent-broker-keys/2"),
    "no seal": lambda it: it.pop("seal"),
    "an empty seal": lambda it: it.update(seal=""),
    "a seal of something else": lambda it: it.update(seal="A" * 80),
    "a seal that is no text": lambda it: it.update(seal=["A"]),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_manifest_that_another_hand_changed_does_not_open(
    folder: KeyFolder, change: Callable[[dict[str, Any]], object]
) -> None:
    rewritten(folder, change)
    with pytest.raises(BadConfiguration, match=r"manifest\.json: does not open .* changed by another hand"):
        open_ring(folder)


def test_a_seal_over_another_secret_is_no_seal_over_the_manifest(folder: KeyFolder) -> None:
    """Whatever else the master key sealed, for its own label, does not vouch for a manifest."""
    master = LocalMaster((MADE_UP,), os.urandom)
    rewritten(folder, lambda it: it.update(seal=b64encode(master.wrap(b"d" * 32, label="log-1")).decode()))
    with pytest.raises(BadConfiguration, match="does not open"):
        open_ring(folder)


def test_a_manifest_without_keys_says_that_they_were_not_made_to_the_end(folder: KeyFolder) -> None:
    folder.save(Manifest())
    with pytest.raises(BadConfiguration, match=r"manifest\.json: the keys were not made to the end; run `broker init`"):
        open_ring(folder)


@pytest.mark.parametrize("use", ["receipts", "log_pq"])
def test_a_manifest_with_two_active_keys_of_a_use_is_refused(folder: KeyFolder, use: str) -> None:
    manifest = folder.manifest()
    active, following = manifest.of(use)
    folder.save(manifest.having([following.becomes(active.state, NOON)]))
    with pytest.raises(BadConfiguration, match=f"has 0 next keys for {use} where there is always one"):
        open_ring(folder)

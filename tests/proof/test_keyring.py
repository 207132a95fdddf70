"""The keys in use follow their manifest, and what is published says what each key is worth."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any

import pytest
from builders import NOON, a_key_folder
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from proof.test_rotation import LATER, STOLEN, marked

from broker.errors import BadConfiguration
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keyring import KeyRing, LiveKeys
from broker.proof.manifest import NAME, SIGNING_USES, State
from broker.proof.masters import LocalMaster
from broker.proof.rotation import rotate


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """Give a folder with its first keys."""
    folder = a_key_folder(tmp_path, random=os.urandom)
    create_keys(folder, now=NOON)
    return folder


@pytest.fixture
def live(folder: KeyFolder) -> LiveKeys:
    """Give the keys in use by a broker that serves."""
    return LiveKeys(folder.path, lambda: open_ring(folder))


# --- what is published ----------------------------------------------------------------------------------------


def published(keys: KeyRing, kid: str) -> dict[str, Any]:
    """The key of that name in the key set."""
    (found,) = [jwk for jwk in keys.jwks()["keys"] if jwk["kid"] == kid]
    return found


def test_what_is_published_is_public_and_says_what_it_signs(folder: KeyFolder) -> None:
    keys = open_ring(folder).jwks()["keys"]
    assert {frozenset({"kty", "crv", "x", "y", "kid", "use", "alg", "signs"})} == {frozenset(jwk) for jwk in keys}
    assert [("sig", "ES256", signs) for signs in ("evidence", "evidence", "tokens", "tokens")] == [
        (jwk["use"], jwk["alg"], jwk["signs"]) for jwk in keys
    ]
    assert 4 == len({jwk["kid"] for jwk in keys})


def test_a_next_key_is_published_before_it_signs_and_a_retired_one_after(folder: KeyFolder) -> None:
    before = open_ring(folder)
    rotate(folder, ["receipts"], now=LATER)
    after = open_ring(folder)
    assert published(before, after.receipts.kid)["kid"] != before.receipts.kid
    jws.deserialize_compact(
        before.receipts.sign(b"{}", typ="t"), ECKey.import_key(published(after, before.receipts.kid))
    )
    assert [after.receipts.kid, before.receipts.kid] == [jwk["kid"] for jwk in after.jwks()["keys"][:2]]


def test_a_compromised_key_is_published_with_the_size_of_the_log_that_holds_for_it(folder: KeyFolder) -> None:
    kid = open_ring(folder).receipts.kid
    marked(folder, "receipts", kid, size=7)
    key = published(open_ring(folder), kid)
    assert {"revoked_at": int(NOON.timestamp()), "reason": "compromised", "log_size": 7} == key["revoked"]


def test_a_library_that_knows_nothing_of_revocations_verifies_nothing_with_a_compromised_key(folder: KeyFolder) -> None:
    before = open_ring(folder)
    signed = before.receipts.sign(b"{}", typ="t")
    marked(folder, "receipts", before.receipts.kid)
    assert "use" not in published(open_ring(folder), before.receipts.kid)
    with pytest.raises(JoseError):
        jws.deserialize_compact(signed, KeySet.import_key_set(open_ring(folder).jwks()), algorithms=["ES256"])
    jws.deserialize_compact(signed, KeySet.import_key_set(before.jwks()), algorithms=["ES256"])


def test_the_logs_keys_are_published_but_for_a_compromised_one(folder: KeyFolder) -> None:
    first = open_ring(folder)
    rotate(folder, ["log", "log_pq"], now=LATER)
    assert [3, 3] == [len(open_ring(folder).log_keys(use)) for use in ("log", "log_pq")]
    marked(folder, "log", folder.manifest().of("log")[0].kid)
    after = open_ring(folder)
    assert [2, 3] == [len(after.log_keys(use)) for use in ("log", "log_pq")]
    raw = first.log.public_key().public_bytes_raw()
    assert (True, False) == (raw in first.log_keys("log"), raw in after.log_keys("log"))
    assert after.log.public_key().public_bytes_raw() == after.log_keys("log")[0]


@pytest.mark.parametrize("number", range(3), ids=["retired", "active", "next"])
def test_a_token_is_checked_by_any_key_for_tokens_but_a_compromised_one(folder: KeyFolder, number: int) -> None:
    rotate(folder, ["tokens"], now=LATER)
    kid = folder.manifest().of("tokens")[number].kid
    for _ in range(2):
        found = open_ring(folder).token_key(kid)
        assert found is not None
        assert kid == found.thumbprint()
    marked(folder, "tokens", kid)
    assert open_ring(folder).token_key(kid) is None


@pytest.mark.parametrize("kid", ["", "None", "A" * 43])
def test_a_token_of_no_key_of_ours_is_checked_by_none(folder: KeyFolder, kid: str) -> None:
    assert open_ring(folder).token_key(kid) is None


def test_a_token_is_not_checked_by_the_key_of_receipts(folder: KeyFolder) -> None:
    assert open_ring(folder).token_key(open_ring(folder).receipts.kid) is None


# --- keys that follow their manifest --------------------------------------------------------------------------


def test_a_change_is_noticed_at_the_next_use(folder: KeyFolder, live: LiveKeys) -> None:
    before = live.current()
    manifest = rotate(folder, ["receipts"], now=LATER)
    assert manifest.one("receipts", State.ACTIVE).kid == live.current().receipts.kid != before.receipts.kid
    assert live.trouble() is None


def test_every_one_of_many_quick_changes_is_noticed(folder: KeyFolder, live: LiveKeys) -> None:
    """More than one within a tick of the disk's clock, and under inode numbers that come again."""
    for _ in range(50):
        manifest = rotate(folder, ["log"], now=LATER, at_once=True)
        assert manifest.entries == live.current().entries


def test_as_long_as_nothing_changes_nothing_is_read(folder: KeyFolder) -> None:
    readings: list[KeyRing] = []

    def read() -> KeyRing:
        readings.append(open_ring(folder))
        return readings[-1]

    live = LiveKeys(folder.path, read)
    assert [readings[0]] * 100 == [live.current() for _ in range(100)]
    assert (None, 1) == (live.trouble(), len(readings))


def test_keys_that_cannot_be_read_at_the_start_are_no_keys(folder: KeyFolder) -> None:
    folder.file("log-2").unlink()
    with pytest.raises(BadConfiguration, match=r"log-2\.key: cannot be read"):
        LiveKeys(folder.path, lambda: open_ring(folder))


DAMAGE: dict[str, tuple[Callable[[KeyFolder], object], str]] = {
    "the manifest gone": (lambda folder: (folder.path / NAME).unlink(), r"manifest.json: cannot be read"),
    "the manifest cut": (lambda folder: (folder.path / NAME).write_bytes(b"{"), "manifest.json: does not open"),
    "the manifest open to all": (lambda folder: (folder.path / NAME).chmod(0o644), "manifest.json: others may read it"),
    "a key gone": (lambda folder: folder.file("receipts-2").unlink(), "receipts-2.key: cannot be read"),
    "a key cut": (lambda folder: folder.file("storage-1").write_bytes(b"AAAA"), "storage-1.key: does not open"),
    "a key open to all": (lambda folder: folder.file("tokens-1").chmod(0o604), "tokens-1.key: others may read it"),
}


@pytest.mark.parametrize(("damage", "named"), DAMAGE.values(), ids=DAMAGE.keys())
def test_what_cannot_be_read_leaves_the_keys_in_use_and_is_told_until_it_is_mended(
    folder: KeyFolder, live: LiveKeys, damage: Callable[[KeyFolder], object], named: str
) -> None:
    before = live.current()
    kept = {path: path.read_bytes() for path in folder.path.iterdir()}
    damage(folder)
    for _ in range(2):
        told = live.trouble()
        assert told is not None
        assert (True, before) == (told.startswith(named), live.current())
    for path, content in kept.items():
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(content)
    assert (None, before.entries) == (live.trouble(), live.current().entries)


def test_what_is_told_to_anybody_names_files_and_not_where_they_lie(folder: KeyFolder, tmp_path: Path) -> None:
    master = tmp_path / "elsewhere" / "master"
    master.parent.mkdir()
    master.touch(mode=0o600)
    master.write_text("A" * 43)

    def read() -> KeyRing:
        if not master.exists():
            raise BadConfiguration(f"{master}: cannot be read")
        return open_ring(folder)

    live = LiveKeys(folder.path, read, beside=[master])
    folder.file("log-1").chmod(0o644)
    assert "log-1.key: others may read it; run chmod 600" == live.trouble()
    folder.file("log-1").chmod(0o600)
    master.unlink()
    assert "master: cannot be read" == live.trouble()


def test_a_change_that_could_not_be_read_is_read_when_it_can_be_without_anybody_asking_for_trouble(
    folder: KeyFolder, live: LiveKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(folder, ["receipts"], now=LATER)
    hidden = folder.file("receipts-3").rename(folder.path / "hidden")
    before = live.current()
    hidden.rename(folder.file("receipts-3"))
    assert before is live.current()
    monkeypatch.setattr("broker.proof.keyring._PATIENCE", 0.0)
    assert folder.manifest().one("receipts", State.ACTIVE).kid == live.current().receipts.kid


def test_nobody_takes_old_keys_while_new_ones_are_being_read(folder: KeyFolder) -> None:
    """Two uses at once after a change: the second waits for the first one's reading."""
    begun, go_on = Event(), Event()
    go_on.set()

    def read() -> KeyRing:
        begun.set()
        go_on.wait(10)
        return open_ring(folder)

    live = LiveKeys(folder.path, read)
    manifest = rotate(folder, ["receipts"], now=LATER)
    begun.clear()
    go_on.clear()
    seen: list[str] = []
    users = [Thread(target=lambda: seen.append(live.current().receipts.kid)) for _ in range(3)]
    for user in users:
        user.start()
    assert begun.wait(10)
    go_on.set()
    for user in users:
        user.join(10)
    assert [manifest.one("receipts", State.ACTIVE).kid] * 3 == seen


@dataclass(frozen=True)
class Overtaken(LocalMaster):
    """A master key that is slow: while it unwraps the first key, somebody rotates the keys."""

    folder: KeyFolder
    overtaken: list[str] = field(default_factory=list)

    def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        """Unwrap, and come too late the first time."""
        if label != NAME and not self.overtaken:
            self.overtaken.append(label)
            rotate(self.folder, SIGNING_USES, now=LATER)
        return super().unwrap(wrapped, label=label)


def test_keys_that_change_while_they_are_read_are_read_again(folder: KeyFolder) -> None:
    """The key that the manifest named is spent, and its file is gone, by the time it is to be opened."""
    master = Overtaken((b"m" * 32,), os.urandom, folder=folder)
    slow = replace(folder, custody=replace(folder.custody, master=master))
    keys = open_ring(slow)
    assert (["receipts-2"], folder.manifest().entries) == (master.overtaken, keys.entries)


def test_a_use_costs_microseconds(live: LiveKeys) -> None:
    def spent() -> float:
        begun = perf_counter()
        for _ in range(1000):
            live.current()
        return perf_counter() - begun

    assert min(spent() for _ in range(5)) < 0.05


def test_a_marking_is_a_value_that_can_be_told(folder: KeyFolder) -> None:
    manifest = marked(folder, "receipts", folder.manifest().of("receipts")[0].kid)
    assert (STOLEN, manifest) == (manifest.of("receipts")[0].revoked, folder.manifest())

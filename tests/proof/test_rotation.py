"""Keys change their states in order, ahead of their use, and what is spent is destroyed."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import NOON, a_key_folder, all_at_once

from broker.errors import BadConfiguration, CommandRefused
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keys import MAX_AGE
from broker.proof.manifest import AHEAD, BLINDING, SIGNING_USES, STORAGE, Manifest, Revocation, State
from broker.proof.rotation import compromise, destroy_epoch, masters_needed, reseal, rotate

OLD, NEW, NEWEST = (bytes([number]) * 32 for number in range(3))
LATER = NOON + AHEAD
STOLEN = Revocation(at=NOON, log_size=7, why="a laptop was stolen", by="jane")


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """Give a folder with its first keys."""
    folder = a_key_folder(tmp_path, OLD, random=os.urandom)
    create_keys(folder, now=NOON)
    return folder


def under(folder: KeyFolder, *masters: bytes) -> KeyFolder:
    """The same folder under other master keys."""
    return a_key_folder(folder.path.parent, *masters, random=os.urandom)


def states(manifest: Manifest, use: str) -> list[str]:
    """The states of a use's keys, the oldest first."""
    return [entry.state.value for entry in manifest.of(use)]


@pytest.mark.parametrize("use", SIGNING_USES)
def test_rotating_lets_the_next_sign_and_makes_a_further_next(folder: KeyFolder, use: str) -> None:
    before = folder.manifest().of(use)
    manifest = rotate(folder, [use], now=LATER)
    assert ["retired", "active", "next"] == states(manifest, use)
    assert [entry.kid for entry in before] == [entry.kid for entry in manifest.of(use)][:2]
    assert (NOON, LATER) == tuple(manifest.of(use)[1].since[state] for state in (State.NEXT, State.ACTIVE))
    others = {entry for other in SIGNING_USES if other != use for entry in states(manifest, other)}
    assert {"active", "next"} == others
    assert manifest == folder.manifest()


def test_all_that_sign_change_in_one_step(folder: KeyFolder) -> None:
    manifest = rotate(folder, SIGNING_USES, now=LATER)
    assert [["retired", "active", "next"]] * 4 == [states(manifest, use) for use in SIGNING_USES]
    keys = open_ring(folder)
    assert manifest.one("receipts", State.ACTIVE).kid == keys.receipts.kid


def test_a_retired_keys_private_half_is_destroyed_and_its_public_half_stays(folder: KeyFolder) -> None:
    public = folder.manifest().of("receipts")[0].public
    manifest = rotate(folder, ["receipts"], now=LATER)
    assert not folder.file("receipts-1").exists()
    assert (public, True) == (manifest.of("receipts")[0].public, folder.file("receipts-3").exists())


@pytest.mark.parametrize("early", [timedelta(0), AHEAD - timedelta(seconds=1)])
def test_a_next_key_that_readers_may_not_know_yet_does_not_sign(folder: KeyFolder, early: timedelta) -> None:
    before = folder.manifest()
    with pytest.raises(CommandRefused, match=r"the next key for tokens has been published since 2026-11-23 12:00:00"):
        rotate(folder, ["tokens"], now=NOON + early)
    assert before == folder.manifest()
    assert ["retired", "active", "next"] == states(rotate(folder, ["tokens"], now=NOON + early, at_once=True), "tokens")


def test_of_several_uses_all_wait_for_the_one_that_must(folder: KeyFolder) -> None:
    rotate(folder, ["receipts"], now=LATER)
    before = folder.manifest()
    with pytest.raises(CommandRefused, match="the next key for receipts has been published since"):
        rotate(folder, SIGNING_USES, now=LATER + timedelta(minutes=59))
    assert before == folder.manifest()


def test_readers_are_told_to_keep_keys_for_less_than_a_next_key_waits() -> None:
    assert timedelta(seconds=2 * MAX_AGE) < AHEAD


@pytest.mark.parametrize(
    ("use", "named"),
    [
        (BLINDING, "the blinding key cannot be rotated"),
        (STORAGE, "`broker keys rotate master`"),
        ("x", "there are none for x"),
    ],
)
def test_what_does_not_sign_is_not_rotated_like_it(folder: KeyFolder, use: str, named: str) -> None:
    for act in (lambda: rotate(folder, [use], now=LATER), lambda: marked(folder, use, "a")):
        with pytest.raises(CommandRefused, match=named):
            act()


def test_commands_at_once_come_one_after_the_other(folder: KeyFolder) -> None:
    all_at_once(4, lambda _number: rotate(folder, ["tokens"], now=LATER, at_once=True))
    assert [*["retired"] * 4, "active", "next"] == states(folder.manifest(), "tokens")
    open_ring(folder)


# --- compromised ----------------------------------------------------------------------------------------------


def marked(folder: KeyFolder, use: str, kid: str, *, at: datetime = NOON, size: int = 7) -> Manifest:
    """Say that a key is in other hands since *at*."""
    revocation = replace(STOLEN, at=at, log_size=size)
    return compromise(folder, use, kid, revocation=revocation, now=LATER)


@pytest.mark.parametrize("use", SIGNING_USES)
def test_the_next_takes_over_at_once_from_a_compromised_key(folder: KeyFolder, use: str) -> None:
    """Whether readers know it yet or not: what the old one signs from now on is worth nothing."""
    active, following = folder.manifest().of(use)
    manifest = marked(folder, use, active.kid)
    assert ["compromised", "active", "next"] == states(manifest, use)
    assert (STOLEN, following.kid) == (manifest.of(use)[0].revoked, manifest.one(use, State.ACTIVE).kid)
    assert not folder.file(f"{use}-1").exists()
    open_ring(folder)


def test_a_next_key_in_other_hands_is_replaced_before_it_signs(folder: KeyFolder) -> None:
    active, following = folder.manifest().of("receipts")
    manifest = marked(folder, "receipts", following.kid)
    assert ["active", "compromised", "next"] == states(manifest, "receipts")
    assert active.kid == open_ring(folder).receipts.kid


def test_a_retired_key_in_other_hands_is_marked_and_nothing_else_changes(folder: KeyFolder) -> None:
    manifest = rotate(folder, ["receipts"], now=LATER)
    after = marked(folder, "receipts", manifest.of("receipts")[0].kid)
    assert ["compromised", "active", "next"] == states(after, "receipts")
    assert manifest.of("receipts")[1:] == after.of("receipts")[1:]


def test_an_earlier_time_may_be_said_later_and_a_later_one_never(folder: KeyFolder) -> None:
    kid = folder.manifest().of("receipts")[0].kid
    marked(folder, "receipts", kid, at=NOON, size=7)
    with pytest.raises(CommandRefused, match="is marked as compromised since 2026-11-23 12:00:00 UTC"):
        marked(folder, "receipts", kid, at=NOON + timedelta(seconds=1), size=8)
    manifest = marked(folder, "receipts", kid, at=NOON - timedelta(days=1), size=3)
    assert (3, ["compromised", "active", "next"]) == (
        (manifest.of("receipts")[0].revoked or STOLEN).log_size, states(manifest, "receipts"),
    )  # fmt: skip


def test_a_key_that_nobody_knows_is_not_marked(folder: KeyFolder) -> None:
    kid = folder.manifest().of("tokens")[0].kid
    with pytest.raises(CommandRefused, match=f"there is no key {kid} for receipts; `broker keys list` names them"):
        marked(folder, "receipts", kid)


# --- epochs ---------------------------------------------------------------------------------------------------


def test_under_a_new_master_key_everything_in_use_is_sealed_anew_and_a_storage_epoch_begins(folder: KeyFolder) -> None:
    before = open_ring(folder)
    both = under(folder, OLD, NEW)
    assert 2 == reseal(both, now=LATER)
    assert ["retired", "active"] == states(both.manifest(), STORAGE)
    keys = open_ring(both)
    assert (before.blinding, before.receipts.kid, before.storage[1]) == (
        keys.blinding, keys.receipts.kid, keys.storage[1],
    )  # fmt: skip
    assert [1, 2] == list(keys.storage)


def test_the_old_storage_key_stays_under_the_master_key_of_its_time(folder: KeyFolder) -> None:
    """A backup of the keys from after the rotation opens nothing from before it once the old master key is gone."""
    both, new = under(folder, OLD, NEW), under(folder, NEW)
    reseal(both, now=LATER)
    assert {under(folder, OLD).custody.master.id, new.custody.master.id} == masters_needed(both.manifest())
    with pytest.raises(BadConfiguration, match=r"storage-1\.key: does not open under this master key"):
        open_ring(new)
    under(folder, OLD).content("storage-1")
    for entry in both.manifest().entries:
        if entry.label != "storage-1":
            new.content(entry.label)


def test_nothing_is_sealed_anew_under_the_master_key_that_it_is_under(folder: KeyFolder) -> None:
    both = under(folder, OLD, NEW)
    reseal(both, now=LATER)
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    assert reseal(both, now=LATER) is None
    assert before == {path: path.read_bytes() for path in folder.path.iterdir()}


def test_a_destroyed_epoch_is_gone_and_the_newest_key_is_enough(folder: KeyFolder) -> None:
    both = under(folder, OLD, NEW)
    reseal(both, now=LATER)
    entry = destroy_epoch(both, 1, now=LATER)
    assert (State.DESTROYED, False) == (entry.state, both.file("storage-1").exists())
    assert {under(folder, NEW).custody.master.id} == masters_needed(both.manifest())
    assert [2] == list(open_ring(under(folder, NEW)).storage)
    assert entry == destroy_epoch(under(folder, NEW), 1, now=LATER + AHEAD)


@pytest.mark.parametrize(
    ("epoch", "named"), [(1, "storage epoch 1 is in use"), (2, "there is no storage epoch 2; there are 1")]
)
def test_an_epoch_that_seals_or_never_was_is_not_destroyed(folder: KeyFolder, epoch: int, named: str) -> None:
    with pytest.raises(CommandRefused, match=named):
        destroy_epoch(folder, epoch, now=LATER)
    open_ring(folder)


def test_epochs_follow_each_other(folder: KeyFolder) -> None:
    reseal(under(folder, OLD, NEW), now=LATER)
    assert 3 == reseal(under(folder, OLD, NEW, NEWEST), now=LATER)
    destroy_epoch(under(folder, OLD, NEW, NEWEST), 1, now=LATER)
    assert [2, 3] == list(open_ring(under(folder, NEW, NEWEST)).storage)
    rotate(under(folder, NEW, NEWEST), SIGNING_USES, now=LATER)
    assert {NEW, NEWEST} == {
        key for key in (OLD, NEW, NEWEST) if under(folder, key).custody.master.id in masters_needed(
            under(folder, NEW, NEWEST).manifest())
    }  # fmt: skip

"""Changing the keys in use: each change is files first, then one rename of the manifest, then what is spent destroyed.

Every change may be killed at any point and given again: a key that was made and not named yet is taken up, and files
that are spent are destroyed by whatever command comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from broker.errors import CommandRefused
from broker.proof.keyfiles import KeyFolder
from broker.proof.manifest import (
    AHEAD,
    BLINDING,
    SIGNING_USES,
    STORAGE,
    KeyEntry,
    Manifest,
    Revocation,
    State,
)
from broker.proof.secretfiles import destroy, held

BLINDING_STAYS = (
    "the blinding key cannot be rotated: every row about a person is found by a digest under it, and under another key"
    " nobody is found again"
)
STORAGE_GOES_WITH_THE_MASTER = "a storage key goes with its master key: `broker keys rotate master` makes the next one"


def rotate(folder: KeyFolder, uses: Sequence[str], *, now: datetime, at_once: bool = False) -> Manifest:
    """Let the next key of each use sign from now on, and make a further next one; return the manifest.

    A next key that readers may not have seen yet is refused unless *at_once*: none is changed then.
    """
    with held(folder.path):
        manifest = _tidied(folder)
        if not at_once:
            _refuse_unseen([manifest.one(_signing(use), State.NEXT) for use in uses], now)
        changed = [entry for use in uses for entry in _promoted(folder, manifest, _signing(use), now)]
        return _saved(folder, manifest.having(changed))


def compromise(folder: KeyFolder, use: str, kid: str, *, revocation: Revocation, now: datetime) -> Manifest:
    """Mark a key as being in other hands; if it signs, or was to sign next, the one after it takes its place.

    Said again with an earlier time, the earlier holds; a later one would make forgeries good, and is refused.
    """
    with held(folder.path):
        manifest = _tidied(folder)
        entry = manifest.find(_signing(use), kid)
        if entry is None:
            raise CommandRefused(f"there is no key {kid} for {use}; `broker keys list` names them")
        if entry.revoked and entry.revoked.at < revocation.at:
            raise CommandRefused(f"this key is marked as compromised since {entry.revoked.at:%Y-%m-%d %H:%M:%S} UTC")
        changed = {State.ACTIVE: _promoted, State.NEXT: _renewed}.get(entry.state, _unchanged)
        manifest = manifest.having(changed(folder, manifest, use, now))
        marked = replace(entry.becomes(State.COMPROMISED, now), revoked=revocation)
        return _saved(folder, manifest.having([marked]))


def reseal(folder: KeyFolder, *, now: datetime) -> int | None:
    """Seal every key in use under the newest master key and begin a storage epoch; None when that is so already.

    Storage keys of earlier epochs stay under the master key of their own time: destroying that one must reach them,
    in every backup there is.
    """
    with held(folder.path):
        manifest = _tidied(folder)
        newest, active = folder.custody.master.id, manifest.one(STORAGE, State.ACTIVE)
        if active.master == newest:
            return None
        kept = [entry for entry in manifest.entries if entry.has_file and entry.use != STORAGE]
        for entry in kept:
            folder.store(entry.label, folder.open(entry))
        fresh = folder.make(STORAGE, manifest.next_number(STORAGE), State.ACTIVE, now=now)
        changed = [replace(entry, master=newest) for entry in kept]
        _saved(folder, manifest.having([*changed, active.becomes(State.RETIRED, now), fresh]))
        return fresh.number


def retired_epoch(manifest: Manifest, epoch: int) -> KeyEntry:
    """The storage key of an epoch that may be destroyed, or was; any other is refused."""
    entry = next((entry for entry in manifest.of(STORAGE) if entry.number == epoch), None)
    if entry is None:
        known = ", ".join(str(entry.number) for entry in manifest.of(STORAGE))
        raise CommandRefused(f"there is no storage epoch {epoch}; there are {known}")
    if entry.state is State.ACTIVE:
        raise CommandRefused(
            f"storage epoch {epoch} is in use; `broker keys rotate master` begins the next and moves everything to it"
        )
    return entry


def destroy_epoch(folder: KeyFolder, epoch: int, *, now: datetime) -> KeyEntry:
    """Destroy a retired storage key: what it sealed, in whichever backup, opens for nobody who lacks a copy of it."""
    with held(folder.path):
        manifest = _tidied(folder)
        entry = retired_epoch(manifest, epoch)
        if entry.state is State.RETIRED:
            entry = entry.becomes(State.DESTROYED, now)
            _saved(folder, manifest.having([entry]))
        destroy(folder.file(entry.label))
        return entry


def masters_needed(manifest: Manifest) -> set[str]:
    """The master keys that some key file is sealed under."""
    return {entry.master for entry in manifest.entries if entry.has_file}


def _signing(use: str) -> str:
    if use == BLINDING:
        raise CommandRefused(BLINDING_STAYS)
    if use == STORAGE:
        raise CommandRefused(STORAGE_GOES_WITH_THE_MASTER)
    if use not in SIGNING_USES:
        raise CommandRefused(f"keys are there for {', '.join(SIGNING_USES)}; there are none for {use}")
    return use


def _refuse_unseen(fresh: Sequence[KeyEntry], now: datetime) -> None:
    for entry in fresh:
        ready = entry.since[State.NEXT] + AHEAD
        if now < ready:
            raise CommandRefused(
                f"the next key for {entry.use} has been published since {entry.since[State.NEXT]:%Y-%m-%d %H:%M:%S} UTC"
                f" only: who keeps the key set would not know it yet. Rotate after {ready:%H:%M:%S} UTC; or with --now,"
                " and for an hour some readers find no key for what is signed"
            )


def _promoted(folder: KeyFolder, manifest: Manifest, use: str, now: datetime) -> list[KeyEntry]:
    active = manifest.one(use, State.ACTIVE).becomes(State.RETIRED, now)
    following = manifest.one(use, State.NEXT).becomes(State.ACTIVE, now)
    return [active, following, *_renewed(folder, manifest, use, now)]


def _renewed(folder: KeyFolder, manifest: Manifest, use: str, now: datetime) -> list[KeyEntry]:
    return [folder.make(use, manifest.next_number(use), State.NEXT, now=now)]


def _unchanged(_folder: KeyFolder, _manifest: Manifest, _use: str, _now: datetime) -> list[KeyEntry]:
    return []


def _tidied(folder: KeyFolder) -> Manifest:
    manifest = folder.manifest()
    folder.tidy(manifest)
    return manifest


def _saved(folder: KeyFolder, manifest: Manifest) -> Manifest:
    folder.save(manifest)
    folder.tidy(manifest)
    return manifest

"""Making the keys, once; and taking over those of a release that had no manifest, losing none.

An empty manifest comes first: it says that keys are being made. So a command that was killed goes on where it was, and
a manifest that was lost is never taken for one that is not there yet.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from broker.errors import BadConfiguration
from broker.proof.keyfiles import KeyFolder
from broker.proof.manifest import NAME, SIGNING_USES, USES, KeyEntry, Manifest, State
from broker.proof.secretfiles import destroy, held

#: What every earlier release had, each in a file without a number; the log's keys came with the log.
_EARLIER = ("receipts", "tokens", "blinding", "storage")
_LOG = ("log", "log_pq")


def create_keys(folder: KeyFolder, *, now: datetime, beside: Callable[[], object] = lambda: None) -> list[str]:
    """Make what is missing of the keys, the first time or after an earlier release; return the names of those made.

    A key that is missing beside others was lost: what it sealed or signed needs that very key, so none is made.
    *beside* makes what belongs beside keys that were never used, before there are any.
    """
    with held(folder.path):
        manifest = _begun(folder)
        earlier = {use: path for use in USES if (path := folder.file(use)).exists()}
        if manifest.entries:
            _drop_earlier(folder, manifest, earlier)
            folder.tidy(manifest)
            return []
        _refuse_losses(folder, earlier)
        beside()
        entries = [entry for use in USES for entry in _first_keys(folder, use, earlier, now)]
        manifest = manifest.having(entries)
        folder.save(manifest)
        _drop_earlier(folder, manifest, earlier)
        return [entry.label for entry in manifest.entries if entry.use not in earlier or entry.state is State.NEXT]


def _begun(folder: KeyFolder) -> Manifest:
    """The manifest, or the empty one where there were never any keys with numbers."""
    if (folder.path / NAME).exists():
        return folder.manifest(begun=True)
    numbered = sorted(folder.path.glob("*-*.key"))
    if numbered:
        raise BadConfiguration(
            f"{folder.path / NAME}: is missing beside {numbered[0].name}; restore it from the backup of the keys"
        )
    folder.save(Manifest())
    return Manifest()


def _refuse_losses(folder: KeyFolder, earlier: dict[str, Path]) -> None:
    """Of an earlier release's keys all must be there; those of the log both, or none."""
    if not earlier:
        return
    wanted = _EARLIER + (_LOG if set(_LOG) & earlier.keys() else ())
    for use in wanted:
        if use not in earlier:
            raise BadConfiguration(
                f"{folder.file(use)}: is missing beside the other keys; restore it from the backup of the keys"
            )


def _first_keys(folder: KeyFolder, use: str, earlier: dict[str, Path], now: datetime) -> list[KeyEntry]:
    content = folder.content(use) if use in earlier else None
    active = folder.make(use, 1, State.ACTIVE, now=now, content=content)
    return [active, folder.make(use, 2, State.NEXT, now=now)] if use in SIGNING_USES else [active]


def _drop_earlier(folder: KeyFolder, manifest: Manifest, earlier: dict[str, Path]) -> None:
    """Take away an earlier release's files once the manifest names what they hold; another's are left alone."""
    for use, path in earlier.items():
        if manifest.find(use, folder.kid_of(use, use)) is not None:
            destroy(path)

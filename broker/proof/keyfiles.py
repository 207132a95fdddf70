"""Keys on disk: a manifest, and one file a key, each sealed under the master key for its use and number.

Trusted: whoever reads this folder and the master key is the broker. A missing, short, swapped, empty, damaged or
world-readable file is refused by its name; keys are made by ``broker init`` and ``broker keys``, never in silence.

Files are written before the manifest names them, and taken away after it has ceased to: whenever a command is killed,
what the manifest says is there, and what it does not name yet is taken up by the next command and not made anew.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from broker.errors import BadConfiguration
from broker.proof.keyring import KeyRing
from broker.proof.keys import thumbprint
from broker.proof.manifest import (
    BLINDING,
    NAME,
    SIGNING_USES,
    STORAGE,
    KeyEntry,
    Manifest,
    State,
    read_manifest,
    write_manifest,
)
from broker.proof.masters import SECRET_SIZE, NotUnwrapped
from broker.proof.sdjwt import encode
from broker.proof.secretfiles import FRESH, destroy, read_private, write_private
from broker.proof.smiths import Custody, public_of


@dataclass(frozen=True, kw_only=True)
class KeyFolder:
    """The folder of the keys. ``random(n)`` gives n bytes; ``now`` is aware UTC."""

    path: Path
    custody: Custody
    random: Callable[[int], bytes] = field(repr=False)

    def manifest(self, *, begun: bool = False) -> Manifest:
        """The manifest, or :class:`BadConfiguration` saying what is wrong; an empty one only where keys are *begun*."""
        path = self.path / NAME
        manifest = read_manifest(read_private(path), self.custody.master, where=str(path))
        if not manifest.entries and not begun:
            raise BadConfiguration(f"{path}: the keys were not made to the end; run `broker init` again")
        return manifest

    def save(self, manifest: Manifest) -> None:
        """Put a manifest in the place of the one before."""
        write_private(self.path / NAME, write_manifest(manifest, self.custody.master))

    def file(self, label: str) -> Path:
        """Where a key lies."""
        return self.path / f"{label}.key"

    def store(self, label: str, content: bytes) -> None:
        """Seal a key into its file."""
        wrapped = self.custody.master.wrap(content, label=label)
        write_private(self.file(label), urlsafe_b64encode(wrapped) + b"\n")

    def content(self, label: str) -> bytes:
        """What a key file holds, or :class:`BadConfiguration` naming it."""
        path = self.file(label)
        raw = read_private(path).strip()
        try:
            # The label is authenticated: a file put in another's place does not open.
            return self.custody.master.unwrap(urlsafe_b64decode(raw), label=label)
        except (ValueError, NotUnwrapped) as error:
            raise BadConfiguration(
                f"{path}: does not open under this master key; it is damaged, another key's file, or the master key is"
                " another one. Restore it from the backup of the keys; the broker makes no new one"
            ) from error

    def make(self, use: str, number: int, state: State, *, now: datetime, content: bytes | None = None) -> KeyEntry:
        """Make a key of *content* or of chance, and its file; or take up the file that a killed command left."""
        label = f"{use}-{number}"
        if content is None:
            content = self.content(label) if self.file(label).exists() else self._fresh(use)
        self.store(label, content)
        return KeyEntry(
            use=use,
            number=number,
            kid=self._kid(use, label, content),
            state=state,
            since={state: now},
            master=self.custody.master.id,
            public=self._public(use, label, content) if use in SIGNING_USES else None,
        )

    def open(self, entry: KeyEntry) -> bytes:
        """What the file of a key holds, once it is seen to be that key."""
        content = self.content(entry.label)
        if self._kid(entry.use, entry.label, content) != entry.kid:
            raise BadConfiguration(
                f"{self.file(entry.label)}: holds another key than {NAME} says; restore both from one backup"
            )
        return content

    def kid_of(self, use: str, label: str) -> str:
        """The name of the key that a file holds."""
        return self._kid(use, label, self.content(label))

    def tidy(self, manifest: Manifest) -> None:
        """Take away what a killed command may have left: files that are not whole, and those of keys that are spent."""
        for path in self.path.glob(f"*{FRESH}"):
            destroy(path)
        for entry in manifest.entries:
            if not entry.has_file:
                destroy(self.file(entry.label))

    def _fresh(self, use: str) -> bytes:
        if use not in SIGNING_USES:
            return self.random(SECRET_SIZE)
        while True:
            content = self.custody.smith.make(use)
            # A name that begins with a dash would read as an option on a command line.
            if not thumbprint(public_of(self.custody.smith, use, content)).startswith("-"):
                return content

    def _kid(self, use: str, label: str, content: bytes) -> str:
        public = self._public(use, label, content) if use in SIGNING_USES else None
        if public is not None:
            return thumbprint(public)
        if len(content) != SECRET_SIZE:
            raise BadConfiguration(f"{self.file(label)}: holds {len(content)} bytes where {SECRET_SIZE} belong")
        return encode(hmac.digest(content, b"the name of a key", hashlib.sha256))

    def _public(self, use: str, label: str, content: bytes) -> dict[str, str]:
        try:
            return public_of(self.custody.smith, use, content)
        except BadConfiguration as error:
            raise BadConfiguration(f"{self.file(label)}: {error.detail}") from error


def open_ring(folder: KeyFolder) -> KeyRing:
    """Open every key in use, or raise :class:`BadConfiguration` naming the file and what is wrong with it.

    A command may change the keys meanwhile; then they are read again.
    """
    while True:
        manifest = folder.manifest()
        try:
            return _ring(folder, manifest)
        except BadConfiguration:
            if folder.manifest() == manifest:
                raise


def _ring(folder: KeyFolder, manifest: Manifest) -> KeyRing:
    smith = folder.custody.smith
    for use in SIGNING_USES:
        # Not used yet, but a rotation will need it: that it is lost must show before.
        folder.open(manifest.one(use, State.NEXT))
    signing = {use: folder.open(manifest.one(use, State.ACTIVE)) for use in SIGNING_USES}
    return KeyRing(
        entries=manifest.entries,
        receipts=smith.jws_signer(signing["receipts"]),
        tokens=smith.jws_signer(signing["tokens"]),
        log=smith.log_key("log", signing["log"]),
        log_pq=smith.log_key("log_pq", signing["log_pq"]),
        blinding=folder.open(manifest.one(BLINDING, State.ACTIVE)),
        storage=_storage(folder, manifest),
    )


def _storage(folder: KeyFolder, manifest: Manifest) -> dict[int, bytes]:
    """The storage keys that are not destroyed, by epoch, the one that seals last."""
    active = manifest.one(STORAGE, State.ACTIVE)
    return {entry.number: folder.open(entry) for entry in (*manifest.of(STORAGE, State.RETIRED), active)}

"""The keys in use: one reading of the manifest, and a ring that notices by itself when another has taken its place."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from joserfc.jwk import ECKey

from broker.errors import BadConfiguration
from broker.proof.keys import ALGORITHM, JwsSigner
from broker.proof.manifest import NAME, KeyEntry, State
from broker.proof.note import RawKey
from broker.proof.sdjwt import decode
from broker.proof.secretfiles import FRESH
from broker.proof.smiths import JOSE_USES

#: What a key of each JOSE use signs, as the key set says it: evidence is signed by no key that signs tokens.
SIGNS = {"receipts": "evidence", "tokens": "tokens"}
#: While the keys on disk cannot be read, how often a look at them is worth its time, in seconds.
_PATIENCE = 2.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """Every key and secret of a broker at one moment. ``blinding`` is 32 bytes, as is each epoch of ``storage``."""

    entries: Sequence[KeyEntry]
    receipts: JwsSigner
    tokens: JwsSigner
    log: RawKey = field(repr=False)
    log_pq: RawKey = field(repr=False)
    blinding: bytes = field(repr=False)
    storage: Mapping[int, bytes] = field(repr=False)
    _token_keys: dict[str, ECKey] = field(default_factory=dict, repr=False, compare=False)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The key set of ``/.well-known/jwks.json``: keys to come, in use, retired; compromised ones marked as such."""
        return {"keys": [_published(entry) for use in JOSE_USES for entry in self.of(use)]}

    def of(self, use: str) -> list[KeyEntry]:
        """The keys of one use, the one that signs first."""
        return sorted(
            (entry for entry in self.entries if entry.use == use), key=lambda entry: entry.state is not State.ACTIVE
        )

    def log_keys(self, use: str, *, compromised: bool = False) -> list[bytes]:
        """The public keys of the log that vouch for anything, the one that signs first; or with those that do not."""
        return [
            decode((entry.public or {})["pub" if use == "log_pq" else "x"])
            for entry in self.of(use)
            if compromised or entry.state is not State.COMPROMISED
        ]

    def token_key(self, kid: str) -> ECKey | None:
        """The public key by which an access token is checked: none of a stranger, and no compromised one."""
        if kid not in self._token_keys:
            found = next((entry for entry in self.of("tokens") if entry.kid == kid), None)
            if found is None or found.state is State.COMPROMISED:
                return None
            self._token_keys[kid] = ECKey.import_key(dict(found.public or {}))
        return self._token_keys[kid]


class KeySource(Protocol):
    """Where the keys in use come from."""

    def current(self) -> KeyRing:
        """The keys as they are now."""

    def trouble(self) -> str | None:
        """Why the keys on disk cannot be used, in one line; None when they can."""


class LiveKeys:
    """Keys that follow their manifest: whoever asks for them looks at it, which costs a microsecond.

    What cannot be read leaves the keys in use as they were, and is told by :meth:`trouble`: a broker that serves goes
    on serving, and says that it would not start again.
    """

    def __init__(self, folder: Path, read: Callable[[], KeyRing], *, beside: Sequence[Path] = ()) -> None:
        self._manifest, self._folder, self._beside = folder / NAME, folder, beside
        self._read = read
        self._lock = Lock()
        self._trouble: str | None = None
        self._tried = 0.0
        # The marks before the reading, here and below: what changes meanwhile is read again.
        self._seen, self._all_seen = _mark(self._manifest), self._marks()
        self._ring = read()

    def current(self) -> KeyRing:
        """The keys as they are now."""
        if self._is_stale():
            with self._lock:
                if self._is_stale():
                    self._look()
        return self._ring

    def trouble(self) -> str | None:
        """Why the keys on disk cannot be used; they are read again if any file has changed since the last look."""
        with self._lock:
            if self._trouble is not None or self._marks() != self._all_seen:
                self._look()
            return self._trouble and self._without_folders(self._trouble)

    def _is_stale(self) -> bool:
        again = self._trouble is not None and time.monotonic() - self._tried > _PATIENCE
        return again or _mark(self._manifest) != self._seen

    def _look(self) -> None:
        seen, all_seen = _mark(self._manifest), self._marks()
        try:
            self._ring, trouble = self._read(), None
        except BadConfiguration as error:
            trouble = error.detail
        if trouble != self._trouble:
            log.log(logging.ERROR if trouble else logging.INFO, "keys: %s", trouble or "all can be read again")
        # Last: whoever finds the mark as it is takes the ring without asking.
        self._trouble, self._tried = trouble, time.monotonic()
        self._all_seen, self._seen = all_seen, seen

    def _without_folders(self, detail: str) -> str:
        """What may be told to anybody: files by their names, and not where they lie."""
        for folder in {self._folder, *(path.parent for path in self._beside)}:
            detail = detail.replace(f"{folder}/", "")
        return detail

    def _marks(self) -> dict[Path, tuple[int, ...]]:
        whole = [path for path in self._folder.glob("*.*") if path.suffix != FRESH]
        return {path: _mark(path) for path in (*whole, *self._beside)}


def _published(entry: KeyEntry) -> dict[str, Any]:
    jwk: dict[str, Any] = {**(entry.public or {}), "kid": entry.kid, "alg": ALGORITHM, "signs": SIGNS[entry.use]}
    if entry.revoked is None:
        return {**jwk, "use": "sig"}
    # A library that knows nothing of `revoked` (OpenID Federation 1.0 section 8.7) must not verify with this key: it is
    # for no operation (RFC 7517 section 4.3). Ours weighs the place in the log.
    revoked = {
        "revoked_at": int(entry.revoked.at.timestamp()),
        "reason": "compromised",
        "log_size": entry.revoked.log_size,
    }
    return {**jwk, "key_ops": [], "revoked": revoked}


def _mark(path: Path) -> tuple[int, ...]:
    """What changes with a file, whoever writes it; nothing when there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked before every use: Path makes it three times as dear
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, found.st_ctime_ns

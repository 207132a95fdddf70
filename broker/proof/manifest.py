"""The manifest: which keys there are, what each is for, and in which state, since when.

    next -> active -> retired       signing keys; a next one is published ahead of its use
      any of them -> compromised    what it signed holds only where the log already held it
    active -> retired -> destroyed  storage keys: what was sealed under a destroyed one opens for nobody

Not secret: it holds public keys only. Not trusted either: it is sealed under the master key, so that who can write
files cannot make a compromised key a good one. An old manifest put back with its files is an old broker: keep what is
put back in order (docs/keys.md).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from broker.core.reading import read_json_object
from broker.errors import BadConfiguration, BrokerError
from broker.proof.keys import Jwk
from broker.proof.masters import MasterKey, NotUnwrapped
from broker.proof.receipt import timestamp
from broker.proof.smiths import JOSE_USES, LOG_USES

NAME = "manifest.json"
#: The secrets: digests of accounts and identifiers are made with the first, what is shown again is sealed by the other.
BLINDING, STORAGE = "blinding", "storage"
SIGNING_USES = (*JOSE_USES, *LOG_USES)
USES = (*SIGNING_USES, BLINDING, STORAGE)
#: How long a next key must have been published before it signs: readers keep key sets, some longer than they are told.
AHEAD = timedelta(hours=1)
_FORMAT = "consent-broker-keys/1"
_MAX_BYTES = 64 * 1024 * 1024


class State(StrEnum):
    """What a key is to the broker."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"
    DESTROYED = "destroyed"


#: States in which a signing key signs nothing any more: its private half is destroyed.
SPENT = frozenset({State.RETIRED, State.COMPROMISED, State.DESTROYED})


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """That a key is in other hands since ``at``; the log's last checkpoint until then had ``log_size`` leaves."""

    at: datetime
    log_size: int
    why: str
    by: str


@dataclass(frozen=True, kw_only=True)
class KeyEntry:
    """One key. ``public`` is a signing key's public half; ``master`` names what its file is sealed under."""

    use: str
    number: int
    kid: str
    state: State
    since: Mapping[State, datetime]
    master: str
    public: Jwk | None = None
    revoked: Revocation | None = None

    @property
    def label(self) -> str:
        """What its file is called and sealed for."""
        return f"{self.use}-{self.number}"

    @property
    def has_file(self) -> bool:
        """Whether its file is needed: a storage key opens what it sealed until it is destroyed."""
        return self.state is not State.DESTROYED and (self.use not in SIGNING_USES or self.state not in SPENT)

    def becomes(self, state: State, now: datetime) -> KeyEntry:
        """The key in another state."""
        return replace(self, state=state, since={**self.since, state: now})


@dataclass(frozen=True)
class Manifest:
    """Every key there ever was. The empty one says that keys are being made for the first time."""

    entries: tuple[KeyEntry, ...] = field(default=())

    def of(self, use: str, *states: State) -> list[KeyEntry]:
        """The keys of one use, in these states or in any, the oldest first."""
        return [entry for entry in self.entries if entry.use == use and (not states or entry.state in states)]

    def one(self, use: str, state: State) -> KeyEntry:
        """The one key of a use in a state of which there is always one."""
        found = self.of(use, state)
        if len(found) != 1:
            raise BadConfiguration(f"{NAME}: has {len(found)} {state} keys for {use} where there is always one")
        return found[0]

    def find(self, use: str, name: str) -> KeyEntry | None:
        """The key of that name or number."""
        return next((entry for entry in self.of(use) if name in {entry.kid, str(entry.number)}), None)

    def next_number(self, use: str) -> int:
        """The number of a key that is to be made."""
        return max((entry.number for entry in self.of(use)), default=0) + 1

    def having(self, entries: Iterable[KeyEntry]) -> Manifest:
        """The manifest with these keys added, or in place of those of the same use and number."""
        known = {entry.label: entry for entry in self.entries}
        known.update((entry.label, entry) for entry in entries)
        return Manifest(tuple(sorted(known.values(), key=lambda entry: (USES.index(entry.use), entry.number))))


def write_manifest(manifest: Manifest, master: MasterKey) -> bytes:
    """The manifest as a file: JSON, and the seal over it."""
    keys = [_entry_json(entry) for entry in manifest.entries]
    seal = master.wrap(_digest(keys), label=NAME)
    return (json.dumps({"format": _FORMAT, "keys": keys, "seal": b64encode(seal).decode()}, indent=1) + "\n").encode()


def read_manifest(raw: bytes, master: MasterKey, *, where: str) -> Manifest:
    """Read a manifest that was sealed under this master key, or raise :class:`BadConfiguration`."""
    with suppress(BrokerError, NotUnwrapped, ValueError, KeyError, TypeError):
        value = read_json_object(raw, max_bytes=_MAX_BYTES)
        keys, seal = value["keys"], b64decode(str(value["seal"]), validate=True)
        genuine = hmac.compare_digest(master.unwrap(seal, label=NAME), _digest(keys))
        if genuine and value["format"] == _FORMAT and isinstance(keys, list):
            return Manifest(tuple(_entry(key) for key in keys))
    raise BadConfiguration(
        f"{where}: does not open under this master key; it is damaged, was changed by another hand, or the master key"
        " is another one. Restore it from the backup of the keys"
    )


def _digest(keys: object) -> bytes:
    written = json.dumps([_FORMAT, keys], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).digest()


def _entry_json(entry: KeyEntry) -> dict[str, object]:
    revoked = entry.revoked
    return {
        "use": entry.use,
        "number": entry.number,
        "kid": entry.kid,
        "state": entry.state.value,
        "since": {state.value: timestamp(moment) for state, moment in entry.since.items()},
        "master": entry.master,
        "public": dict(entry.public) if entry.public else None,
        "revoked": revoked and {**vars(revoked), "at": timestamp(revoked.at)},
    }


def _entry(value: Any) -> KeyEntry:  # noqa: ANN401 - JSON that the seal vouches for
    revoked = value["revoked"]
    return KeyEntry(
        use=value["use"],
        number=value["number"],
        kid=value["kid"],
        state=State(value["state"]),
        since={State(state): datetime.fromisoformat(moment) for state, moment in value["since"].items()},
        master=value["master"],
        public=value["public"],
        revoked=revoked and Revocation(**{**revoked, "at": datetime.fromisoformat(revoked["at"])}),
    )

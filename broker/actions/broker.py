"""The broker itself: the frozen things every verb is handed. Time, ids and keys come from here, never from afar."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from broker.core.blinding import Blinder
from broker.core.client import Client
from broker.core.names import ID_SIZE, id_of
from broker.core.post import Courier, StaysAtHome
from broker.core.screening import Screen
from broker.errors import MalformedRequest
from broker.platforms import Platform
from broker.policies import Policies
from broker.proof.checkpoint import ML_DSA_44, MlDsaSigner
from broker.proof.keyring import KeyRing, KeySource
from broker.proof.note import ED25519, Ed25519Signer, Signer, vkey
from broker.proof.receipt import Party
from broker.store.counting import Budgets, Unlimited
from broker.store.database import Database
from broker.store.sealing import StoreSealer, store_sealer
from broker.store.taping import Recorder


@dataclass(frozen=True, kw_only=True)
class Log:
    """The transparency log's name and keys, the folder where its high-water mark lies, and one for a copy of it."""

    origin: str
    source: KeySource = field(repr=False)
    marks: Path
    now: Callable[[], datetime]
    copy: Path | None = None

    @property
    def signers(self) -> Sequence[Signer]:
        """The keys that sign checkpoints now."""
        keys = self.source.current()
        return Ed25519Signer(self.origin, keys.log), MlDsaSigner(self.origin, keys.log_pq, self.now)

    @property
    def vkeys(self) -> Sequence[str]:
        """The verifier keys: those to come, in use and retired; a compromised one vouches for nothing."""
        return self._vkeys(compromised=False)

    @property
    def every_vkey(self) -> Sequence[str]:
        """Those, and compromised ones: what the log signed with them before is still what it signed."""
        return self._vkeys(compromised=True)

    def _vkeys(self, *, compromised: bool) -> Sequence[str]:
        keys = self.source.current()
        return [
            vkey(self.origin, kind, public)
            for use, kind in (("log", ED25519), ("log_pq", ML_DSA_44))
            for public in keys.log_keys(use, compromised=compromised)
        ]


@dataclass(frozen=True, kw_only=True)
class Broker:
    """One running broker. ``now()`` is aware UTC; ``random(n)`` gives n unguessable bytes.

    ``keeping`` is the database under a role that may erase, where the one that serves may not. ``recorder`` has the
    tape of this worker's single answers; without one each is written to the database before it is told. ``budgets`` are
    what each client may ask, whichever worker it asks.
    """

    issuer: str
    party: Party
    location: str
    database: Database
    keeping: Database | None = None
    budgets: Budgets = field(default_factory=Unlimited)
    source: KeySource = field(repr=False)
    log: Log
    blinder: Blinder
    policies: Policies
    screen: Screen
    platforms: Mapping[str, Platform]
    now: Callable[[], datetime]
    random: Callable[[int], bytes] = field(repr=False)
    seal: Callable[[Mapping[int, bytes], Callable[[int], bytes]], StoreSealer] = store_sealer
    recorder: Recorder | None = None
    courier: Courier = field(default_factory=StaysAtHome)

    @property
    def keys(self) -> KeyRing:
        """The keys as they are now: they may be rotated at any time, so none is kept for later."""
        return self.source.current()

    @property
    def keeper(self) -> Database:
        """The database as it is reached to erase somebody."""
        return self.keeping or self.database

    @property
    def sealer(self) -> StoreSealer:
        """What seals under the store's key."""
        return self.seal(self.keys.storage, self.random)

    @property
    def loopback(self) -> bool:
        """Whether this is a development broker, which lets addresses of this machine through."""
        return self.issuer.startswith("http:")

    def new_id(self) -> str:
        """A name: 26 letters and digits, 128 random bits, never starting with a dash."""
        return id_of(self.random(ID_SIZE))

    def new_secret(self) -> str:
        """A bearer secret: 43 characters, 256 random bits."""
        return urlsafe_b64encode(self.random(32)).decode().rstrip("=")

    def chance(self) -> float:
        """A random number from 0 up to 1, which it never is."""
        return int.from_bytes(self.random(4)) / 2**32

    def draw(self, size: int) -> int:
        """A random number below *size*."""
        return int.from_bytes(self.random(16)) % size

    def platform(self, name: str) -> Platform:
        """The platform of that name, or :class:`MalformedRequest` listing those there are."""
        found = self.platforms.get(name)
        if found is None:
            raise MalformedRequest(f"account.platform must be one of {', '.join(sorted(self.platforms))}")
        return found

    def label_of(self, platform: str) -> str:
        """A platform's name for people; one that was taken out of the file keeps its name on the wire."""
        found = self.platforms.get(platform)
        return found.label if found else platform

    def url(self, path: str) -> str:
        """An address under the issuer."""
        return f"{self.issuer}{path}"


def party_of(client: Client) -> Party:
    """A client as receipts and pages name it."""
    registration = client.registration
    return Party(
        id=registration.client_uri,
        name=registration.client_name,
        contact=registration.contacts[0] if registration.contacts else registration.client_uri,
        address=registration.address,
    )

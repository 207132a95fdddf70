"""The broker itself: the frozen things every verb is handed. Time, ids and keys come from here, never from afar."""

from __future__ import annotations

from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from broker.core.blinding import Blinder
from broker.core.client import Client
from broker.core.screening import Screen
from broker.errors import MalformedRequest
from broker.platforms import Platform
from broker.policies import Policies
from broker.proof.keys import KeyRing
from broker.proof.receipt import Party
from broker.store.database import Database
from broker.store.sealing import Sealer


@dataclass(frozen=True, kw_only=True)
class Broker:
    """One running broker. ``now()`` is aware UTC; ``random(n)`` gives n unguessable bytes."""

    issuer: str
    party: Party
    location: str
    database: Database
    keys: KeyRing = field(repr=False)
    blinder: Blinder
    sealer: Sealer
    policies: Policies
    screen: Screen
    platforms: Mapping[str, Platform]
    now: Callable[[], datetime]
    random: Callable[[int], bytes] = field(repr=False)

    @property
    def loopback(self) -> bool:
        """Whether this is a development broker, which lets addresses of this machine through."""
        return self.issuer.startswith("http:")

    def new_id(self) -> str:
        """A name: 26 letters and digits, 128 random bits, never starting with a dash."""
        return b32encode(self.random(16)).decode().rstrip("=").lower()

    def new_secret(self) -> str:
        """A bearer secret: 43 characters, 256 random bits."""
        return urlsafe_b64encode(self.random(32)).decode().rstrip("=")

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
    )

"""How a raw identifier becomes a keyed digest: HMAC-SHA-256, cut to 128 bits, one key per client.

The key never lies with the data: who has the database alone can test no guess, and two clients'
digests of one person have nothing in common.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from broker.core.identifiers import Identifier, PlatformAccount, fold_handle

DIGEST_SIZE = 16
#: The environment whose data the others never meet (APPLICATION-2).
PRODUCTION = "prod"


@dataclass(frozen=True)
class Blinder:
    """Every digest of the broker; ``secret`` is 32 bytes. Labels keep the uses apart."""

    secret: bytes = field(repr=False)

    def account(self, account: PlatformAccount, *, environment: str = PRODUCTION) -> bytes:
        """The account's key in every table about a person. Development and staging have people of their own."""
        return self._digest("account", *_apart(environment), account.platform, account.id)

    def handle(self, platform: str, handle: str, *, environment: str = PRODUCTION) -> bytes:
        """The name under which the last holder of a handle is found."""
        return self._digest("handle", *_apart(environment), platform, fold_handle(handle))

    def identifier(self, client_id: str, identifier: Identifier) -> bytes:
        """An off-platform identifier as one client's, of no use to any other."""
        return self._digest(
            "identifier", client_id, identifier.kind, identifier.type, identifier.name or "", identifier.value
        )

    def pair(self, client_id: str, account: bytes, identifier: bytes) -> bytes:
        """All that is kept of a pair whose linking was refused."""
        return self._digest("refused-pair", client_id, account.hex(), identifier.hex())

    def tainted_pair(self, client_id: str, account: bytes, value: str) -> bytes:
        """All that is kept of a pair that was offered under a refused origin, whatever the record was called."""
        return self._digest("tainted-pair", client_id, account.hex(), value)

    def tag(self, client_id: str, stated: str) -> bytes:
        """By what the same tag is known again: it may name a page about the person."""
        return self._digest("tag", client_id, stated)

    def request(self, client_id: str, *parts: str) -> bytes:
        """By what a request that is sent again is known: its body names people."""
        return self._digest("request", client_id, *parts)

    def form(self, *parts: str) -> str:
        """The token of a form, for the secrets of the browser or the link that it was shown to."""
        return self._digest("form", *parts).hex()

    def _digest(self, label: str, *parts: str) -> bytes:
        # Lengths before parts: "ab","c" and "a","bc" must differ.
        key = hmac.digest(self.secret, label.encode(), hashlib.sha256)
        message = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
        return hmac.digest(key, message, hashlib.sha256)[:DIGEST_SIZE]


def _apart(environment: str) -> tuple[str, ...]:
    return () if environment == PRODUCTION else (environment,)


def name_digest(kind: str, name: str) -> bytes:
    """How an unguessable name (code, capability, cookie) is kept: its SHA-256, never itself."""
    return hashlib.sha256(f"{kind}\x00{name}".encode()).digest()

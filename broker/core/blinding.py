"""How a raw identifier becomes a keyed digest: HMAC-SHA-256, cut to 128 bits, one key per client.

The key never lies with the data: who has the database alone can test no guess, and two clients'
digests of one person have nothing in common.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import Any

from broker.core.identifiers import Identifier, PlatformAccount, fold_handle

DIGEST_SIZE = 16
#: HMAC's two pads, and the block of SHA-256 in bytes.
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_BLOCK = 64
#: The environment whose data the others never meet (APPLICATION-2).
PRODUCTION = "prod"


@dataclass(frozen=True)
class Blinder:
    """Every digest of the broker; ``secret`` is 32 bytes. Labels keep the uses apart."""

    secret: bytes = field(repr=False)

    def account(self, account: PlatformAccount, *, environment: str = PRODUCTION) -> bytes:
        """The account's key in every table about a person. Development and staging have people of their own."""
        return self.account_digester(account.platform, environment=environment)(account.id)

    def handle(self, platform: str, handle: str, *, environment: str = PRODUCTION) -> bytes:
        """The name under which the last holder of a handle is found."""
        return self._digest("handle", *_apart(environment), platform, fold_handle(handle))

    def identifier(self, client_id: str, identifier: Identifier) -> bytes:
        """An off-platform identifier as one client's, of no use to any other."""
        kind, type_, value = identifier.kind, identifier.type, identifier.value
        if identifier.name:
            return self._digest("identifier", client_id, kind, type_, identifier.name, value)
        return self.identifier_digester(client_id, kind=kind, type=type_)(value)

    def account_digester(self, platform: str, *, environment: str = PRODUCTION) -> Callable[[str], bytes]:
        """What makes of the permanent id of an account of that platform its digest, as :meth:`account` does."""
        return partial(_finished, _begun_with(self.secret, "account", (*_apart(environment), platform)))

    def identifier_digester(self, client_id: str, *, kind: str, type: str) -> Callable[[str], bytes]:  # noqa: A002 - the wire's word
        """What makes of the value of a record that has no name its digest, as :meth:`identifier` does."""
        return partial(_finished, _begun_with(self.secret, "identifier", (client_id, kind, type, "")))

    def accounts(self, platform: str, ids: Iterable[str], *, environment: str = PRODUCTION) -> list[bytes]:
        """The digests of many accounts of a platform by their permanent ids: each as :meth:`account` makes it."""
        return self._digests("account", *_apart(environment), platform, each=ids)

    def identifiers(self, client_id: str, *, kind: str, type: str, values: Iterable[str]) -> list[bytes]:  # noqa: A002 - the wire's word
        """The digests of many records of a kind and type that have no name: each as :meth:`identifier` makes it."""
        return self._digests("identifier", client_id, kind, type, "", each=values)

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
        inner, outer = (begun.copy() for begun in _begun(self.secret, label))
        inner.update(_framed(parts))
        outer.update(inner.digest())
        digest: bytes = outer.digest()[:DIGEST_SIZE]
        return digest

    def _digests(self, label: str, *parts: str, each: Iterable[str]) -> list[bytes]:
        """The digests that differ in their last part alone: what they have in common is hashed once."""
        inner, outer = _begun_with(self.secret, label, parts)
        begin, begin_outer = inner.copy, outer.copy
        digests = []
        for raw in map(str.encode, each):
            inner, outer = begin(), begin_outer()
            inner.update(len(raw).to_bytes(4) + raw)
            outer.update(inner.digest())
            digests.append(outer.digest()[:DIGEST_SIZE])
        return digests


def _framed(parts: Iterable[str]) -> bytes:
    return b"".join([len(raw).to_bytes(4) + raw for raw in [part.encode() for part in parts]])


def _finished(begun: tuple[Any, Any], last: str) -> bytes:
    inner, outer, raw = begun[0].copy(), begun[1].copy(), last.encode()
    inner.update(len(raw).to_bytes(4) + raw)
    outer.update(inner.digest())
    digest: bytes = outer.digest()[:DIGEST_SIZE]
    return digest


@lru_cache(maxsize=10_000)
def _begun_with(secret: bytes, label: str, parts: tuple[str, ...]) -> tuple[Any, Any]:
    """The same, and the parts that come first hashed: a platform, or a client and a type of record; never a person."""
    inner, outer = _begun(secret, label)
    inner = inner.copy()
    inner.update(_framed(parts))
    return inner, outer


@cache
def _begun(secret: bytes, label: str) -> tuple[Any, Any]:
    """HMAC (RFC 2104) under a label's own key, its two hashes begun: there are two of them in every question."""
    key = hmac.digest(secret, label.encode(), hashlib.sha256).ljust(_BLOCK, b"\0")
    return tuple(hashlib.sha256(key.translate(pad)) for pad in (_INNER, _OUTER))  # type: ignore[return-value] # two


def _apart(environment: str) -> tuple[str, ...]:
    return () if environment == PRODUCTION else (environment,)


def name_digest(kind: str, name: str) -> bytes:
    """How an unguessable name (code, capability, cookie) is kept: its SHA-256, never itself."""
    return hashlib.sha256(f"{kind}\x00{name}".encode()).digest()

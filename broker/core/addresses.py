"""Web addresses, held to one narrow form, so that no two readers take one apart differently."""

from __future__ import annotations

import re
from dataclasses import dataclass

from broker.errors import MalformedRequest

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_FORM = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
_MAX_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Address:
    """A web address in its parts; ``rest`` is path and query."""

    text: str
    scheme: str
    host: str
    origin: str
    rest: str

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return self.host in LOOPBACK


def read_address(text: str, *, what: str, loopback: bool) -> Address:
    """Return an https address, or with *loopback* an http one on this machine; :class:`MalformedRequest` otherwise."""
    match = _FORM.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 443) <= _MAX_PORT:
        raise MalformedRequest(f"{what} must be a web address such as https://shop.example/page, in plain ASCII")
    port = f":{match['port']}" if match["port"] else ""
    origin = f"{match['scheme']}://{match['host']}{port}"
    address = Address(text=text, scheme=match["scheme"], host=match["host"], origin=origin, rest=match["rest"])
    if address.scheme != "https" and not (loopback and address.local):
        raise MalformedRequest(f"{what} must be https; http is for this machine, and in development only")
    return address

"""Which addresses of the Internet may be called on a stranger's word: public ones, and none that leads back inside.

A client names where its events go. Without this the broker would post to whatever it can reach and the client cannot:
its own loopback, the machines beside it, a cloud's metadata service.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

#: Special-purpose blocks (IANA's registries, RFC 6890 and after), whole: a few public addresses among them are no loss.
_CLOSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
#: All there is of IPv6 that is handed out to networks.
_PUBLIC_V6 = IPv6Network("2000::/3")
#: Within it: IETF protocols with Teredo and ORCHID, documentation, 6to4, segment routing, the AS112 service.
_CLOSED_V6 = tuple(
    IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether an IP address, as a resolver gives it, is one of the open Internet.

    What carries an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo) is none of it: where it leads is for a
    gateway to say that nobody asked.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        # With a zone it is reached through one link of this machine's, whatever it says.
        return found.scope_id is None and found in _PUBLIC_V6 and not any(found in block for block in _CLOSED_V6)
    return not any(found in block for block in _CLOSED_V4)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    return found in ip_network("127.0.0.0/8") or found == IPv6Address("::1")

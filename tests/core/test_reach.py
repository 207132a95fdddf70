"""Where a stranger's word may lead the broker: the open Internet, in whatever form an address is written."""

from __future__ import annotations

import pytest

from broker.core.reach import is_loopback, is_public

INSIDE = {
    "this network": "0.0.0.0",  # noqa: S104 - an address that is refused
    "a host of this network": "0.1.2.3", "private 10": "10.0.0.1", "its last": "10.255.255.255",
    "carrier-grade NAT": "100.64.0.1", "its last address": "100.127.255.255", "loopback": "127.0.0.1",
    "another loopback": "127.255.255.254", "link-local": "169.254.0.1", "the metadata service": "169.254.169.254",
    "private 172": "172.16.0.1", "the last of 172": "172.31.255.255", "IETF protocols": "192.0.0.1",
    "documentation": "192.0.2.1", "AS112": "192.31.196.1", "AMT": "192.52.193.1", "6to4 relays": "192.88.99.1",
    "private 192": "192.168.1.1", "AS112 delegation": "192.175.48.1", "benchmarks": "198.18.0.1",
    "benchmarks, second half": "198.19.255.255", "documentation 2": "198.51.100.1", "documentation 3": "203.0.113.1",
    "multicast": "224.0.0.1", "administrative multicast": "239.255.255.255", "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255", "v6 unspecified": "::", "v6 loopback": "::1", "compatible": "::127.0.0.1",
    "compatible, public": "::8.8.8.8", "mapped loopback": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254", "mapped public": "::ffff:8.8.8.8",
    "translated": "::ffff:0:127.0.0.1", "NAT64 loopback": "64:ff9b::7f00:1",
    "NAT64 public": "64:ff9b::808:808", "local NAT64": "64:ff9b:1::1", "discard": "100::1", "Teredo": "2001:0:1::1",
    "ORCHID": "2001:20::1", "benchmarks v6": "2001:2::1", "documentation v6": "2001:db8::1",
    "6to4 loopback": "2002:7f00:1::1", "6to4 public": "2002:808:808::1", "documentation v6 too": "3fff::1",
    "AS112 v6": "2620:4f:8000::1", "segment routing": "5f00::1", "unique local": "fc00::1", "unique local d": "fd12::1",
    "the cloud's metadata": "fd00:ec2::254", "link-local v6": "fe80::1", "site-local": "fec0::1",
    "multicast v6": "ff02::1",
    "with a zone": "fe80::1%eth0", "public with a zone": "2606:4700::1111%eth0",
}  # fmt: skip
NO_ADDRESS = ("", "localhost", "example.com", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1 ", "::1]")
OUTSIDE = (
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860::8888",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE.keys())
def test_an_address_that_leads_inside_or_nowhere_is_not_called(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_no_address_as_a_resolver_writes_it_is_not_called(text: str) -> None:
    assert not is_public(text)
    assert not is_loopback(text)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_open_internet_is_called(address: str) -> None:
    assert is_public(address)
    assert not is_loopback(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_known(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", INSIDE["this network"], "::", "10.0.0.1"])
def test_what_leads_to_this_machine_by_another_way_is_not_it(address: str) -> None:
    assert not is_loopback(address)

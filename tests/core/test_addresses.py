"""Web addresses in one narrow form, which every reader takes apart alike; ids in another."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.addresses import Address, read_address
from broker.core.names import is_id
from broker.errors import MalformedRequest

TAKEN = {
    "a host": ("https://shop.example", "https://shop.example", ""),
    "a path": ("https://shop.example/linked", "https://shop.example", "/linked"),
    "a query": ("https://shop.example/linked?from=x&to=%C3%A9", "https://shop.example", "/linked?from=x&to=%C3%A9"),
    "a query without a path": ("https://shop.example?from=x", "https://shop.example", "?from=x"),
    "a port": ("https://shop.example:8443/", "https://shop.example:8443", "/"),
    "an address": ("https://192.0.2.7/", "https://192.0.2.7", "/"),
    "an address of the other kind": ("https://[2001:db8::7]:8443/", "https://[2001:db8::7]:8443", "/"),
    "a host in ASCII form": ("https://xn--caf-dma.example/", "https://xn--caf-dma.example", "/"),
}


@pytest.mark.parametrize(("text", "origin", "rest"), TAKEN.values(), ids=TAKEN.keys())
def test_an_https_address_is_taken_apart(text: str, origin: str, rest: str) -> None:
    address = read_address(text, what="here", loopback=False)
    assert (text, origin, rest, False) == (address.text, address.origin, address.rest, address.local)


LOCAL = ["http://127.0.0.1:9/cb", "http://localhost/cb", "http://[::1]:9/cb"]


@pytest.mark.parametrize("text", LOCAL)
def test_http_is_for_this_machine_in_development(text: str) -> None:
    assert read_address(text, what="here", loopback=True).local is True
    with pytest.raises(MalformedRequest, match="here must be https"):
        read_address(text, what="here", loopback=False)


ELSEWHERE = ["http://shop.example/", "http://192.0.2.7/", "http://0.0.0.0/", "http://127.0.0.1.shop.example/",
             "http://localhost.shop.example/", "http://127.1/", "http://[::ffff:127.0.0.1]/"]  # fmt: skip


@pytest.mark.parametrize("text", ELSEWHERE)
def test_http_elsewhere_is_refused_in_development_too(text: str) -> None:
    with pytest.raises(MalformedRequest, match="here must be"):
        read_address(text, what="here", loopback=True)


REFUSED = {
    "nothing": "",
    "no scheme": "shop.example/linked",
    "another scheme": "ftp://shop.example/",
    "a script": "javascript:alert(1)//https://shop.example/",
    "a scheme of an app": "shop://linked",
    "a scheme in capitals": "HTTPS://shop.example/",
    "no slashes": "https:shop.example",
    "three slashes": "https:///shop.example",
    "no host": "https://",
    "a host that begins with a dot": "https://.example/",
    "a host that ends in a hyphen": "https://shop-/",
    "half an address": "https://[::1/linked",
    "a user": "https://shop.example@stranger.example/",
    "nobody as a user": "https://@shop.example/",
    "a user and a password": "https://user:password@shop.example/",
    "a port that is none": "https://shop.example:port/",
    "an empty port": "https://shop.example:/",
    "port 0": "https://shop.example:0/",
    "a port too large": "https://shop.example:65536/",
    "a fragment": "https://shop.example/#linked",
    "an empty fragment": "https://shop.example/#",
    "a backslash": "https://shop.example\\@stranger.example/",
    "a backslash in the path": "https://shop.example/\\stranger.example",
    "a blank": "https://shop.example/linked here",
    "a blank in front": " https://shop.example/",
    "a blank at the end": "https://shop.example/ ",
    "a line break at the end": "https://shop.example/\n",
    "a tabulator": "https://shop.example/\tlinked",
    "NUL": "https://shop.example/\x00",
    "a quote": 'https://shop.example/"',
    "an angle": "https://shop.example/<script>",
    "a host outside ASCII": "https://sh\u043ep.example/",
    "fullwidth letters": "https://\uff53hop.example/",
    "a path outside ASCII": "https://shop.example/\u00e9",
    "Arabic digits for a port": "https://shop.example:\u0664\u0664\u0663/",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_any_other_writing_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest, match="here must be"):
        read_address(text, what="here", loopback=True)


PARTS = ["https", "http", ":", "//", "/", "?", "#", "@", "[::1]", "[", "localhost", "a.example", ".", "-", "80", "%41"]
PIECES = st.lists(st.sampled_from([*PARTS, "\\", "\n", " ", "\u00e9", "a"]), max_size=9).map("".join)


def read(text: str) -> Address | None:
    """Read an address, or nothing."""
    try:
        return read_address(text, what="here", loopback=True)
    except MalformedRequest:
        return None


@given(text=st.text(max_size=20) | PIECES | PIECES.map("https://{}".format))
def test_what_is_taken_is_read_alike_by_the_standard_library(text: str) -> None:
    address = read(text)
    if address is not None:
        parts = urlsplit(text)
        assert address.origin == f"{parts.scheme}://{parts.netloc}"
        assert (address.host.strip("[]").lower(), None, "") == (parts.hostname, parts.username, parts.fragment)
        assert text == address.origin + address.rest


@pytest.mark.parametrize("text", ["a" * 26, "abcdefghijklmnopqrstuvwx27"])
def test_an_id_is_26_letters_and_digits(text: str) -> None:
    assert is_id(text) is True


@pytest.mark.parametrize(
    "text", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "1", "a" * 25 + "\n", "a" * 26 + "\n", "a" * 25 + "\x00",
             "\u00e9" * 26, "a" * 25 + "\ud800"]
)  # fmt: skip
def test_what_could_not_be_an_id_is_told(text: str) -> None:
    assert is_id(text) is False

"""A client's key set: public P-256 keys for signing, and nothing that is a secret or a riddle."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors.make import RECEIPTS, STRANGER, jwk_of

from broker.errors import MalformedRequest
from broker.proof.clientkeys import read_client_keys

KEY: dict[str, Any] = {**jwk_of(RECEIPTS).as_dict(private=False), "kty": "EC", "crv": "P-256"}
KEY = {name: KEY[name] for name in ("kty", "crv", "x", "y")}
OTHER: dict[str, Any] = {name: jwk_of(STRANGER).as_dict(private=False)[name] for name in KEY}


def test_a_key_without_a_name_gets_its_thumbprint() -> None:
    (key,) = read_client_keys({"keys": [KEY]})["keys"]
    assert {**KEY, "kid": jwk_of(RECEIPTS).thumbprint(), "use": "sig", "alg": "ES256"} == key


def test_a_key_keeps_the_name_its_owner_gave_it() -> None:
    (key,) = read_client_keys({"keys": [{**KEY, "kid": "2026", "use": "sig", "alg": "ES256"}]})["keys"]
    assert "2026" == key["kid"]


def test_several_keys_stay_in_order() -> None:
    keys = read_client_keys({"keys": [OTHER, KEY]})["keys"]
    assert [jwk_of(STRANGER).thumbprint(), jwk_of(RECEIPTS).thumbprint()] == [key["kid"] for key in keys]


WRONG: dict[str, tuple[object, str]] = {
    "a private key": ({**KEY, "d": "AA"}, "private key must never leave"),
    "an unknown member": ({**KEY, "x5u": "https://stranger.example/"}, "only public members"),
    "an RSA key": ({"kty": "RSA", "n": "AA", "e": "AQAB"}, "EC key on P-256"),
    "a symmetric key": ({"kty": "oct", "k": "AA"}, "EC key on P-256"),
    "another curve": ({**KEY, "crv": "P-384"}, "EC key on P-256"),
    "text": ("key", "EC key on P-256"),
    "a key for encryption": ({**KEY, "use": "enc"}, "for signing with ES256"),
    "another algorithm": ({**KEY, "alg": "ES384"}, "for signing with ES256"),
    "no algorithm": ({**KEY, "alg": "none"}, "for signing with ES256"),
    "no x": ({name: it for name, it in KEY.items() if name != "x"}, "not a point on P-256"),
    "x as a number": ({**KEY, "x": 5}, "not a point on P-256"),
    "x as a list": ({**KEY, "x": ["AA"]}, "not a point on P-256"),
    "x outside ASCII": ({**KEY, "x": "\u00e9"}, "not a point on P-256"),
    "x too long": ({**KEY, "x": "A" * 10_000}, "not a point on P-256"),
    "a point off the curve": ({**KEY, "y": KEY["x"]}, "not a point on P-256"),
    "the point at infinity": ({**KEY, "x": "A" * 43, "y": "A" * 43}, "not a point on P-256"),
    "a name that is a number": ({**KEY, "kid": 7}, "kid must be text"),
}


@pytest.mark.parametrize(("key", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_key_that_is_none_is_refused(key: object, named: str) -> None:
    with pytest.raises(MalformedRequest, match=named):
        read_client_keys({"keys": [KEY, key]})


NO_SETS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no keys": {"keys": []},
    "keys as an object": {"keys": {"kid": KEY}},
    "a key in place of a set": KEY,
    "an address beside": {"keys": [KEY], "jwks_uri": "https://stranger.example/"},
    "too many": {"keys": [KEY] * 9},
}


@pytest.mark.parametrize("jwks", NO_SETS.values(), ids=NO_SETS.keys())
def test_a_key_set_is_a_list_of_one_to_eight(jwks: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match="list of 1 to 8 keys"):
        read_client_keys(jwks)


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(MalformedRequest, match="kid"):
        read_client_keys({"keys": [{**KEY, "kid": "2026"}, {**OTHER, "kid": "2026"}]})


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({}) | st.floats()


@given(changes=st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "kid", "use", "alg", "key_ops"]), ODD))
def test_every_key_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        (key,) = read_client_keys({"keys": [{**KEY, **changes}]})["keys"]
    except MalformedRequest:
        return
    assert (KEY["x"], KEY["y"]) == (key["x"], key["y"])

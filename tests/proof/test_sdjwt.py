"""SD-JWT there and back; one writing per value."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors.make import GIVEN, JANE, JANES

from broker.errors import MalformedRequest
from broker.proof.sdjwt import SdJwt, commit, decode, disclose, encode, header_of, parse, payload_of

NAME = st.text(min_size=1, max_size=9).filter(lambda name: name not in {"_sd", "..."} and "\x00" not in name)
TEXT = st.text(max_size=9).filter(lambda text: "\x00" not in text)
VALUE = TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.none() | st.dictionaries(TEXT, TEXT, max_size=3)


@given(parts=st.lists(st.tuples(NAME, VALUE, st.binary(min_size=16, max_size=16)), max_size=4))
def test_what_is_put_together_comes_apart_as_it_was(parts: list[tuple[str, object, bytes]]) -> None:
    whole = SdJwt(jwt=GIVEN, disclosures=tuple(disclose(name, value, salt=salt) for name, value, salt in parts))
    assert whole == parse(str(whole))
    assert str(whole) == str(parse(str(whole)))


def test_the_digest_is_that_of_the_standards_own_example() -> None:
    """RFC 9901 section 4.2.3."""
    encoded = "WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    (disclosure,) = parse(f"{GIVEN}~{encoded}~").disclosures
    assert ("family_name", "M\u00f6bius") == (disclosure.name, disclosure.value)
    assert "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY" == disclosure.digest


def test_a_salt_makes_two_disclosures_of_one_value_differ() -> None:
    one, other = (disclose("account", {"id": "12"}, salt=salt * 16) for salt in (b"a", b"b"))
    assert one.digest != other.digest


def test_digests_are_sorted_so_that_their_order_tells_nothing() -> None:
    claims = commit({"iss": "us"}, JANE)
    assert ("us", "sha-256", sorted(it.digest for it in JANE)) == (claims["iss"], claims["_sd_alg"], claims["_sd"])
    assert claims == commit({"iss": "us"}, JANE[::-1])


def test_header_and_payload_are_read_without_a_key() -> None:
    assert ("ES256", JANES) == (header_of(GIVEN)["alg"], payload_of(GIVEN))


@given(raw=st.binary(max_size=40))
def test_base64url_has_one_writing(raw: bytes) -> None:
    written = encode(raw)
    assert raw == decode(written)
    assert "=" not in written
    assert written == urlsafe_b64encode(raw).decode().rstrip("=")


@given(text=st.text("ABab01-_+/= \n\u00e9", max_size=8))
def test_what_is_decoded_is_written_as_we_write_it(text: str) -> None:
    try:
        raw = decode(text)
    except MalformedRequest:
        return
    assert text == encode(raw)


OTHER_WRITINGS = ["QQ==", "QR", "Q", "Q Q", "QQ\n", "+A", "/w", "QQ=", "\u0141"]


@pytest.mark.parametrize("text", OTHER_WRITINGS)
def test_another_writing_is_refused(text: str) -> None:
    assert b"A" == decode("QQ")
    with pytest.raises(MalformedRequest, match="base64url"):
        decode(text)


NOT_SD_JWT = {
    "a JWT alone": (GIVEN, "at least one ~"),
    "no tilde at the end": (f"{GIVEN}~{JANE[0].encoded}", "ends with ~"),
    "a number": (f"{GIVEN}~{encode(b'7')}~", "array of salt, name and value"),
    "no JSON": (f"{GIVEN}~{encode(b'hello')}~", "not JSON"),
    "four members": (f"{GIVEN}~{encode(json.dumps(['s', 'n', 1, 2]).encode())}~", "array of salt, name and value"),
}


@pytest.mark.parametrize(("text", "named"), NOT_SD_JWT.values(), ids=NOT_SD_JWT.keys())
def test_what_is_no_sd_jwt_is_refused(text: str, named: str) -> None:
    with pytest.raises(MalformedRequest, match=named):
        parse(text)


@pytest.mark.parametrize("jwt", ["", ".", "a.b", "a.b.c.d"])
def test_a_jws_has_three_parts(jwt: str) -> None:
    with pytest.raises(MalformedRequest, match="three parts"):
        payload_of(jwt)

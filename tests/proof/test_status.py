"""The list itself: packed and compressed as the draft packs and compresses."""

import random
import zlib
from dataclasses import replace

import pytest
from builders import the_keys
from hypothesis import given
from hypothesis import strategies as st

from broker.proof.claims import StepFailed
from broker.proof.sdjwt import decode, encode, header_of, payload_of
from broker.proof.status import StatusList, pack, parse_status_list, sign_status_list

#: The draft's own lists (sections 4.1 and 4.2, and the test vectors of 2^20 entries in its appendix).
SHORT = {
    "eNrbuRgAAhcBXQ": (1, 16, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]),
    "eNo76fITAAPfAgc": (2, 12, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]),
}
OF_ONE_BIT = (
    "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAA"
    "AJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb"
)
OF_TWO_BITS = (
    "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEB5"
    "WwIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAID0ugQAAAAAAAAAAAAAAAAAQG12SgAAAAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoA"
    "AAAAAAAAAAAAAEBqH81gAQw"
)
LONG = {
    OF_ONE_BIT: (
        1,
        dict.fromkeys([0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345], 1),
    ),
    OF_TWO_BITS: (
        2,
        {
            0: 1, 1993: 2, 25460: 1, 159495: 3, 495669: 1, 554353: 1, 645645: 2, 723232: 1, 854545: 1, 934534: 2,
            1000345: 3,
        },
    ),
}  # fmt: skip


def a_list(packed: bytes, *, bits: int = 2) -> StatusList:
    """Return a list of some moment."""
    return StatusList(
        uri="https://consent.example/status/1", issued_at=1, expires_at=2, ttl=1, bits=bits, packed=packed
    )


@pytest.mark.parametrize("lst", SHORT)
def test_the_drafts_short_lists_are_packed_and_read_as_it_does(lst: str) -> None:
    bits, size, values = SHORT[lst]
    packed = pack(dict(enumerate(values)), size=size, bits=bits)
    assert zlib.decompress(decode(lst)) == packed
    assert values == [a_list(packed, bits=bits).value_of(index) for index in range(size)]


@pytest.mark.parametrize("lst", LONG)
def test_the_drafts_long_lists_are_packed_and_read_as_it_does(lst: str) -> None:
    bits, values = LONG[lst]
    packed = zlib.decompress(decode(lst))
    assert packed == pack(values, size=2**20, bits=bits)
    whole = a_list(packed, bits=bits)
    assert values == {index: value for index in values for value in [whole.value_of(index)]}
    assert 0 == whole.value_of(1) == whole.value_of(2**20 - 1)


def test_a_list_is_compressed_as_the_draft_compresses() -> None:
    packed = pack(dict(enumerate(SHORT["eNo76fITAAPfAgc"][2])), size=12)
    signed = sign_status_list(a_list(packed), the_keys().receipts)
    assert {"bits": 2, "lst": "eNo76fITAAPfAgc"} == payload_of(signed)["status_list"]


def test_a_token_says_what_the_draft_asks_and_no_more() -> None:
    key = the_keys().receipts
    signed = sign_status_list(a_list(bytes(4)), key)
    assert {"alg": "ES256", "typ": "statuslist+jwt", "kid": key.kid} == header_of(signed)
    assert {"sub", "iat", "exp", "ttl", "status_list"} == payload_of(signed).keys()


@given(st.dictionaries(st.integers(0, 63), st.integers(0, 3)), st.sampled_from([4, 8, 64]))
def test_what_was_signed_is_what_is_read(values: dict[int, int], width: int) -> None:
    kept = {index: value for index, value in values.items() if index < width}
    whole = a_list(pack(kept, size=width))
    again = parse_status_list(sign_status_list(whole, the_keys().receipts))
    assert whole == again
    assert [kept.get(index, 0) for index in range(width)] == [again.value_of(index) for index in range(width)]


@pytest.mark.parametrize("index", [-1, -(2**17), 16, 2**17, 2**53])
def test_an_index_outside_the_list_has_no_value(index: int) -> None:
    with pytest.raises(StepFailed, match="no entry"):
        a_list(bytes(4)).value_of(index)


def test_a_full_list_of_noise_is_a_token_that_can_be_read() -> None:
    noise = random.Random(1).randbytes(2**17 // 4)  # noqa: S311 - the least that compresses
    signed = sign_status_list(a_list(noise), the_keys().receipts)
    assert noise == parse_status_list(signed).packed
    assert len(signed) < 60_000
    assert encode(zlib.compress(noise, 9)) == payload_of(signed)["status_list"]["lst"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize("moment", [253_402_300_800, 2**39])
def test_a_list_of_a_time_that_no_calendar_has_is_refused(moment: int) -> None:
    token = sign_status_list(replace(a_list(bytes(4)), issued_at=moment, expires_at=None), the_keys().receipts)
    with pytest.raises(StepFailed, match="is not a number of seconds"):
        parse_status_list(token)

"""Fingerprints of content: what is near is found by its bands, and nearness has no direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.fingerprint import NEAR, Fingerprint

SIMHASH = st.integers(0, 2**64 - 1)
BITS = st.sets(st.integers(0, 63))
PRINT = st.builds(
    Fingerprint,
    sha256=st.none() | st.sampled_from([bytes(32), b"\xff" * 32]),
    simhash=st.none() | SIMHASH | st.integers(0, 15),
)


def with_bits_turned(simhash: int, bits: set[int]) -> int:
    """Return a SimHash that differs in exactly these bits."""
    for bit in bits:
        simhash ^= 1 << bit
    return simhash


def share_a_band(one: Fingerprint, other: Fingerprint) -> bool:
    """Tell whether the same band of both is the same: what an index by bands finds."""
    return any(mine == theirs for mine, theirs in zip(one.bands, other.bands, strict=True))


@given(simhash=SIMHASH, bits=st.sets(st.integers(0, 63), max_size=NEAR))
def test_two_that_differ_in_three_bits_or_fewer_share_a_band(simhash: int, bits: set[int]) -> None:
    one, other = Fingerprint(simhash=simhash), Fingerprint(simhash=with_bits_turned(simhash, bits))
    assert one.is_near(other)
    assert share_a_band(one, other)


def test_one_bit_more_and_they_may_share_none() -> None:
    one, other = Fingerprint(simhash=0), Fingerprint(simhash=1 | 1 << 16 | 1 << 32 | 1 << 48)
    assert not share_a_band(one, other)
    assert not one.is_near(other)


@given(simhash=SIMHASH, bits=BITS)
def test_near_is_three_bits_and_no_more(simhash: int, bits: set[int]) -> None:
    other = Fingerprint(simhash=with_bits_turned(simhash, bits))
    assert (len(bits) <= 3) is Fingerprint(simhash=simhash).is_near(other)


@given(one=PRINT, other=PRINT)
def test_near_has_no_direction(one: Fingerprint, other: Fingerprint) -> None:
    assert one.is_near(other) is other.is_near(one)


@given(one=PRINT)
def test_everything_that_was_seen_is_near_to_itself(one: Fingerprint) -> None:
    assert (one != Fingerprint()) is one.is_near(one)


@given(simhash=SIMHASH)
def test_four_bands_of_sixteen_bits_hold_the_whole(simhash: int) -> None:
    bands = Fingerprint(simhash=simhash).bands
    assert 4 == len(bands)
    assert all(0 <= band < 2**16 for band in bands)
    assert simhash == sum(band << 16 * number for number, band in enumerate(bands))


NOT_NEAR = {
    "nothing is known of both": (Fingerprint(), Fingerprint()),
    "nothing is known of one": (Fingerprint(), Fingerprint(sha256=bytes(32), simhash=0)),
    "a digest is no SimHash": (Fingerprint(sha256=bytes(32)), Fingerprint(simhash=0)),
    "two digests": (Fingerprint(sha256=bytes(32)), Fingerprint(sha256=b"\xff" * 32)),
    "one bit of the highest and three others": (Fingerprint(simhash=2**63), Fingerprint(simhash=0b111)),
}


@pytest.mark.parametrize(("one", "other"), NOT_NEAR.values(), ids=NOT_NEAR.keys())
def test_what_is_not_known_to_be_alike_is_not_near(one: Fingerprint, other: Fingerprint) -> None:
    assert not one.is_near(other)


def test_the_same_digest_is_near_whatever_the_simhash_says() -> None:
    assert Fingerprint(sha256=bytes(32), simhash=0).is_near(Fingerprint(sha256=bytes(32), simhash=2**64 - 1))


def test_without_a_simhash_there_are_no_bands() -> None:
    assert () == Fingerprint(sha256=bytes(32)).bands

"""How long to leave alone what has failed, and which events a stream carries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import NOON

from broker.core.delivery import KINDS, LONGEST_REST, LONGEST_WAIT, VERIFICATION, Method, Stream, event_uri, wait_after

SUPPORTED = [event_uri("https://consent.example", kind) for kind in KINDS]


def test_a_wait_doubles_up_to_the_longest_and_is_never_less_than_half() -> None:
    whole = [wait_after(failures, chance=1.0).total_seconds() for failures in range(1, 15)]
    assert [2.0**power for power in range(12)] + [3600.0] * 2 == whole
    assert [
        half * 2 for half in (wait_after(failures, chance=0.0).total_seconds() for failures in range(1, 15))
    ] == whole
    assert LONGEST_WAIT == wait_after(10_000, chance=1.0)
    assert LONGEST_REST == wait_after(10_000, chance=1.0, longest=LONGEST_REST)


def test_in_72_hours_an_event_is_tried_about_a_hundred_times() -> None:
    passed, tries = timedelta(), 0
    while passed < timedelta(hours=72):
        tries += 1
        passed += wait_after(tries, chance=0.5)
    assert 100 <= tries <= 115


def a_stream(*requested: str) -> Stream:
    """A stream that asks for these."""
    return Stream(
        client_id="c", stream_id="s", method=Method.POLL, endpoint_url=None, requested=requested, created_at=NOON
    )


def test_a_stream_that_asks_for_nothing_in_particular_carries_all() -> None:
    assert SUPPORTED == a_stream().delivered(SUPPORTED)


@pytest.mark.parametrize(
    "unknown", ["https://another.example/event", event_uri("https://consent.example", VERIFICATION)]
)
def test_what_a_stream_asks_for_and_nobody_knows_is_passed_over(unknown: str) -> None:
    assert [SUPPORTED[1]] == a_stream(unknown, SUPPORTED[1]).delivered(SUPPORTED)
    assert [] == a_stream(unknown).delivered(SUPPORTED)

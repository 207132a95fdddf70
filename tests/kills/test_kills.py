"""The short form of ``scripts/kills``: a few workers are killed, and nothing that was told is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.person import Person
from harness.running import RunningBroker
from kills.afterwards import faults
from kills.fire import Fire, Size

SHORT = Size(seconds=3.0, items=300, lines=700, each=1, people=1, pause=0.4)


@pytest.fixture
def fire(broker: RunningBroker, new_person: Callable[..., Person]) -> Fire:
    """Let a few workers be killed while everything is asked."""
    fire = Fire(broker, broker.business(), [new_person()], SHORT)
    fire.run()
    return fire


def test_what_was_told_before_a_worker_was_killed_is_there_and_whole(fire: Fire) -> None:
    assert [] == list(faults(fire))
    assert fire.kills > 1
    assert {"matches", "in batches", "in streams"} <= fire.told.seen.keys()
    # The control: what was never written down is missed.
    fire.told.decisions[fire.accounts[0]].add(f"{'a' * 26}.0")
    fire.told.batches["b" * 26] = SHORT.items
    fire.told.consents.append((fire.accounts[0], "nobody@example.com"))
    assert ["does not find 1 of", "on the sheet", "is not there"] == [
        words
        for fault in faults(fire, within=0.0)
        for words in ("does not find 1 of", "on the sheet", "is not there")
        if words in fault
    ]

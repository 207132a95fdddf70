"""A key that fell into other hands: what it signed before is evidence still, and what it signed after is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from audit.spoilt import Spoilt
from builders import NOON, StillKeys

from broker.proof.manifest import Revocation, State


@pytest.fixture
def spoilt(sqlite_spoilt: Spoilt) -> Iterator[Spoilt]:
    """Give the history on SQLite."""
    yield sqlite_spoilt
    sqlite_spoilt.put_back()


def compromised(spoilt: Spoilt, log_size: int) -> Spoilt:
    """The history at a broker whose key for receipts was in other hands from that size of the log on."""
    keys = spoilt.broker.keys
    revocation = Revocation(at=NOON, log_size=log_size, why="a laptop was stolen", by="somebody")
    entries = [
        replace(entry.becomes(State.COMPROMISED, NOON), revoked=revocation) if entry.kid == keys.receipts.kid else entry
        for entry in keys.entries
    ]
    return replace(spoilt, broker=replace(spoilt.broker, source=StillKeys(replace(keys, entries=entries))))


def test_what_was_in_the_log_before_agrees_still(spoilt: Spoilt) -> None:
    assert [] == compromised(spoilt, len(spoilt.rows["leaves"])).findings()


def test_what_came_into_the_log_afterwards_is_named(spoilt: Spoilt) -> None:
    named = {(finding.table, finding.wrong) for finding in compromised(spoilt, 0).findings()}
    tables = {table for table, wrong in named if "compromised before" in wrong}
    assert {"receipts", "statements", "erasures", "batches", "actions", "retentions"} == tables

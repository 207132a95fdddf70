"""A new storage key: everything is sealed anew under it, whatever breaks off, and the old one is needed no more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from actions.test_failures import failing_at
from acts_of_terms import offered
from builders import (
    BROWSER,
    StillKeys,
    a_choice,
    a_request,
    an_account,
    consented,
    proved,
    refused,
    registered,
    the_keys,
)
from invariants import faults_in

from broker.actions.broker import Broker
from broker.actions.linking import begin_link, claim_callback, new_attempt, open_proved, record_proof
from broker.actions.move_epoch import Outcome, move_to_newest
from broker.actions.record_consent import record_consent
from broker.errors import Unavailable
from broker.store.epochs import epochs_in_use
from broker.store.tables import ReceiptRow
from broker.store.writing import change, table_of


def holding(broker: Broker, *epochs: int) -> Broker:
    """The broker with the storage keys of these epochs."""
    keys = the_keys()
    known = {1: keys.storage[1], 2: b"2" * 32}
    return replace(broker, source=StillKeys(replace(keys, storage={epoch: known[epoch] for epoch in epochs})))


def in_use(broker: Broker) -> set[int]:
    """The epochs that something is sealed under, links apart, which live for minutes."""
    with broker.database.reading() as tx:
        found = epochs_in_use(tx)
    return {epoch for epoch, rows in found.items() if any(not name.startswith("links.") for name in rows)}


@pytest.fixture
def filled(own_broker: Broker) -> Broker:
    """Give a broker with everything in it that the store's key seals."""
    client = registered(own_broker)
    for number in range(3):
        consented(own_broker, client, an_account(str(1000 + number), f"bearer{number}"))
    refused(own_broker, client)
    offered(own_broker, client)
    proved(own_broker, an_account(), a_request(client))
    return own_broker


def test_everything_opens_under_the_newest_key_alone(filled: Broker) -> None:
    assert {1} == in_use(filled)
    outcome = move_to_newest(holding(filled, 1, 2))
    assert (True, 0, {2}) == (outcome.anew >= 9, outcome.broken, in_use(filled))
    with filled.database.transaction() as tx:
        assert [] == faults_in(tx, holding(filled, 2))


def test_both_keys_open_all_while_some_is_moved(filled: Broker) -> None:
    both = holding(filled, 1, 2)
    with failing_at(filled.database, 12), pytest.raises(Unavailable):
        move_to_newest(both)
    with filled.database.transaction() as tx:
        assert [] == faults_in(tx, both)


def test_whatever_statement_fails_the_same_command_moves_the_rest(filled: Broker) -> None:
    both, number = holding(filled, 1, 2), 0
    while in_use(filled) != {2}:
        number += 3
        with failing_at(filled.database, number), suppress(Unavailable):
            move_to_newest(both)
    assert (True, Outcome(0, 0)) == (number > 12, move_to_newest(both))
    with filled.database.transaction() as tx:
        assert [] == faults_in(tx, holding(filled, 2))


def test_a_row_that_does_not_open_is_told_and_the_rest_is_moved(filled: Broker) -> None:
    with filled.database.transaction() as tx:
        receipts = table_of(ReceiptRow)
        name = tx.execute(receipts.select().limit(1)).one().receipt_id
        change(tx, ReceiptRow, receipts.c.receipt_id == name, sealed_jwt=b"\0\1" + b"x" * 60)
    assert 1 == move_to_newest(holding(filled, 1, 2)).broken
    with filled.database.reading() as tx:
        assert {"receipts.sealed_jwt": 1} == {
            name: rows for name, rows in epochs_in_use(tx)[1].items() if not name.startswith("links.")
        }


def test_what_was_begun_under_one_epoch_is_ended_under_the_next(own_broker: Broker) -> None:
    """A person is at the platform while the keys change."""
    client, both, attempt = registered(own_broker), holding(own_broker, 1, 2), new_attempt(own_broker, "x")
    with own_broker.database.transaction() as tx:
        request = a_request(client)
        link_id = begin_link(tx, own_broker, platform="x", attempt=attempt, request=request, browser=BROWSER)
    move_to_newest(both)
    with own_broker.database.transaction() as tx:
        link, _ = claim_callback(tx, both, platform="x", state=attempt.state, browser=BROWSER)
        record_proof(tx, both, link, an_account(), browser=BROWSER)
        choice = a_choice(open_proved(tx, both, link_id, browser=BROWSER), "newsletter")
        record_consent(tx, both, client, choice)
    with own_broker.database.transaction() as tx:
        assert [] == faults_in(tx, holding(own_broker, 2))

"""Housekeeping: what has expired is dropped, by the companion, so that whoever serves need not be able to."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.actions.sign_in import LONGEST
from broker.store.sweeping import sweep


def sweep_up(broker: Broker) -> None:
    """Drop what has expired, in a transaction of its own."""
    with broker.database.transaction() as tx:
        sweep(tx, now=broker.now(), longest_session=LONGEST)

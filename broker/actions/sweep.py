"""Housekeeping, now and then, in a transaction of its own: nobody waits for it, and nobody fails with it."""

from __future__ import annotations

import logging

from broker.actions.broker import Broker
from broker.actions.sign_in import LONGEST
from broker.errors import Unavailable
from broker.store.sweeping import sweep

#: One call in so many of those that leave something behind sweeps up after all of them.
ONE_IN = 64
log = logging.getLogger(__name__)


def sweep_sometimes(broker: Broker) -> None:
    """Drop what has expired, once in :data:`ONE_IN` calls."""
    if broker.draw(ONE_IN):
        return
    try:
        with broker.database.transaction() as tx:
            sweep(tx, now=broker.now(), longest_session=LONGEST)
    except Unavailable:
        log.warning("sweeping up was put off")

"""Count a refusal by the terms that is no decision about an account: operators see how often each clause decides."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from broker.actions.broker import Broker
from broker.errors import Unavailable
from broker.store.rulings import count_ruling

log = logging.getLogger(__name__)


def note_ruling(broker: Broker, clauses: Sequence[str]) -> None:
    """Count the clauses in a transaction of its own: what they refused was undone.

    Where that fails the refusal stands all the same.
    """
    try:
        with broker.database.transaction() as tx:
            for clause in sorted(set(clauses)):  # in one order: two that count the same never wait for each other
                count_ruling(tx, clause, now=broker.now())
    except Unavailable:
        log.warning("a refusal by the terms was not counted")

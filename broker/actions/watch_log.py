"""Whether the log is kept: what readiness asks, and what an operator is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from broker.actions.broker import Broker
from broker.actions.publish_log import require_continuation
from broker.errors import BadConfiguration, LogForked
from broker.store.batches import entries_waiting_since
from broker.store.log import find_head, latest_checkpoint, waiting_since
from broker.store.transaction import Transaction

#: Twice what a leaf may take to be in a checkpoint.
LATE = timedelta(seconds=10)


def trouble_with_log(broker: Broker) -> str | None:
    """Say why the log is not kept; None when it is. It changes nothing."""
    try:
        require_continuation(broker)
    except (BadConfiguration, LogForked) as error:
        return error.detail
    with broker.database.reading() as tx:
        waiting = [time for time in (entries_waiting_since(tx), waiting_since(tx), _unpublished_since(tx)) if time]
    if waiting and broker.now() - min(waiting) > LATE:
        since = min(waiting).isoformat(timespec="seconds")
        return f"something has waited for the log since {since}: is a sequencer running?"
    return None


def _unpublished_since(tx: Transaction) -> datetime | None:
    latest, head = latest_checkpoint(tx), find_head(tx)
    return None if head is None or (latest and latest.size >= head.size) else head.moved_at

"""A person lifts what their browser signals, or lets it count again: their own word beats a setting."""

from __future__ import annotations

from datetime import datetime

from broker.actions.broker import Broker
from broker.errors import NotFound
from broker.store import signals
from broker.store.people import Person
from broker.store.transaction import Transaction


def lift_signal(tx: Transaction, broker: Broker, person: Person) -> None:
    """Let the signal count no longer, whatever the browser goes on sending."""
    _set(tx, person, broker.now())


def heed_signal(tx: Transaction, person: Person) -> None:
    """Let it count again."""
    _set(tx, person, None)


def _set(tx: Transaction, person: Person, lifted_at: datetime | None) -> None:
    if not signals.lift_signal(tx, person.key, lifted_at=lifted_at):
        raise NotFound("your browser has signalled nothing here")

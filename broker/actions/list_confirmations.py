"""What businesses confirmed after a consent ended: for its person, and who is late, for the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from broker.actions.broker import Broker
from broker.core.action import due_at, is_late
from broker.core.client import Client
from broker.store.actions import StoredAction, ToldEvent, actions_about, asking_events, unanswered_events
from broker.store.clients import find_client, list_clients
from broker.store.transaction import Transaction

#: No agreed time is shorter.
_SHORTEST = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """One consent that ended: by when its business is to say what it did, and what it said, the latest first."""

    grant_id: str
    client_id: str
    event_id: str
    due_at: datetime
    late: bool
    statements: tuple[StoredAction, ...]

    @property
    def latest(self) -> StoredAction | None:
        """What the business said last."""
        return self.statements[0] if self.statements else None


@dataclass(frozen=True, kw_only=True)
class Confirmations:
    """Every consent of a person that ended and that its business was told of, by its grant."""

    by_grant: Mapping[str, Confirmation]

    @property
    def confirmed(self) -> int:
        """How many businesses said what they did."""
        return sum(1 for it in self.by_grant.values() if it.statements)


def list_confirmations(
    tx: Transaction, broker: Broker, account: bytes, *, grant_id: str | None = None
) -> Confirmations:
    """Return what was confirmed to one person, consent by consent, or of one consent alone."""
    events = asking_events(tx, account, grant_id=grant_id)
    said = actions_about(tx, events)
    by_grant = sorted(events, key=lambda event: event.grant_id)
    found = {name: list(group) for name, group in groupby(by_grant, key=lambda event: event.grant_id)}
    return Confirmations(by_grant={name: _confirmation(tx, broker, group, said) for name, group in found.items()})


def _confirmation(tx: Transaction, broker: Broker, events: list[ToldEvent], said: list[StoredAction]) -> Confirmation:
    """The events are of one consent, in their order; an answer to any of them is one."""
    first, ids = events[0], {(event.client_id, event.event_id) for event in events}
    client = find_client(tx, first.client_id)
    assert client is not None  # noqa: S101 - a reference: no client is ever deleted
    due = due_at(first.occurred_at, client.registration.action_within)
    statements = tuple(action for action in said if (action.client_id, action.event_id) in ids)
    return Confirmation(
        grant_id=first.grant_id,
        client_id=first.client_id,
        event_id=events[-1].event_id,
        due_at=due,
        late=not statements and is_late(due, broker.now()),
        statements=statements,
    )


@dataclass(frozen=True, kw_only=True)
class Late:
    """An event that its client was to answer by now, and did not."""

    client: Client
    event: ToldEvent
    due_at: datetime


def late_answers(tx: Transaction, *, now: datetime) -> list[Late]:
    """Return what is late, what was due first first."""
    clients = {client.client_id: client for client in list_clients(tx)}
    late = [
        Late(
            client=clients[event.client_id],
            event=event,
            due_at=due_at(event.occurred_at, clients[event.client_id].registration.action_within),
        )
        for event in unanswered_events(tx, before=now - _SHORTEST)
        if event.client_id in clients
    ]
    return sorted((it for it in late if is_late(it.due_at, now)), key=lambda it: (it.due_at, it.event.event_id))

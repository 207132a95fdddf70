"""The audit of deliveries: every event is told to its client, as it is and in its place; and nothing else is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from broker.actions.broker import Broker
from broker.core.delivery import VERIFICATION
from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import rows_beside, sound_rows
from broker.store.events import queue_of
from broker.store.sweeping import TOLD

_EVENTS, _DELIVERIES = "events", "deliveries"


def check_deliveries(audit: Walk, broker: Broker) -> None:
    """Hold events and deliveries against each other. What was delivered long ago is not there any more."""
    since = broker.now() - TOLD + timedelta(minutes=1)
    for chunk in sound_rows(audit, _EVENTS):
        told = _beside(audit, _DELIVERIES, chunk)
        for event in chunk:
            delivery = told.get(_key(event))
            if delivery is None and event.values["occurred_at"] > since:
                audit.name(_DELIVERIES, "/".join(_key(event)), f"is missing: {_EVENTS} {event.key} has none")
            elif delivery is not None and delivery.sound:
                _check(audit, event.values, delivery)
    for chunk in sound_rows(audit, _DELIVERIES):
        caused = _beside(audit, _EVENTS, chunk)
        for delivery in chunk:
            if _key(delivery) not in caused and delivery.values["kind"] != VERIFICATION:
                audit.name(_DELIVERIES, delivery.key, "there is no event for it")


def _beside(audit: Walk, name: str, chunk: Sequence[Seen]) -> Mapping[tuple[str, str], Seen]:
    """The rows of the other table that are of the same client and event: asked for client by client, as they lie."""
    found: dict[tuple[str, str], Seen] = {}
    for client_id in {lying.values["client_id"] for lying in chunk}:
        ids = [lying.values["event_id"] for lying in chunk if lying.values["client_id"] == client_id]
        found |= {_key(lying): lying for lying in rows_beside(audit, name, "event_id", ids, client_id=client_id)}
    return found


def _key(lying: Seen) -> tuple[str, str]:
    return lying.values["client_id"], lying.values["event_id"]


def _check(audit: Walk, event: Mapping[str, Any], delivery: Seen) -> None:
    told = delivery.values["told"]
    expected = {
        "queue": queue_of(event["account"], event["client_id"]),
        "kind": event["type"],
        "number": event["number"],
        "occurred_at": event["occurred_at"],
    }
    other = [name for name, value in expected.items() if delivery.values[name] != value]
    other += [name for name in ("grant_id", "receipt_id") if told.get(name) != event[name]]
    if other:
        audit.name(_DELIVERIES, delivery.key, f"its event {event['event_id']} has another {', '.join(other)}")

"""Suspend, resume or approve a client. A change is written down with who made it and why, and holds from its commit."""

from __future__ import annotations

from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.core.client import Client, Standing
from broker.errors import CommandRefused, NotFound
from broker.store.clients import find_client, hold_client, set_standing, standing_before
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Change:
    """Who changes a client's standing, and why."""

    who: str
    why: str


def suspend_client(tx: Transaction, broker: Broker, client_id: str, change: Change) -> Client:
    """Stop a client: no token and no permit of it counts from this commit on (SURVEILLANCE-8)."""
    return _changed(tx, broker, client_id, change, to=Standing.SUSPENDED)


def resume_client(tx: Transaction, broker: Broker, client_id: str, change: Change) -> Client:
    """Let a suspended client act again; one that was held when it was suspended is held again."""
    _expect(tx, client_id, Standing.SUSPENDED)
    return _changed(tx, broker, client_id, change, to=standing_before(tx, client_id, Standing.SUSPENDED))


def approve_client(tx: Transaction, broker: Broker, client_id: str, change: Change) -> Client:
    """Let a held client go: its doubtful statement is confirmed."""
    _expect(tx, client_id, Standing.HELD)
    return _changed(tx, broker, client_id, change, to=Standing.ACTIVE)


def _expect(tx: Transaction, client_id: str, standing: Standing) -> None:
    # What is expected must still be so when it is changed: a suspension at the same time is not undone.
    hold_client(tx, client_id)
    client = find_client(tx, client_id)
    if client is None:
        raise NotFound(f"there is no client {client_id!r}")
    if client.standing is not standing:
        raise CommandRefused(f"client {client_id} is {client.standing.value}, not {standing.value}")


def _changed(tx: Transaction, broker: Broker, client_id: str, change: Change, *, to: Standing) -> Client:
    if not set_standing(tx, client_id, to, who=change.who, why=change.why, now=broker.now()):
        raise NotFound(f"there is no client {client_id!r}")
    client = find_client(tx, client_id)
    assert client is not None  # noqa: S101 - changed in this transaction
    return client

"""Register a client, and change its standing."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.core.client import Client, Registration, Standing
from broker.core.purposes import PROHIBITED, PURPOSES
from broker.errors import BrokerError, NotFound, PolicyRefused
from broker.store.clients import find_client, save_client, set_standing
from broker.store.database import Transaction


def register_client(tx: Transaction, broker: Broker, registration: Registration) -> Client:
    """Register a business, or raise :class:`PolicyRefused` naming the clause that forbids it."""
    refuse_purposes(registration.purposes)
    unknown = set(registration.platforms) - set(broker.platforms)
    if unknown:
        raise PolicyRefused(
            f"platforms: {min(unknown)!r} is not a platform of this broker; there are {', '.join(broker.platforms)}",
            clauses=("APPLICATION-1",),
        )
    client = Client(
        client_id=broker.new_id(),
        registration=registration,
        standing=Standing.ACTIVE,
        registered_at=broker.now(),
    )
    save_client(tx, client)
    return client


def refuse_purposes(purposes: tuple[str, ...]) -> None:
    """Refuse what no application may declare, by the clause of the category."""
    for purpose in purposes:
        if purpose in PROHIBITED:
            raise PolicyRefused(
                f"the purpose {purpose!r} is prohibited by the platform's terms",
                clauses=(PROHIBITED[purpose],),
            )
        if purpose not in PURPOSES:
            raise PolicyRefused(
                f"the purpose {purpose!r} is not known; known are {', '.join(PURPOSES)}",
                clauses=("APPLICATION-1",),
            )


def resume_client(tx: Transaction, client_id: str) -> Client:
    """Let a suspended client act again; one that is held waits for approval all the same."""
    client = find_client(tx, client_id)
    if client is not None and client.standing is Standing.HELD:
        raise BrokerError(f"client {client_id} is held, not suspended")
    return change_standing(tx, client_id, Standing.ACTIVE, why=None)


def change_standing(tx: Transaction, client_id: str, standing: Standing, *, why: str | None) -> Client:
    """Suspend or resume a client. A suspended one's every token stops counting at this commit."""
    if not set_standing(tx, client_id, standing, why=why):
        raise NotFound(f"there is no client {client_id!r}")
    client = find_client(tx, client_id)
    assert client is not None  # noqa: S101 - changed in this transaction
    return client

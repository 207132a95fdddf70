"""Registered clients: a reference table, the same on every node."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import col

from broker.core.client import Client, Registration, Standing
from broker.core.names import is_id
from broker.store.database import Transaction
from broker.store.tables import ClientRow

_ROWS = select(*ClientRow.__table__.columns)  # type: ignore[attr-defined] # SQLModel hides the table
_SEQUENCES = ("redirect_uris", "contacts", "scopes", "purposes", "platforms", "brands")


def save_client(tx: Transaction, client: Client) -> None:
    """Insert a newly registered client."""
    tx.execute(
        insert(ClientRow).values(
            client_id=client.client_id,
            standing=client.standing.value,
            standing_why=client.standing_why,
            registration=asdict(client.registration),
            registered_at=client.registered_at,
        )
    )


def find_client(tx: Transaction, client_id: str) -> Client | None:
    """Return the client of that id."""
    if not is_id(client_id):
        return None
    row = tx.execute(_ROWS.where(col(ClientRow.client_id) == client_id)).one_or_none()
    return _client(row) if row else None


def list_clients(tx: Transaction) -> list[Client]:
    """Return every client, the first registered first."""
    return [_client(row) for row in tx.execute(_ROWS.order_by(col(ClientRow.registered_at)))]


def set_standing(tx: Transaction, client_id: str, standing: Standing, *, why: str | None) -> bool:
    """Change a client's standing; False when there is no such client."""
    changed = tx.execute(
        update(ClientRow).where(col(ClientRow.client_id) == client_id).values(standing=standing.value, standing_why=why)
    )
    return changed.rowcount == 1


def _client(row: Any) -> Client:  # noqa: ANN401 - a row of the statement above
    stored: dict[str, Any] = {
        name: tuple(value) if name in _SEQUENCES else value for name, value in row.registration.items()
    }
    return Client(
        client_id=row.client_id,
        registration=Registration(**stored),
        standing=Standing(row.standing),
        standing_why=row.standing_why,
        registered_at=row.registered_at,
    )

"""Registered clients: a reference table, the same on every node."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import col

from broker.core.client import Client, Registration, Standing
from broker.core.names import is_id
from broker.store.row_security import binding
from broker.store.tables import ClientRow
from broker.store.terms_tables import StandingRow, UseCaseRow
from broker.store.transaction import Transaction
from broker.store.writing import add, add_once, change, table_of

_ROWS = select(table_of(ClientRow))
_ROW = _ROWS.where(col(ClientRow.client_id) == bindparam("client_id"))
_SEQUENCES = ("redirect_uris", "contacts", "scopes", "purposes", "platforms", "brands")


@dataclass(frozen=True, kw_only=True)
class StandingChange:
    """One change of a client's standing."""

    standing: Standing
    who: str
    why: str
    changed_at: datetime


def save_client(tx: Transaction, client: Client) -> None:
    """Insert a newly registered client."""
    add(
        tx,
        ClientRow,
        client_id=client.client_id,
        standing=client.standing.value,
        standing_why=client.standing_why,
        standing_number=client.standing_number,
        registration=asdict(client.registration),
        registered_at=client.registered_at,
    )
    why, now = client.standing_why or "registered", client.registered_at
    _write_down(tx, client.client_id, client.standing_number, client.standing, who="broker", why=why, now=now)


def find_client(tx: Transaction, client_id: str) -> Client | None:
    """Return the client of that id."""
    if not is_id(client_id):
        return None
    row = tx.execute(_ROW, {"client_id": client_id}).one_or_none()
    return _client(row) if row else None


def version_of(tx: Transaction, client_id: str) -> bytes | None:
    """What changes with every change of a client's row: its MAC."""
    return tx.execute(select(table_of(ClientRow).c.mac).where(col(ClientRow.client_id) == client_id)).scalar()


def enter_client(tx: Transaction, client_id: str) -> Client | None:
    """Return the client that calls, and let the transaction see and write no other client's rows from now on."""
    if not is_id(client_id):
        return None
    own = _ROWS.add_columns(*binding(tx, client_id)).where(col(ClientRow.client_id) == client_id)
    row = tx.execute(own).one_or_none()
    return _client(row) if row else None


def hold_client(tx: Transaction, client_id: str) -> Standing | None:
    """Let what needs a client to stay as it is go one after the other, until the transaction ends.

    Return its standing by then: it may have changed while this waited for its turn.
    """
    standing = tx.execute(
        select(col(ClientRow.standing)).where(col(ClientRow.client_id) == client_id).with_for_update()
    ).scalar_one_or_none()
    return Standing(standing) if standing else None


def list_clients(tx: Transaction) -> list[Client]:
    """Return every client, the first registered first."""
    return [_client(row) for row in tx.execute(_ROWS.order_by(col(ClientRow.registered_at)))]


def set_standing(tx: Transaction, client_id: str, standing: Standing, *, who: str, why: str, now: datetime) -> bool:
    """Change a client's standing and write the change down; False when there is no such client.

    Each change has a number. Tokens carry the one that they were issued under, and end with it.
    """
    changed = change(
        tx,
        ClientRow,
        col(ClientRow.client_id) == client_id,
        standing=standing.value,
        standing_why=why,
        standing_number=col(ClientRow.standing_number) + 1,
    )
    for row in changed:
        _write_down(tx, client_id, row.standing_number, standing, who=who, why=why, now=now)
    return bool(changed)


def _write_down(
    tx: Transaction, client_id: str, number: int, standing: Standing, *, who: str, why: str, now: datetime
) -> None:
    """What is written here stays."""
    values = {"changed_at": now, "standing": standing.value, "who": who, "why": why}
    add(tx, StandingRow, client_id=client_id, number=number, **values)


def standing_before(tx: Transaction, client_id: str, standing: Standing) -> Standing:
    """Return the client's last standing that was another than *standing*; active where none was written down."""
    found = tx.execute(
        select(col(StandingRow.standing))
        .where(col(StandingRow.client_id) == client_id, col(StandingRow.standing) != standing.value)
        .order_by(col(StandingRow.number).desc())
        .limit(1)
    ).scalar_one_or_none()
    return Standing(found) if found else Standing.ACTIVE


def list_standings(tx: Transaction, client_id: str) -> list[StandingChange]:
    """Return every change of a client's standing, the first first."""
    rows = tx.execute(
        select(table_of(StandingRow)).where(col(StandingRow.client_id) == client_id).order_by(col(StandingRow.number))
    )
    return [
        StandingChange(standing=Standing(row.standing), who=row.who, why=row.why, changed_at=row.changed_at)
        for row in rows
    ]


def claim_use_case(tx: Transaction, owner: str, environment: str, claim: str, *, client_id: str) -> str:
    """Take one claim of an owner's use cases; return the client that has it, which may be another."""
    key = {"owner": owner, "environment": environment, "claim": claim}
    add_once(tx, UseCaseRow, **key, client_id=client_id)
    same = [getattr(UseCaseRow, name) == value for name, value in key.items()]
    return str(tx.execute(select(col(UseCaseRow.client_id)).where(*same)).scalar_one())


def registration_of(stored: dict[str, Any]) -> Registration:
    """A registration as it was stored."""
    values: dict[str, Any] = {name: tuple(value) if name in _SEQUENCES else value for name, value in stored.items()}
    return Registration(**values)


def _client(row: Any) -> Client:  # noqa: ANN401 - a row of the statement above
    return Client(
        client_id=row.client_id,
        registration=registration_of(row.registration),
        standing=Standing(row.standing),
        standing_why=row.standing_why,
        standing_number=row.standing_number,
        registered_at=row.registered_at,
    )

"""Names that lead to an account: grant, receipt, capability, code, session. Kept hashed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlmodel import col

from broker.core.blinding import name_digest
from broker.store.database import Transaction
from broker.store.tables import RouteRow

GRANT, RECEIPT, CAPABILITY, CODE, SESSION = "grant", "receipt", "capability", "code", "session"
ASSOCIATION = "association"


@dataclass(frozen=True)
class Route:
    """Whose row a name is about, and which."""

    account: bytes
    target: str


def add_route(
    tx: Transaction, kind: str, name: str, *, account: bytes, target: str, expires_at: datetime | None = None
) -> None:
    """Let *name* lead to *target* of *account*."""
    tx.execute(
        insert(RouteRow).values(
            kind=kind, name=name_digest(kind, name), account=account, target=target, expires_at=expires_at
        )
    )


def find_route(tx: Transaction, kind: str, name: str) -> Route | None:
    """Return where *name* leads."""
    row = tx.execute(
        select(col(RouteRow.account), col(RouteRow.target)).where(
            col(RouteRow.kind) == kind, col(RouteRow.name) == name_digest(kind, name)
        )
    ).one_or_none()
    return Route(row.account, row.target) if row else None


def drop_route(tx: Transaction, kind: str, name: str) -> None:
    """Let *name* lead nowhere."""
    tx.execute(delete(RouteRow).where(col(RouteRow.kind) == kind, col(RouteRow.name) == name_digest(kind, name)))

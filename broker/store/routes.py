"""Names that lead to an account: grant, receipt, capability, code, session. Kept hashed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from broker.core.blinding import name_digest
from broker.store.row_mac import canonical, is_marked, row_mac
from broker.store.tables import RouteRow
from broker.store.trail import trail_of
from broker.store.transaction import Transaction
from broker.store.writing import add, add_all, drop, table_of

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
    add(tx, RouteRow, kind=kind, name=name_digest(kind, name), account=account, target=target, expires_at=expires_at)


def add_routes(tx: Transaction, *names: tuple[str, str], account: bytes, target: str) -> None:
    """Let each of *names*, a kind and a name, lead to *target* of *account* for good, in one statement."""
    there = {"account": account, "target": target}
    add_all(tx, RouteRow, [{"kind": kind, "name": name_digest(kind, name), **there} for kind, name in names])


def find_route(tx: Transaction, kind: str, name: str) -> Route | None:
    """Return where *name* leads."""
    row = tx.execute(
        select(col(RouteRow.account), col(RouteRow.target)).where(
            col(RouteRow.kind) == kind, col(RouteRow.name) == name_digest(kind, name)
        )
    ).one_or_none()
    return Route(row.account, row.target) if row else None


def find_way_in(tx: Transaction, kind: str, name: str) -> Route | None:
    """The same of a name that lets whoever knows it in, as far as the broker wrote it.

    Who can insert rows could else open anybody's page under a name of their own, and read there what is sealed.
    """
    table = table_of(RouteRow)
    found = tx.execute(select(table).where(table.c.kind == kind, table.c.name == name_digest(kind, name))).one_or_none()
    row = found._asdict() if found else None
    if row is None or not is_marked(row, row_mac(trail_of(tx).key, canonical(table, row))):
        return None
    return Route(row["account"], row["target"])


def drop_route(tx: Transaction, kind: str, name: str) -> None:
    """Let *name* lead nowhere."""
    drop(tx, RouteRow, col(RouteRow.kind) == kind, col(RouteRow.name) == name_digest(kind, name))

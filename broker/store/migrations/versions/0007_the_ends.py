"""What a consent's end needs: what its purposes meant when they were allowed, and when something comes to it next.

Every consent there is was given when the notice and its purposes meant what they meant first. Those that were not
ended are due: so long before their date that their clients are told ahead.

Revision ID: 0007
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from broker.store.remarking import before_macs, has_pen, reshape
from broker.store.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_AHEAD = timedelta(days=30)
_FIRST = "1.1"
_DUE = sa.text("due_at IS NOT NULL")
_KEY = ("account", "client_id", "identifier", "grant_id")


def _table(**columns: TypeEngine[Any]) -> sa.Table:
    """The consents as they are here, whatever becomes of them later."""
    made = [sa.Column(column, kind, primary_key=column in _KEY) for column, kind in columns.items()]
    return sa.Table("consents", sa.MetaData(), *made, sa.Column("mac", sa.LargeBinary()))


_CONSENT: dict[str, TypeEngine[Any]] = {
    # The key first, and in its order: the trail names a row by it.
    **dict.fromkeys(_KEY, sa.Text()),
    **dict.fromkeys(("account", "identifier", "sealed_details"), sa.LargeBinary()),
    **dict.fromkeys(("client_id", "grant_id", "kind", "type", "brand", "status", "ended_by", "receipt_id"), sa.Text()),
    **dict.fromkeys(("given_at", "valid_until", "ended_at"), UtcDateTime()),
    "purposes": sa.JSON(),
}
BEFORE = _table(**_CONSENT)
AFTER = _table(**_CONSENT, meanings=sa.JSON(), due_at=UtcDateTime())


def upgrade() -> None:
    op.add_column("consents", sa.Column("meanings", sa.JSON(), nullable=True))
    op.add_column("consents", sa.Column("due_at", UtcDateTime(), nullable=True))
    connection = op.get_bind()
    unmarked = before_macs(connection)
    for row in _consents(BEFORE):
        added = {"meanings": [_FIRST for _ in row["purposes"]], "due_at": _due(row)}
        reshape(connection, BEFORE, AFTER, row, unmarked=unmarked, **added)
    with op.batch_alter_table("consents") as batch:
        batch.alter_column("meanings", existing_type=sa.JSON(), nullable=False)
    columns = ["due_at", "account", "grant_id"]
    op.create_index("ix_consents_due", "consents", columns, sqlite_where=_DUE, postgresql_where=_DUE)


def _due(row: dict[str, Any]) -> datetime | None:
    """So long before the end that the client is told ahead; what has ended waits for nothing."""
    if row["status"] != "given":
        return None
    given: datetime = row["given_at"]
    until: datetime = row["valid_until"]
    return until - min(_AHEAD, (until - given) / 2)


def _consents(table: sa.Table) -> Iterator[dict[str, Any]]:
    found = op.get_bind().execute(sa.select(table).order_by(*table.primary_key)).partitions(_AT_ONCE)
    return (row._asdict() for part in found for row in part)


def downgrade() -> None:
    for row in _consents(AFTER) if has_pen(op.get_bind()) else ():
        reshape(op.get_bind(), AFTER, BEFORE, row)
    op.drop_index("ix_consents_due", table_name="consents")
    with op.batch_alter_table("consents") as batch:
        batch.drop_column("meanings")
        batch.drop_column("due_at")

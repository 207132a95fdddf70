"""Row-level security on PostgreSQL: a program's transaction sees and writes its own client's rows.

Revision ID: 0011
"""

from __future__ import annotations

from alembic import op

from broker.store.row_security import BESIDE, locks

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: Every table with ``client_id`` that there is by now.
TABLES = (
    *("actions", "associations", "clients", "codes", "consents", "contacts", "decisions", "deliveries", "events"),
    *("grounds", "idempotency", "objections", "pushed_requests", "receipts", "redistributions", "standings"),
    *("statements", "status_entries", "stream_work", "streams", "use_cases", "used_assertions"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in locks(table):
                op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for name in ("own", *(f"beside_{number}" for number, _ in enumerate(BESIDE.get(table, ()), 1))):
                op.execute(f"DROP POLICY {name} ON {table}")
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

"""What was answered lies in a part for each month on PostgreSQL; and it is written down what was dropped as too old.

A group of a sheet says when, as its sheet does: parts go by it. Its MAC is made anew by whoever migrates, since only
that holds the key; it was bound to its sheet's row before, and still is.

Revision ID: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from broker.store.partitions import FORMS, make_ahead, put_in_parts, put_together
from broker.store.row_security import locks
from broker.store.types import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: Groups of no sheet are nobody's, and stay to be named by the audit.
_OF_ITS_SHEET = """UPDATE sheet_entries SET mac = NULL, decided_at = coalesce(
    (SELECT s.decided_at FROM sheets s WHERE s.sheet_id = sheet_entries.sheet_id), '1970-01-01 00:00:00.000000')"""


def upgrade() -> None:
    op.create_table(
        "retentions",
        sa.Column("retention_id", sa.Text(), nullable=False),
        sa.Column("before", UtcDateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("jwt", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("retained_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("retention_id", name=op.f("pk_retentions")),
    )
    op.add_column("sheet_entries", sa.Column("decided_at", UtcDateTime(), nullable=True))
    op.execute(_OF_ITS_SHEET)
    with op.batch_alter_table("sheet_entries") as batch:
        batch.alter_column("decided_at", existing_type=UtcDateTime(), nullable=False)
    tx = op.get_bind()
    if tx.dialect.name == "postgresql":
        for table in FORMS:
            put_in_parts(tx, table)
        for statement in locks("cautions"):
            op.execute(statement)
        make_ahead(tx, now=tx.execute(sa.text("SELECT now()")).scalar_one())


def downgrade() -> None:
    tx = op.get_bind()
    if tx.dialect.name == "postgresql":
        op.execute("DROP POLICY own ON sheet_entries")
        for table in FORMS:
            put_together(tx, table)
        op.execute("DROP POLICY own ON cautions")
        op.execute("ALTER TABLE cautions DISABLE ROW LEVEL SECURITY")
    with op.batch_alter_table("sheet_entries") as batch:
        batch.drop_column("decided_at")
    op.drop_table("retentions")

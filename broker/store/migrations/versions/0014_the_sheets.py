"""What many were answered at one moment.

Revision ID: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from broker.store.row_security import locks
from broker.store.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sheets",
        sa.Column("sheet_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("blanked", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("groups", sa.Integer(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("moments", sa.LargeBinary(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sheet_id", name=op.f("pk_sheets")),
    )
    op.create_index(op.f("ix_sheets_decided_at_sheet_id"), "sheets", ["decided_at", "sheet_id"])
    op.create_index(op.f("ix_sheets_client_id_decided_at"), "sheets", ["client_id", "decided_at"])
    op.create_table(
        "sheet_entries",
        sa.Column("sheet_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sheet_id", "number", name=op.f("pk_sheet_entries")),
    )
    op.create_table(
        "tapes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tapes")),
    )
    op.create_index(op.f("ix_tapes_filed_at"), "tapes", ["filed_at"])
    if op.get_bind().dialect.name == "postgresql":
        for statement in locks("sheets"):
            op.execute(statement)
        # Digests cannot be made smaller: nothing is lost by not trying.
        op.execute("ALTER TABLE sheet_entries ALTER COLUMN entries SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("tapes")
    op.drop_table("sheet_entries")
    op.drop_table("sheets")

"""What a match reads of pairs and accounts, put together from where it is kept.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pairs",
        sa.Column("pair", sa.LargeBinary(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("pair", name=op.f("pk_pairs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cautions",
        sa.Column("caution", sa.LargeBinary(), nullable=False),
        sa.Column("whose", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("caution", name=op.f("pk_cautions")),
    )


def downgrade() -> None:
    op.drop_table("cautions")
    op.drop_table("pairs")

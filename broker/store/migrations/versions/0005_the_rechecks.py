"""What platforms say of accounts afterwards: gone, protected, when it was asked, what clients were told.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from broker.store.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presences",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.Column("protected_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_presences")),
    )
    op.create_table(
        "rechecks",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_rechecks")),
    )
    op.create_index(op.f("ix_rechecks_checked_at"), "rechecks", ["checked_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_rechecks_checked_at"), table_name="rechecks")
    op.drop_table("rechecks")
    op.drop_table("presences")

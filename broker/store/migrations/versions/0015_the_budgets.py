"""What each client may still ask, counted by all workers of all machines together.

Revision ID: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from broker.store.row_security import locks

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = op.get_bind().dialect.name
    op.create_table(
        "budgets",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("misses", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_budgets")),
        prefixes=["UNLOGGED"] if here == "postgresql" else [],
    )
    if here == "postgresql":
        # A row is written anew with every request: room beside it keeps that within its page, and out of the index.
        op.execute("ALTER TABLE budgets SET (fillfactor = 50)")
        for statement in locks("budgets"):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("budgets")

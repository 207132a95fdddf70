"""What the person's pages show: who asked by their handle, and what their browser signals.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from broker.store.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signals",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account", "signal", name=op.f("pk_signals")),
    )
    op.create_table(
        "led_to",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account", "decision_id", name=op.f("pk_led_to")),
    )
    op.create_index(op.f("ix_led_to_account_decided_at"), "led_to", ["account", "decided_at"], unique=False)
    op.create_index(op.f("ix_decisions_account_decided_at"), "decisions", ["account", "decided_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_decisions_account_decided_at"), table_name="decisions")
    op.drop_table("led_to")
    op.drop_table("signals")

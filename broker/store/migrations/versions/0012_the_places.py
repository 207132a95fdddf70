"""An event has its place among those that its client is told of the account; whose else there are is not counted.

Places that were given before stay what they are: each is another's still.

Revision ID: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_events_account_number", table_name="events")
    op.create_index("ix_events_account_client_id_number", "events", ["account", "client_id", "number"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_events_account_client_id_number", table_name="events")
    # Two clients may have events of one place by now: the index is there, and no longer unique.
    op.create_index("ix_events_account_number", "events", ["account", "number"], unique=False)

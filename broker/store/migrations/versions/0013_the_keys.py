"""No unique key of a table that is spread over a cluster leaves out the column that it is spread by.

Names of 128 random bits and more need no index to be unique: a generation, an event, a stream, an action. An event's is
held by the key of its delivery besides, an action's by its client's.

Revision ID: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("people", "generation"), ("streams", "stream_id"), ("actions", "action_id")):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"uq_{table}_{column}", type_="unique")
    op.create_index("ix_people_generation", "people", ["generation"])
    op.create_index("ix_actions_client_id_action_id", "actions", ["client_id", "action_id"], unique=True)
    op.drop_index("ix_events_client_id_event_id", table_name="events")
    op.create_index("ix_events_client_id_event_id", "events", ["client_id", "event_id"])


def downgrade() -> None:
    op.drop_index("ix_events_client_id_event_id", table_name="events")
    op.create_index("ix_events_client_id_event_id", "events", ["client_id", "event_id"], unique=True)
    op.drop_index("ix_actions_client_id_action_id", table_name="actions")
    op.drop_index("ix_people_generation", table_name="people")
    for table, column in (("people", "generation"), ("streams", "stream_id"), ("actions", "action_id")):
        with op.batch_alter_table(table) as batch:
            batch.create_unique_constraint(f"uq_{table}_{column}", [column])

"""What a search needs: a client's links by the record they are to.

The record leads. With the client before it SQLite would look for the records of one account by this index, too, and
walk through everything that the client has.

Revision ID: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = ("identifier", "client_id", "account")


def upgrade() -> None:
    op.create_index(op.f("ix_associations_identifier_client_id_account"), "associations", _COLUMNS)
    op.create_index(op.f("ix_grounds_identifier_client_id_account"), "grounds", _COLUMNS)


def downgrade() -> None:
    op.drop_index(op.f("ix_grounds_identifier_client_id_account"), table_name="grounds")
    op.drop_index(op.f("ix_associations_identifier_client_id_account"), table_name="associations")

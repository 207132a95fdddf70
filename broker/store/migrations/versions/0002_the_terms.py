"""What the terms need beyond consent: grounds, objections, use cases, standings, recipients, contacts.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from broker.core.client import Registration, claims_of
from broker.core.names import fold_name
from broker.store.clients import registration_of
from broker.store.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("simhash", sa.BigInteger(), nullable=True),
        sa.Column("band_0", sa.Integer(), nullable=True),
        sa.Column("band_1", sa.Integer(), nullable=True),
        sa.Column("band_2", sa.Integer(), nullable=True),
        sa.Column("band_3", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "check_id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_checked_at"), "contacts", ["checked_at"], unique=False)
    op.create_index(op.f("ix_contacts_client_id_band_0"), "contacts", ["client_id", "band_0"], unique=False)
    op.create_index(op.f("ix_contacts_client_id_band_1"), "contacts", ["client_id", "band_1"], unique=False)
    op.create_index(op.f("ix_contacts_client_id_band_2"), "contacts", ["client_id", "band_2"], unique=False)
    op.create_index(op.f("ix_contacts_client_id_band_3"), "contacts", ["client_id", "band_3"], unique=False)
    op.create_index(op.f("ix_contacts_client_id_checked_at"), "contacts", ["client_id", "checked_at"], unique=False)
    op.create_index(op.f("ix_contacts_client_id_sha256"), "contacts", ["client_id", "sha256"], unique=False)
    op.create_table(
        "grounds",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("identifier", sa.LargeBinary(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("association_id", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("from_platform", sa.Boolean(), nullable=False),
        sa.Column("expected_purposes", sa.JSON(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account", "client_id", "identifier", "tag", name=op.f("pk_grounds")),
    )
    op.create_table(
        "idempotency",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_expires_at"), "idempotency", ["expires_at"], unique=False)
    op.create_table(
        "objections",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("objected_at", UtcDateTime(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "client_id", name=op.f("pk_objections")),
    )
    op.create_table(
        "recipients",
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("agreements", sa.JSON(), nullable=False),
        sa.Column("academic", sa.JSON(), nullable=True),
        sa.Column("permission", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("recipient_id", name=op.f("pk_recipients")),
    )
    op.create_index(
        op.f("ix_recipients_owner_environment_folded_name"),
        "recipients",
        ["owner", "environment", "folded_name"],
        unique=True,
    )
    op.create_table(
        "redistributions",
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("redistribution_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("objects", sa.Text(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("handed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", "redistribution_id", name=op.f("pk_redistributions")),
    )
    op.create_index(
        op.f("ix_redistributions_recipient_id_objects_handed_at"),
        "redistributions",
        ["recipient_id", "objects", "handed_at"],
        unique=False,
    )
    op.create_table(
        "rulings",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "clause", name=op.f("pk_rulings")),
    )
    op.create_table(
        "standings",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "number", name=op.f("pk_standings")),
    )
    op.create_table(
        "statements",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("sealed_jwt", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_disclosures", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account", "statement_id", name=op.f("pk_statements")),
    )
    op.create_table(
        "tainted_pairs",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("pair", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account", "pair", name=op.f("pk_tainted_pairs")),
    )
    op.create_table(
        "use_cases",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "environment", "claim", name=op.f("pk_use_cases")),
    )
    # What was answered so far were matches; from now on every answer says what it answers.
    op.add_column("decisions", sa.Column("act", sa.Text(), nullable=False, server_default="match"))
    with op.batch_alter_table("decisions") as decisions:
        decisions.alter_column("act", server_default=None)
    op.add_column("decisions", sa.Column("association_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_decisions_client_id_decided_at"), "decisions", ["client_id", "decided_at"], unique=False)
    op.add_column("clients", sa.Column("standing_number", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("clients") as clients:
        clients.alter_column("standing_number", server_default=None)
    _claim_use_cases()


def downgrade() -> None:
    op.drop_column("clients", "standing_number")
    op.drop_index(op.f("ix_decisions_client_id_decided_at"), table_name="decisions")
    op.drop_column("decisions", "association_id")
    op.drop_column("decisions", "act")
    op.drop_table("use_cases")
    op.drop_table("tainted_pairs")
    op.drop_table("statements")
    op.drop_table("standings")
    op.drop_table("rulings")
    op.drop_index(op.f("ix_redistributions_recipient_id_objects_handed_at"), table_name="redistributions")
    op.drop_table("redistributions")
    op.drop_index(op.f("ix_recipients_owner_environment_folded_name"), table_name="recipients")
    op.drop_table("recipients")
    op.drop_table("objections")
    op.drop_index(op.f("ix_idempotency_expires_at"), table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("grounds")
    op.drop_index(op.f("ix_contacts_client_id_sha256"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_client_id_checked_at"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_client_id_band_3"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_client_id_band_2"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_client_id_band_1"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_client_id_band_0"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_checked_at"), table_name="contacts")
    op.drop_table("contacts")


def _claim_use_cases() -> None:
    """Those who registered first have their use cases."""
    connection = op.get_bind()
    clients = sa.table(
        "clients", sa.column("client_id"), sa.column("registration", sa.JSON()), sa.column("registered_at")
    )
    columns = ("owner", "environment", "claim", "client_id")
    use_cases = sa.table("use_cases", *(sa.column(name) for name in columns))
    taken: dict[tuple[str, str, str], str] = {}
    for row in connection.execute(sa.select(clients).order_by(clients.c.registered_at)):
        registration: Registration = registration_of(row.registration)
        for claim in claims_of(registration):
            taken.setdefault((fold_name(registration.owner), registration.environment, claim), row.client_id)
    if taken:
        connection.execute(
            use_cases.insert(),
            [dict(zip(columns, (*key, client_id), strict=True)) for key, client_id in taken.items()],
        )

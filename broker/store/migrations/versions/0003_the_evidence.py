"""What evidence needs: the log's head, tiles and checkpoints; a MAC on every row, the trail and its batches; erasures.

What the store's key seals begins with its epoch from now on; all there is is of the first.

Revision ID: 0003
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from broker.store.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: The tables there were before; each row gets a MAC.
TABLES = (
    *("associations", "clients", "codes", "consents", "contacts", "decisions", "events", "grounds", "handles"),
    *("idempotency", "leaves", "links", "notices", "objections", "people", "person_sessions", "pushed_requests"),
    *("receipts", "recipients", "redistributions", "refusals", "revoked_tokens", "routes", "rulings", "standings"),
    *("statements", "status_entries", "tainted_pairs", "use_cases", "used_assertions"),
)

#: What the store's key seals, by itself or together with a browser's cookie.
STORE_SEALED = {
    "people": ("wrapped_key",),
    "receipts": ("sealed_jwt",),
    "statements": ("sealed_jwt",),
    "idempotency": ("sealed_answer",),
    "pushed_requests": ("sealed_request",),
    "links": ("sealed_attempt", "sealed_request", "sealed_account"),
}
FIRST_EPOCH = b"\0\1"
#: What may be about a person, and is now found by their account.
NAMING_AN_ACCOUNT = ("links", "idempotency")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("mac", sa.LargeBinary(), nullable=True))
    _change_sealed(lambda column: _joined(sa.literal(FIRST_EPOCH, sa.LargeBinary()), column))
    for table in NAMING_AN_ACCOUNT:
        op.add_column(table, sa.Column("account", sa.LargeBinary(), nullable=True))
    _name_generations()
    _tell_what_stands()
    _make_log()
    _make_trail()
    _make_records()


def _change_sealed(change: Callable[[sa.ColumnClause[bytes]], sa.ColumnElement[bytes]]) -> None:
    """Write what the store's key sealed anew; NULL stays NULL, and nothing stays nothing."""
    for table, names in STORE_SEALED.items():
        for name in names:
            column = sa.column(name, sa.LargeBinary())
            rows = sa.update(sa.table(table, column)).where(sa.func.length(column) > 0)
            op.get_bind().execute(rows.values({name: change(column)}))


def _joined(*parts: sa.ColumnElement[bytes]) -> sa.ColumnElement[bytes]:
    """Bytes after bytes: SQLite joins them as text, and keeps every byte."""
    whole = parts[0].op("||")(parts[1])
    return sa.cast(whole, sa.LargeBinary()) if op.get_bind().dialect.name == "sqlite" else whole


def _name_generations() -> None:
    op.add_column("people", sa.Column("generation", sa.String(32), nullable=True))
    people = sa.table("people", sa.column("account", sa.LargeBinary()), sa.column("generation", sa.String()))
    connection = op.get_bind()
    for (account,) in connection.execute(sa.select(people.c.account)).all():
        named = sa.update(people).where(people.c.account == account).values(generation=secrets.token_hex(16))
        connection.execute(named)
    with op.batch_alter_table("people") as batch:
        batch.alter_column("generation", existing_type=sa.String(32), nullable=False)
        batch.create_unique_constraint(op.f("uq_people_generation"), ["generation"])


def _tell_what_stands() -> None:
    """Let each status entry know its consent's client and date; that of a refusal or of an end stands for none."""
    op.add_column("status_entries", sa.Column("client_id", sa.Text(), nullable=True))
    op.add_column("status_entries", sa.Column("valid_until", UtcDateTime(), nullable=True))
    entries = sa.table(
        "status_entries",
        *(sa.column(name) for name in ("list_id", "position", "value", "client_id")),
        sa.column("valid_until", UtcDateTime()),
    )
    receipts = sa.table(
        "receipts",
        *(sa.column(name) for name in ("account", "receipt_id", "client_id", "status", "status_list", "status_index")),
    )
    consents = sa.table(
        "consents", *(sa.column(name) for name in ("account", "receipt_id")), sa.column("valid_until", UtcDateTime())
    )
    connection = op.get_bind()
    both = sa.and_(consents.c.account == receipts.c.account, consents.c.receipt_id == receipts.c.receipt_id)
    kept = sa.select(
        receipts.c.status_list, receipts.c.status_index, receipts.c.client_id, receipts.c.status, consents.c.valid_until
    ).select_from(receipts.outerjoin(consents, both))
    for listed, position, client_id, status, until in connection.execute(kept).all():
        same = (entries.c.list_id == listed, entries.c.position == position)
        known = {"client_id": client_id, "valid_until": until} if status == "given" else {"value": 1}
        connection.execute(sa.update(entries).where(*same).values(**known))


def _make_log() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "log_head",
        sa.Column("log", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_head")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_tiles")),
    )
    pending = sa.text("leaf_index IS NULL")
    columns = ["left_at", "leaf"]
    op.create_index("ix_leaves_pending", "leaves", columns, sqlite_where=pending, postgresql_where=pending)


def _make_trail() -> None:
    op.create_table(
        "trail",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("row_table", sa.Text(), nullable=False),
        sa.Column("row_key", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("erasure_id", sa.Text(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trail")),
    )
    waiting = sa.text("batch IS NULL")
    op.create_index(op.f("ix_trail_row_key"), "trail", ["row_key"])
    op.create_index(op.f("ix_trail_batch_position"), "trail", ["batch", "position"], unique=True)
    op.create_index("ix_trail_waiting", "trail", ["number"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "batches",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jwt", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_batches")),
    )


def _make_records() -> None:
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("jwt", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "policy_texts",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy_texts")),
    )


def downgrade() -> None:
    for table in ("policy_texts", "erasures", "batches", "trail", "log_tiles", "log_head", "checkpoints"):
        op.drop_table(table)
    op.drop_index("ix_leaves_pending", table_name="leaves")
    _change_sealed(lambda column: sa.func.substr(column, len(FIRST_EPOCH) + 1))
    with op.batch_alter_table("status_entries") as batch:
        batch.drop_column("valid_until")
        batch.drop_column("client_id")
    with op.batch_alter_table("people") as batch:
        batch.drop_constraint(op.f("uq_people_generation"), type_="unique")
        batch.drop_column("generation")
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("mac")
            if table in NAMING_AN_ACCOUNT:
                batch.drop_column("account")

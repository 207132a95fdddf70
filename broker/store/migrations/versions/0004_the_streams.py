"""What delivery needs: streams, the work on them, deliveries; every event gets its place among those of its account.

The events that there are get theirs in the order in which they happened, and a delivery each: their clients are told
as soon as they have a stream.

Revision ID: 0004
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from broker.store.remarking import before_macs, has_pen, marked, reshape
from broker.store.types import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_PENDING, _DEAD = sa.text("state = 'pending'"), sa.text("state = 'dead'")
_TRIED = sa.text("state = 'pending' AND first_attempt_at IS NOT NULL")


def _table(name: str, keys: tuple[str, ...], **columns: TypeEngine[Any]) -> sa.Table:
    """A table as it is here, whatever becomes of it later."""
    made = [sa.Column(column, kind, primary_key=column in keys) for column, kind in columns.items()]
    return sa.Table(name, sa.MetaData(), *made, sa.Column("mac", sa.LargeBinary()))


_EVENT: dict[str, TypeEngine[Any]] = {
    "account": sa.LargeBinary(),
    **dict.fromkeys(("event_id", "client_id", "type", "grant_id", "receipt_id"), sa.Text()),
    "occurred_at": UtcDateTime(),
}
BEFORE = _table("events", ("account", "event_id"), **_EVENT)
AFTER = _table("events", ("account", "event_id"), **_EVENT, number=sa.Integer())
DELIVERIES = _table(
    "deliveries",
    ("client_id", "event_id"),
    **dict.fromkeys(("client_id", "event_id", "kind", "txn", "about", "state", "problem"), sa.Text()),
    **dict.fromkeys(("occurred_at", "first_attempt_at", "next_attempt_at", "ended_at"), UtcDateTime()),
    queue=sa.LargeBinary(),
    number=sa.Integer(),
    told=sa.JSON(),
    attempts=sa.Integer(),
)
RECEIPTS = sa.table(
    "receipts", *(sa.column(name) for name in ("account", "grant_id", "receipt_id", "status", "issued_at"))
)


def upgrade() -> None:
    _make_streams()
    _make_deliveries()
    op.add_column("events", sa.Column("number", sa.Integer(), nullable=True))
    _number_events()
    with op.batch_alter_table("events") as batch:
        batch.alter_column("number", existing_type=sa.Integer(), nullable=False)
    op.create_index(op.f("ix_events_account_number"), "events", ["account", "number"], unique=True)
    op.create_index(op.f("ix_events_client_id_event_id"), "events", ["client_id", "event_id"], unique=True)


def _number_events() -> None:
    connection, last = op.get_bind(), Counter[bytes]()
    unmarked = before_macs(connection)
    for event in _events(BEFORE):
        last[event["account"]] += 1
        number = last[event["account"]]
        # One that the broker did not write is numbered, and told to nobody.
        if reshape(connection, BEFORE, AFTER, event, unmarked=unmarked, number=number):
            connection.execute(DELIVERIES.insert(), marked(connection, DELIVERIES, _delivery(event, number)))


def _events(table: sa.Table) -> Iterator[dict[str, Any]]:
    """Every event, an account's in the order in which they happened."""
    order = (table.c.account, table.c.occurred_at, table.c.event_id)
    found = op.get_bind().execute(sa.select(table).order_by(*order)).partitions(_AT_ONCE)
    return (row._asdict() for part in found for row in part)


def _delivery(event: dict[str, Any], number: int) -> dict[str, Any]:
    account, client_id = event["account"], event["client_id"]
    return {
        "client_id": client_id,
        "event_id": event["event_id"],
        "queue": hashlib.sha256(b"queue\0" + account + client_id.encode()).digest()[:16],
        "number": number,
        "kind": event["type"],
        "txn": event["event_id"],
        "about": _given(event),
        "told": {"grant_id": event["grant_id"], "receipt_id": event["receipt_id"]},
        "occurred_at": event["occurred_at"],
        "state": "pending",
        "attempts": 0,
        "next_attempt_at": event["occurred_at"],
    }


def _given(event: dict[str, Any]) -> str:
    """The receipt that the event's consent was given with; it is there for the erased as well."""
    same = (RECEIPTS.c.account == event["account"], RECEIPTS.c.grant_id == event["grant_id"])
    given = sa.select(RECEIPTS.c.receipt_id).where(*same, RECEIPTS.c.status == "given")
    found: str | None = op.get_bind().execute(given).scalar()
    return found or event["receipt_id"]


def _make_streams() -> None:
    op.create_table(
        "streams",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("stream_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("endpoint_url", sa.Text(), nullable=True),
        sa.Column("sealed_authorization", sa.LargeBinary(), nullable=False),
        sa.Column("requested", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_streams")),
        sa.UniqueConstraint("stream_id", name=op.f("uq_streams_stream_id")),
    )
    op.create_table(
        "stream_work",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", UtcDateTime(), nullable=True),
        sa.Column("troubled_since", UtcDateTime(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_stream_work")),
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("txn", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "event_id", name=op.f("pk_deliveries")),
    )
    columns = ["client_id", "queue", "number"]
    op.create_index(op.f("ix_deliveries_client_id_queue_number"), "deliveries", columns, unique=True)
    columns = ["client_id", "next_attempt_at", "event_id"]
    op.create_index("ix_deliveries_pending", "deliveries", columns, sqlite_where=_PENDING, postgresql_where=_PENDING)
    columns = ["first_attempt_at"]
    op.create_index("ix_deliveries_tried", "deliveries", columns, sqlite_where=_TRIED, postgresql_where=_TRIED)
    op.create_index("ix_deliveries_dead", "deliveries", ["client_id"], sqlite_where=_DEAD, postgresql_where=_DEAD)
    op.create_index(op.f("ix_deliveries_ended_at"), "deliveries", ["ended_at"])


def downgrade() -> None:
    for event in _events(AFTER) if has_pen(op.get_bind()) else ():
        reshape(op.get_bind(), AFTER, BEFORE, event)
    for name in ("ix_events_account_number", "ix_events_client_id_event_id"):
        op.drop_index(name, table_name="events")
    with op.batch_alter_table("events") as batch:
        batch.drop_column("number")
    for table in ("deliveries", "stream_work", "streams"):
        op.drop_table(table)

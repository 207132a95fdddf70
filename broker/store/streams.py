"""Clients' streams, and who works on each: a lease of seconds, taken by compare-and-swap on the stream's own row.

Trusted for where events go: an address that was edited here behind the broker gets what its client is told, which
names nobody, and the audit names the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlmodel import col

from broker.core.delivery import Method, State, Stream, StreamStatus
from broker.store.deliveries import earlier_one_waits
from broker.store.delivery_tables import DeliveryRow, StreamRow, StreamWorkRow
from broker.store.sealing import Sealer
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime
from broker.store.writing import add, add_once, change, drop, table_of

_ROWS = select(*table_of(StreamRow).columns)


@dataclass(frozen=True, kw_only=True)
class Work:
    """How a stream's receiver has behaved: failures in a row, until when it is left alone, since when it is gone."""

    failures: int = 0
    rests_until: datetime | None = None
    troubled_since: datetime | None = None


def save_stream(tx: Transaction, stream: Stream, *, store: Sealer) -> bool:
    """Insert a client's stream; False when it has one."""
    if not add_once(tx, StreamRow, client_id=stream.client_id, **_written(stream, store)):
        return False
    add(tx, StreamWorkRow, client_id=stream.client_id, failures=0)
    return True


def change_stream(tx: Transaction, stream: Stream, *, store: Sealer) -> None:
    """Write a stream anew, and forget how its receiver behaved: it may be another one by now.

    Whoever works on it has it no more: they may write nothing of the stream as it was. Nobody else gets it before they
    say that they have stopped, or their time is over.
    """
    change(tx, StreamRow, col(StreamRow.client_id) == stream.client_id, **_written(stream, store))
    fresh = {"failures": 0, "rests_until": None, "troubled_since": None, "leased_by": None}
    change(tx, StreamWorkRow, col(StreamWorkRow.client_id) == stream.client_id, **fresh)


def drop_stream(tx: Transaction, client_id: str) -> None:
    """Take a stream away. What was not delivered waits for the next one."""
    drop(tx, StreamRow, col(StreamRow.client_id) == client_id)
    drop(tx, StreamWorkRow, col(StreamWorkRow.client_id) == client_id)


def find_stream(tx: Transaction, client_id: str, *, store: Sealer) -> Stream | None:
    """Return the client's stream."""
    row = tx.execute(_ROWS.where(col(StreamRow.client_id) == client_id)).one_or_none()
    return _stream(row, store) if row else None


def hold_stream(tx: Transaction, client_id: str, *, store: Sealer) -> Stream | None:
    """Return the client's stream, and let whoever changes it do so one after the other."""
    row = tx.execute(_ROWS.where(col(StreamRow.client_id) == client_id).with_for_update()).one_or_none()
    return _stream(row, store) if row else None


_NOW = bindparam("now", type_=UtcDateTime())
#: Since when the first of what may go to a stream waits; NULL where nothing may.
_WAITS_SINCE = (
    select(col(DeliveryRow.next_attempt_at))
    .where(
        col(DeliveryRow.client_id) == col(StreamRow.client_id),
        col(DeliveryRow.state) == State.PENDING.value,
        col(DeliveryRow.next_attempt_at) <= _NOW,
        ~earlier_one_waits(),
    )
    .order_by(col(DeliveryRow.next_attempt_at))
    .limit(1)
    .correlate(StreamRow)
    .scalar_subquery()
)
#: Asked twice a second, so made once.
_TO_PUSH = (
    select(col(StreamRow.client_id))
    .join(StreamWorkRow, col(StreamWorkRow.client_id) == col(StreamRow.client_id))
    .where(
        col(StreamRow.method) == Method.PUSH.value,
        col(StreamRow.status) == StreamStatus.ENABLED.value,
        or_(col(StreamWorkRow.leased_until).is_(None), col(StreamWorkRow.leased_until) <= _NOW),
        or_(col(StreamWorkRow.rests_until).is_(None), col(StreamWorkRow.rests_until) <= _NOW),
        _WAITS_SINCE.is_not(None),
    )
    .order_by(_WAITS_SINCE, col(StreamRow.client_id))
    .limit(bindparam("most"))
)


def streams_to_push(tx: Transaction, *, now: datetime, limit: int) -> list[str]:
    """Return clients to whom something can be pushed now, and whose streams nobody works on; the longest wait first."""
    return list(tx.execute(_TO_PUSH, {"now": now, "most": limit}).scalars())


def lease_stream(tx: Transaction, client_id: str, holder: str, *, now: datetime, until: datetime) -> Work | None:
    """Take a stream to work on for a while; None when somebody else has it, or it rests, or is gone."""
    free = or_(col(StreamWorkRow.leased_until).is_(None), col(StreamWorkRow.leased_until) <= now)
    rested = or_(col(StreamWorkRow.rests_until).is_(None), col(StreamWorkRow.rests_until) <= now)
    mine = (col(StreamWorkRow.client_id) == client_id, free, rested)
    for row in change(tx, StreamWorkRow, *mine, leased_by=holder, leased_until=until):
        return Work(failures=row.failures, rests_until=row.rests_until, troubled_since=row.troubled_since)
    return None


def release_stream(tx: Transaction, client_id: str, holder: str, work: Work, *, until: datetime) -> bool:
    """Give back a stream that was leased *until* then, and note how its receiver behaved.

    False when somebody else has it by now, or it was changed: nothing is noted then.
    """
    which = col(StreamWorkRow.client_id) == client_id
    given_back = {"leased_by": None, "leased_until": None}
    if change(tx, StreamWorkRow, which, col(StreamWorkRow.leased_by) == holder, **given_back, **vars(work)):
        return True
    changed = (col(StreamWorkRow.leased_by).is_(None), col(StreamWorkRow.leased_until) == until)
    change(tx, StreamWorkRow, which, *changed, leased_until=None)
    return False


def troubled_streams(tx: Transaction, *, since: datetime) -> list[str]:
    """Return clients whose receivers have been gone since then or longer."""
    found = select(col(StreamWorkRow.client_id)).where(col(StreamWorkRow.troubled_since) <= since)
    return list(tx.execute(found).scalars())


def disabled_streams(tx: Transaction) -> list[str]:
    """Return clients whose streams are disabled."""
    found = select(col(StreamRow.client_id)).where(col(StreamRow.status) == StreamStatus.DISABLED.value)
    return list(tx.execute(found).scalars())


def _written(stream: Stream, store: Sealer) -> dict[str, object]:
    place, text = _place(stream.client_id), stream.authorization
    return {
        "stream_id": stream.stream_id,
        "method": stream.method.value,
        "endpoint_url": stream.endpoint_url,
        "sealed_authorization": store.seal(text.encode(), place=place) if text else b"",
        "requested": list(stream.requested),
        "description": stream.description,
        "status": stream.status.value,
        "reason": stream.reason,
        "created_at": stream.created_at,
    }


def _stream(row: Any, store: Sealer) -> Stream:  # noqa: ANN401 - a row of the statement above
    sealed = row.sealed_authorization
    return Stream(
        client_id=row.client_id,
        stream_id=row.stream_id,
        method=Method(row.method),
        endpoint_url=row.endpoint_url,
        authorization=store.open(sealed, place=_place(row.client_id)).decode() if sealed else None,
        requested=tuple(row.requested),
        description=row.description,
        status=StreamStatus(row.status),
        reason=row.reason,
        created_at=row.created_at,
    )


def _place(client_id: str) -> str:
    return f"streams.sealed_authorization:{client_id}"

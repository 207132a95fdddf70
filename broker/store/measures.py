"""What is measured of the database when somebody looks: each figure is one row by an index, or a count with an end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlmodel import col

from broker.core.delivery import Method, State, StreamStatus
from broker.store.batches import entries_waiting_since
from broker.store.delivery_tables import DeliveryRow, StreamRow
from broker.store.log import find_head, latest_checkpoint, waiting_since
from broker.store.log_tables import TrailRow
from broker.store.presence_tables import RecheckRow
from broker.store.tables import ConsentRow, LeafRow
from broker.store.transaction import Transaction

#: So far is counted: who waits for more is in trouble, whatever the number.
MOST = 10_000
#: Streams that are asked what waits for them.
_STREAMS = 1_000
#: A figure: its name, its value, and its labels.
Figure = tuple[str, float, dict[str, str]]


def measure(tx: Transaction, *, now: datetime) -> Iterator[Figure]:
    """Figures of the log, the trail, deliveries, rechecks and what is due; ages in seconds, 0 where nothing waits."""
    yield from _of_the_log(tx, now)
    yield "trail_entries_waiting", _count(tx, select(col(TrailRow.number)).where(col(TrailRow.batch).is_(None))), {}
    yield "trail_lag_seconds", _age(entries_waiting_since(tx), now), {}
    yield from _of_deliveries(tx, now)
    due = select(col(ConsentRow.due_at)).where(col(ConsentRow.due_at) <= now).order_by(col(ConsentRow.due_at))
    yield "consents_due", _count(tx, due), {}
    yield "consents_due_lag_seconds", _age(tx.execute(due.limit(1)).scalar_one_or_none(), now), {}
    asked = select(func.min(col(RecheckRow.checked_at)))
    yield "recheck_oldest_seconds", _age(tx.execute(asked).scalar_one_or_none(), now), {}


def _of_the_log(tx: Transaction, now: datetime) -> Iterator[Figure]:
    head, latest = find_head(tx), latest_checkpoint(tx)
    yield "log_leaves", head.size if head else 0, {}
    yield "log_leaves_published", latest.size if latest else 0, {}
    yield "log_checkpoint_age_seconds", _age(latest.published_at if latest else None, now), {}
    yield "log_leaves_waiting", _count(tx, select(col(LeafRow.leaf)).where(col(LeafRow.leaf_index).is_(None))), {}
    # A leaf is in a checkpoint only when the head that holds it is published.
    behind = head.moved_at if head and (latest is None or latest.size < head.size) else None
    oldest = min((time for time in (waiting_since(tx), behind) if time), default=None)
    yield "log_lag_seconds", _age(oldest, now), {}


def _of_deliveries(tx: Transaction, now: datetime) -> Iterator[Figure]:
    tried = col(DeliveryRow.first_attempt_at)
    states: dict[str, tuple[ColumnElement[bool], ...]] = {
        "waiting": (_is(State.PENDING),),
        "retrying": (_is(State.PENDING), tried.is_not(None)),
        "given_up": (_is(State.DEAD),),
    }
    for state, which in states.items():
        yield "deliveries", _count(tx, select(col(DeliveryRow.client_id)).where(*which)), {"state": state}
    retried = select(tried).where(*states["retrying"]).order_by(tried).limit(1)
    yield "delivery_retrying_seconds", _age(tx.execute(retried).scalar_one_or_none(), now), {}
    yield "delivery_lag_seconds", _age(_due_since(tx, now), now), {}


def _due_since(tx: Transaction, now: datetime) -> datetime | None:
    """Since when something could be pushed: of each stream one row, by its index. Who polls comes when they like."""
    streams = select(col(StreamRow.client_id)).where(
        col(StreamRow.status) == StreamStatus.ENABLED.value, col(StreamRow.method) == Method.PUSH.value
    )
    some = streams.limit(_STREAMS).subquery()
    first = (
        select(func.min(col(DeliveryRow.next_attempt_at)))
        .where(col(DeliveryRow.client_id) == some.c.client_id, _is(State.PENDING))
        .scalar_subquery()
    )
    earliest: datetime | None = tx.execute(select(func.min(first)).select_from(some)).scalar_one_or_none()
    return earliest if earliest and earliest <= now else None


def _is(state: State) -> ColumnElement[bool]:
    # In the text: an index over the few rows of a state is found by a word, not by a value that comes later.
    return col(DeliveryRow.state) == literal(state.value, literal_execute=True)


def _count(tx: Transaction, which: Select[Any]) -> int:
    """How many there are, up to :data:`MOST`."""
    counted: int = tx.execute(select(func.count()).select_from(which.limit(MOST).subquery())).scalar_one()
    return counted


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0

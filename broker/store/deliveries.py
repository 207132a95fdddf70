"""Deliveries: of each account's events the first that has not ended goes next, and no account waits for another.

Whatever is written here says what has happened already: that a receiver acknowledged, that it did not. Written twice,
or by two workers at once, it says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from broker.core.delivery import State, StreamStatus
from broker.store.delivery_tables import DeliveryRow, StreamRow
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime
from broker.store.writing import add, change, drop, table_of

_PENDING = col(DeliveryRow.state) == State.PENDING.value
_ROWS = select(*table_of(DeliveryRow).columns)
#: A client's id and an event's.
Key = tuple[str, str]
#: Rows that are given up in one transaction, at most.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event for one client. ``about`` is what it is about: a receipt's id, or a stream's."""

    client_id: str
    event_id: str
    kind: str
    txn: str
    about: str
    told: dict[str, Any]
    occurred_at: datetime
    state: State
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime
    ended_at: datetime | None
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How much of one client's waits, since when, and how much was given up."""

    client_id: str
    pending: int
    oldest: datetime | None
    dead: int


def earlier_one_waits() -> ColumnElement[bool]:
    """That an event of the same account, earlier than the one in question, is not done with."""
    earlier = aliased(DeliveryRow)
    return (
        select(col(earlier.event_id))
        .where(
            col(earlier.client_id) == col(DeliveryRow.client_id),
            col(earlier.queue) == col(DeliveryRow.queue),
            col(earlier.number) < col(DeliveryRow.number),
            col(earlier.state) == State.PENDING.value,
        )
        .exists()
    )


_NEXT = (
    _ROWS.where(
        col(DeliveryRow.client_id) == bindparam("client_id"),
        _PENDING,
        col(DeliveryRow.next_attempt_at) <= bindparam("now", type_=UtcDateTime()),
        ~earlier_one_waits(),
    )
    .order_by(col(DeliveryRow.next_attempt_at), col(DeliveryRow.event_id))
    .limit(bindparam("most"))
)


def next_deliveries(tx: Transaction, client_id: str, *, now: datetime, limit: int) -> list[Delivery]:
    """Return what may go to a client now: each account's first, what was tried longest ago first."""
    return [_delivery(row) for row in tx.execute(_NEXT, {"client_id": client_id, "now": now, "most": limit})]


def add_notice(
    tx: Transaction, *, client_id: str, event_id: str, kind: str, about: str, told: dict[str, Any], now: datetime
) -> None:
    """Leave what is about a stream itself, such as a verification; it waits for no account."""
    own = {"queue": _own_queue(kind) + event_id.encode(), "number": 1, "txn": event_id, "about": about, "told": told}
    when = {"occurred_at": now, "next_attempt_at": now}
    pending = {"state": State.PENDING.value, "attempts": 0}
    add(tx, DeliveryRow, client_id=client_id, event_id=event_id, kind=kind, **own, **when, **pending)


def last_of_kind(tx: Transaction, client_id: str, kind: str) -> datetime | None:
    """Return when a client was last left something of that kind."""
    found = select(func.max(col(DeliveryRow.occurred_at))).where(*_own(client_id, kind))
    latest: datetime | None = tx.execute(found).scalar_one_or_none()
    return latest


def drop_waiting(tx: Transaction, client_id: str, kind: str) -> None:
    """Drop what of that kind a client was left and has not taken: another one takes its place."""
    drop(tx, DeliveryRow, *_own(client_id, kind), _PENDING)


def _own(client_id: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    # By their queues, which an index leads to: everybody waits meanwhile, and a client may have been told of millions.
    queue = col(DeliveryRow.queue).between(_own_queue(kind), _own_queue(kind) + b"\xff")
    return col(DeliveryRow.client_id) == client_id, queue, col(DeliveryRow.kind) == kind


def _own_queue(kind: str) -> bytes:
    """How the queue of a notice begins; an account's is a digest."""
    return f"{kind}:".encode()


def mark_delivered(tx: Transaction, client_id: str, event_ids: Sequence[str], *, now: datetime) -> list[str]:
    """Note that a client has these; return those that were new. One that was given up is delivered after all."""
    open_still = col(DeliveryRow.state).in_((State.PENDING.value, State.DEAD.value))
    rows = change(
        tx,
        DeliveryRow,
        *_these(client_id, event_ids),
        open_still,
        state=State.DELIVERED.value,
        ended_at=now,
        problem=None,
    )
    return [row.event_id for row in rows]


def mark_unwanted(tx: Transaction, client_id: str, event_ids: Sequence[str], *, now: datetime) -> None:
    """Note that the stream does not ask for these."""
    if event_ids:
        change(tx, DeliveryRow, *_these(client_id, event_ids), _PENDING, state=State.UNWANTED.value, ended_at=now)


def mark_tried(
    tx: Transaction, client_id: str, event_id: str, *, now: datetime, again_at: datetime, problem: str | None
) -> None:
    """Note an attempt that was not acknowledged, or that one was handed out; and when it may go again."""
    change(
        tx,
        DeliveryRow,
        *_these(client_id, [event_id]),
        _PENDING,
        attempts=col(DeliveryRow.attempts) + 1,
        first_attempt_at=func.coalesce(col(DeliveryRow.first_attempt_at), literal(now, UtcDateTime)),
        next_attempt_at=again_at,
        problem=problem,
    )


def hurry(tx: Transaction, client_id: str, *, now: datetime) -> None:
    """Let what waits for another attempt go at once: something has changed."""
    late = col(DeliveryRow.next_attempt_at) > now
    change(tx, DeliveryRow, col(DeliveryRow.client_id) == client_id, _PENDING, late, next_attempt_at=now)


def begin_anew(tx: Transaction, client_id: str, *, now: datetime) -> None:
    """Let what waits go as if it had never been tried: while there was nowhere to send it, it did not fail."""
    tried = col(DeliveryRow.first_attempt_at).is_not(None)
    fresh = {"attempts": 0, "first_attempt_at": None, "next_attempt_at": now}
    change(tx, DeliveryRow, col(DeliveryRow.client_id) == client_id, _PENDING, tried, **fresh)


def attempts_of(tx: Transaction, client_id: str, event_ids: Sequence[str]) -> dict[str, int]:
    """Return how often those of these were tried that still wait."""
    tried = select(col(DeliveryRow.event_id), col(DeliveryRow.attempts)).where(*_these(client_id, event_ids), _PENDING)
    return {row.event_id: row.attempts for row in tx.execute(tried)}


def overdue(tx: Transaction, *, since: datetime) -> list[Key]:
    """Name some of what is tried since then or longer, and could be sent now: a stream that is paused keeps its own."""
    tried, enabled = col(DeliveryRow.first_attempt_at), StreamStatus.ENABLED.value
    sends = exists().where(col(StreamRow.client_id) == col(DeliveryRow.client_id), col(StreamRow.status) == enabled)
    return _some(tx, tried.is_not(None), tried <= since, sends)


def waiting_for(tx: Transaction, client_ids: Sequence[str], *, until: datetime) -> list[Key]:
    """Name some of what these clients are to be told of the time until then, tried or not."""
    return _some(tx, col(DeliveryRow.client_id).in_(client_ids), col(DeliveryRow.occurred_at) <= until)


def _some(tx: Transaction, *which: ColumnElement[bool]) -> list[Key]:
    keys = select(col(DeliveryRow.client_id), col(DeliveryRow.event_id)).where(_PENDING, *which).limit(_AT_ONCE)
    return [(row.client_id, row.event_id) for row in tx.execute(keys)]


def bury(tx: Transaction, keys: Sequence[Key], *, now: datetime, problem: str) -> list[Delivery]:
    """Give these up; return those that were still waiting. *problem* says why, where no attempt has."""
    why = func.coalesce(col(DeliveryRow.problem), problem)
    buried: list[Delivery] = []
    for client_id in sorted({client_id for client_id, _event_id in keys}):
        ids = [event_id for whose, event_id in keys if whose == client_id]
        given_up = {"state": State.DEAD.value, "ended_at": now, "problem": why}
        rows = change(tx, DeliveryRow, *_these(client_id, ids), _PENDING, **given_up)
        buried += [_delivery(row) for row in rows]
    return buried


def revive(tx: Transaction, *, client_id: str | None, event_id: str | None, now: datetime) -> int:
    """Let what was given up go again: one event, or all of a client's; return how many."""
    which = [col(DeliveryRow.state) == State.DEAD.value]
    which += [col(DeliveryRow.client_id) == client_id] if client_id else []
    which += [col(DeliveryRow.event_id) == event_id] if event_id else []
    fresh = {"state": State.PENDING.value, "attempts": 0, "first_attempt_at": None, "ended_at": None}
    whose = tx.execute(select(col(DeliveryRow.client_id)).distinct().where(*which)).scalars().all()
    return sum(
        len(change(tx, DeliveryRow, col(DeliveryRow.client_id) == mine, *which, next_attempt_at=now, **fresh))
        for mine in sorted(whose)  # one by one: in a cluster each client's lie elsewhere, and are locked alone
    )


def find_deliveries(
    tx: Transaction,
    *,
    state: State | None = None,
    client_id: str | None = None,
    event_id: str | None = None,
    limit: int,
) -> list[Delivery]:
    """Return deliveries, the earliest event first."""
    asked = (
        (DeliveryRow.state, state and state.value),
        (DeliveryRow.client_id, client_id),
        (DeliveryRow.event_id, event_id),
    )
    which = [col(column) == value for column, value in asked if value]
    order = (col(DeliveryRow.occurred_at), col(DeliveryRow.queue), col(DeliveryRow.number))
    return [_delivery(row) for row in tx.execute(_ROWS.where(*which).order_by(*order).limit(limit))]


def backlogs(tx: Transaction) -> list[Backlog]:
    """Return what waits and what was given up, by client."""
    pending, dead = (col(DeliveryRow.state) == state.value for state in (State.PENDING, State.DEAD))
    rows = tx.execute(
        select(
            col(DeliveryRow.client_id),
            func.count().filter(pending).label("pending"),
            func.min(col(DeliveryRow.occurred_at)).filter(pending).label("oldest"),
            func.count().filter(dead).label("dead"),
        )
        .where(or_(pending, dead))
        .group_by(col(DeliveryRow.client_id))
        .order_by(col(DeliveryRow.client_id))
    )
    return [Backlog(**row._asdict()) for row in rows]


def any_dead(tx: Transaction) -> bool:
    """Whether anything was given up and not looked at since."""
    found = select(col(DeliveryRow.event_id)).where(col(DeliveryRow.state) == State.DEAD.value).limit(1)
    return tx.execute(found).first() is not None


def _these(client_id: str, event_ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return col(DeliveryRow.client_id) == client_id, col(DeliveryRow.event_id).in_(event_ids)


def _delivery(row: Any) -> Delivery:  # noqa: ANN401 - a row of a statement above
    names = Delivery.__dataclass_fields__
    return Delivery(**{**{name: getattr(row, name) for name in names}, "state": State(row.state)})

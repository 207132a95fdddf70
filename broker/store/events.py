"""Events: each written in the transaction of its cause, with its delivery to the client that it is for.

An event has a place among those that its client is told of the account, and is delivered in that order. The place is
taken while the person is held: on PostgreSQL the second of two writers waits for the first to commit and then reads
what it wrote, on SQLite there is one writer at a time. So the order of places is the order of commits. Were it ever not
so, the unique index would end the second transaction before it told anybody anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlmodel import col

from broker.core.delivery import State
from broker.store.delivery_tables import DeliveryRow
from broker.store.people import hold_person
from broker.store.tables import EventRow
from broker.store.transaction import Transaction
from broker.store.writing import add, change

_QUEUE_SIZE = 16
_LAST = select(func.max(col(EventRow.number))).where(
    col(EventRow.account) == bindparam("account"), col(EventRow.client_id) == bindparam("client_id")
)


def save_event(
    tx: Transaction,
    *,
    event_id: str,
    account: bytes,
    client_id: str,
    kind: str,
    grant_id: str,
    receipt_id: str,
    given_id: str,
    txn: str,
    now: datetime,
    more: Mapping[str, object] | None = None,
) -> None:
    """Leave an event to be delivered.

    ``given_id`` names the receipt that the consent was given with, ``receipt_id`` that of the event itself, which may
    be the same. ``more`` is told besides, and names nobody. Whoever locks other rows of the person holds the person
    first, as this does.
    """
    same: dict[str, object] = {"client_id": client_id, "event_id": event_id, "occurred_at": now}
    same["number"] = _next_number(tx, account, client_id)
    about = {"grant_id": grant_id, "receipt_id": receipt_id}
    add(tx, EventRow, account=account, type=kind, **same, **about)
    told = {**about, **(more or {})}
    waits = {"state": State.PENDING.value, "attempts": 0, "next_attempt_at": now}
    queue = queue_of(account, client_id)
    add(tx, DeliveryRow, queue=queue, kind=kind, txn=txn, about=given_id, told=told, **same, **waits)


def queue_of(account: bytes, client_id: str) -> bytes:
    """What stands for an account in one client's deliveries.

    No secret: who reads this database finds an event's account by its id. It keeps clients apart, and an erasure
    gives each a new one.
    """
    return hashlib.sha256(b"queue\0" + account + client_id.encode()).digest()[:_QUEUE_SIZE]


def rename_queue(tx: Transaction, client_id: str, old: bytes, new: bytes) -> None:
    """Let what a client is told, or was, of the account *old* be of the account *new*, in the same order."""
    mine = (col(DeliveryRow.client_id) == client_id, col(DeliveryRow.queue) == queue_of(old, client_id))
    change(tx, DeliveryRow, *mine, queue=queue_of(new, client_id))


def _next_number(tx: Transaction, account: bytes, client_id: str) -> int:
    hold_person(tx, account)
    return (tx.execute(_LAST, {"account": account, "client_id": client_id}).scalar_one_or_none() or 0) + 1

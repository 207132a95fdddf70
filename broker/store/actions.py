"""What businesses say they did: kept with its pending leaf, found by event, and what is still to be said.

An answer to a later event of the same consent answers the earlier ones too: who has deleted everything after an erasure
owes no word about the withdrawal that came with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from broker.core.action import ASKING
from broker.core.names import is_id
from broker.store.action_tables import ActionRow
from broker.store.log import Leaf, leave
from broker.store.tables import EventRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once, table_of


@dataclass(frozen=True, kw_only=True)
class StoredAction:
    """A statement as it came, what it says, and the receipt of it."""

    client_id: str
    event_id: str
    said: bytes
    action_id: str
    action: str
    done_at: datetime
    received_at: datetime
    statement: str
    jwt: str
    leaf: bytes


@dataclass(frozen=True, kw_only=True)
class ToldEvent:
    """An event of a client's own; ``grant_id`` is the consent that it is about."""

    client_id: str
    event_id: str
    kind: str
    grant_id: str
    occurred_at: datetime


def digest_of(statement: str) -> bytes:
    """What stands for a statement: 32 bytes."""
    return hashlib.sha256(statement.encode()).digest()


def find_event(tx: Transaction, client_id: str, event_id: str) -> ToldEvent | None:
    """Return an event of this client's; another's is none."""
    if not is_id(event_id):
        return None
    mine = (col(EventRow.client_id) == client_id, col(EventRow.event_id) == event_id)
    row = tx.execute(_EVENTS.where(*mine)).one_or_none()
    return ToldEvent(**row._asdict()) if row else None


def save_action(tx: Transaction, action: StoredAction) -> bool:
    """Keep a statement with the pending leaf of its receipt; False when the very same was kept before."""
    if not add_once(tx, ActionRow, **vars(action)):
        return False
    leave(tx, Leaf(action.leaf, "action", action.received_at))
    return True


def same_action(tx: Transaction, client_id: str, event_id: str, said: bytes) -> StoredAction | None:
    """Return what was kept of the very same statement."""
    found = _actions(
        tx,
        col(ActionRow.client_id) == client_id,
        col(ActionRow.event_id) == event_id,
        col(ActionRow.said) == said,
    )
    return found[0] if found else None


def find_action(tx: Transaction, client_id: str, action_id: str) -> StoredAction | None:
    """Return a statement of this client's by the id of its receipt."""
    if not is_id(action_id):
        return None
    found = _actions(tx, col(ActionRow.client_id) == client_id, col(ActionRow.action_id) == action_id)
    return found[0] if found else None


def count_actions(tx: Transaction, client_id: str, event_id: str) -> int:
    """Say how often a client has answered an event."""
    same = (col(ActionRow.client_id) == client_id, col(ActionRow.event_id) == event_id)
    return tx.execute(select(func.count()).select_from(ActionRow).where(*same)).scalar_one()


def list_actions(tx: Transaction, *, client_id: str | None = None, limit: int) -> list[StoredAction]:
    """Return what was said last, the latest first."""
    return _actions(tx, *([col(ActionRow.client_id) == client_id] if client_id else []), limit=limit)


def actions_about(tx: Transaction, events: Iterable[ToldEvent]) -> list[StoredAction]:
    """Return every statement about these events, the latest first."""
    ids = [event.event_id for event in events]
    return _actions(tx, col(ActionRow.event_id).in_(ids)) if ids else []


def asking_events(tx: Transaction, account: bytes, *, grant_id: str | None = None) -> list[ToldEvent]:
    """Return the events of an account, or of one consent of it, that ask for an answer, in their order."""
    mine = [col(EventRow.account) == account, col(EventRow.type).in_(ASKING)]
    if grant_id is not None:
        mine.append(col(EventRow.grant_id) == grant_id)
    order = (col(EventRow.occurred_at), col(EventRow.client_id), col(EventRow.number))
    return [ToldEvent(**row._asdict()) for row in tx.execute(_EVENTS.where(*mine).order_by(*order))]


def unanswered_events(tx: Transaction, *, before: datetime, client_id: str | None = None) -> list[ToldEvent]:
    """Return the events from *before* a moment that ask for an answer and have none, the earliest first."""
    later = aliased(EventRow)
    answered = (
        select(col(ActionRow.said))
        .join(
            later,
            (col(later.client_id) == col(ActionRow.client_id)) & (col(later.event_id) == col(ActionRow.event_id)),
        )
        .where(
            col(later.account) == col(EventRow.account),
            col(later.client_id) == col(EventRow.client_id),
            col(later.grant_id) == col(EventRow.grant_id),
            col(later.type).in_(ASKING),
            col(later.number) >= col(EventRow.number),
        )
        .exists()
    )
    owed = [col(EventRow.type).in_(ASKING), col(EventRow.occurred_at) < before, ~answered]
    owed += [col(EventRow.client_id) == client_id] if client_id else []
    rows = tx.execute(_EVENTS.where(*owed).order_by(col(EventRow.occurred_at), col(EventRow.event_id)))
    return [ToldEvent(**row._asdict()) for row in rows]


_EVENT = table_of(EventRow).c
_EVENTS = select(_EVENT.client_id, _EVENT.event_id, _EVENT.type.label("kind"), _EVENT.grant_id, _EVENT.occurred_at)
_COLUMNS = [table_of(ActionRow).c[name] for name in StoredAction.__dataclass_fields__]


def _actions(tx: Transaction, *where: ColumnElement[bool], limit: int | None = None) -> list[StoredAction]:
    latest = select(*_COLUMNS).where(*where).order_by(col(ActionRow.received_at).desc(), col(ActionRow.action_id))
    rows = tx.execute(latest.limit(limit))
    return [StoredAction(**row._asdict()) for row in rows]

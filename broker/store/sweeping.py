"""Dropping what is past its end and can be asked for no more. Nothing about a consent is ever dropped here."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col

from broker.core.delivery import State
from broker.store.delivery_tables import DeliveryRow
from broker.store.sheet_tables import TapeRow
from broker.store.short_lived import LinkRow, PushedRequestRow, RevokedTokenRow, UsedAssertionRow
from broker.store.tables import CodeRow, PersonSessionRow, RouteRow
from broker.store.terms_tables import ContactRow, IdempotencyRow
from broker.store.tokens import MEMORY
from broker.store.transaction import Transaction

#: Longer than any ceiling counts a message.
COUNTED = timedelta(days=2)
#: Longer than a tape's file lies there after it was filed, unless nobody may delete it.
FILED = timedelta(days=30)
#: How long it can be looked up that an event was delivered. What was given up stays until somebody has looked.
TOLD = timedelta(days=30)


def sweep(tx: Transaction, *, now: datetime, longest_session: timedelta) -> None:
    """Delete what lived for minutes and is over; the trail follows none of it."""
    for row in (PushedRequestRow, LinkRow, UsedAssertionRow, RevokedTokenRow, RouteRow, IdempotencyRow):
        tx.execute(delete(row).where(col(row.expires_at) < now))
    tx.execute(delete(CodeRow).where(col(CodeRow.expires_at) < now - MEMORY))
    tx.execute(delete(TapeRow).where(col(TapeRow.filed_at) < now - FILED))
    tx.execute(delete(ContactRow).where(col(ContactRow.checked_at) < now - COUNTED))
    over = (State.DELIVERED.value, State.UNWANTED.value)
    tx.execute(delete(DeliveryRow).where(col(DeliveryRow.ended_at) < now - TOLD, col(DeliveryRow.state).in_(over)))
    tx.execute(delete(PersonSessionRow).where(col(PersonSessionRow.signed_in_at) < now - longest_session))

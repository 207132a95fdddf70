"""What was asked about an account, and what was answered: read for the person's own eyes, never for a decision.

A question is theirs that named their account by its id, or by a handle that led to them at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlmodel import col

from broker.store.database import Transaction
from broker.store.paging import Place, page
from broker.store.tables import DecisionRow
from broker.store.terms_tables import LedToRow
from broker.store.types import UtcDateTime

_LED = and_(col(LedToRow.handle) == col(DecisionRow.account), col(LedToRow.decision_id) == col(DecisionRow.decision_id))
_TOLD = [
    col(column)
    for column in (
        DecisionRow.decision_id,
        DecisionRow.client_id,
        DecisionRow.act,
        DecisionRow.purpose,
        DecisionRow.permitted,
        DecisionRow.basis,
        DecisionRow.reason,
        DecisionRow.clauses,
        DecisionRow.decided_at,
    )
]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer that a business got about an account; which record it asked about is left out, ``act`` is what for."""

    decision_id: str
    client_id: str
    act: str
    purpose: str
    permitted: bool
    basis: str | None
    reason: str | None
    clauses: tuple[str, ...]
    decided_at: datetime
    by_handle: bool

    @property
    def place(self) -> Place:
        """Where it stands among the others."""
        return Place(self.decided_at, self.decision_id)


def questions_about(
    tx: Transaction,
    account: bytes,
    *,
    client_id: str | None = None,
    before: Place | None = None,
    limit: int | None = None,
) -> list[Told]:
    """Return answers about the account, the latest first: those before a place, one client's or everybody's."""
    asked = (col(DecisionRow.client_id) == client_id,) if client_id is not None else ()
    by_id = page(
        select(*_TOLD).where(col(DecisionRow.account) == account, *asked),
        col(DecisionRow.decided_at),
        col(DecisionRow.decision_id),
        before=before,
        limit=limit,
    )
    by_handle = page(
        select(*_TOLD).join_from(LedToRow, DecisionRow, _LED).where(col(LedToRow.account) == account, *asked),
        col(LedToRow.decided_at),
        col(LedToRow.decision_id),
        before=before,
        limit=limit,
    )
    found = [*_told(tx, by_id, by_handle=False), *_told(tx, by_handle, by_handle=True)]
    return sorted(found, key=lambda told: told.place, reverse=True)[:limit]


def last_asked(tx: Transaction, account: bytes) -> dict[str, datetime]:
    """Return who ever had a decision about the account, and when last."""
    last = func.max(col(DecisionRow.decided_at), type_=UtcDateTime).label("at")
    asked = select(col(DecisionRow.client_id), last).group_by(col(DecisionRow.client_id))
    found: dict[str, datetime] = {}
    for query in (
        asked.where(col(DecisionRow.account) == account),
        asked.join_from(LedToRow, DecisionRow, _LED).where(col(LedToRow.account) == account),
    ):
        for row in tx.execute(query):
            found[row.client_id] = max(row.at, found.get(row.client_id, row.at))
    return found


def _told(tx: Transaction, query: Select[*tuple[Any, ...]], *, by_handle: bool) -> Sequence[Told]:
    rows = tx.execute(query)
    return [Told(**{**row._asdict(), "clauses": tuple(row.clauses), "by_handle": by_handle}) for row in rows]

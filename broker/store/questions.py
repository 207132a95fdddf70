"""What was asked about an account, and what was answered: read for the person's own eyes, never for a decision.

A question is theirs that named their account by its id, or by a handle that led to them at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, select
from sqlmodel import col

from broker.store.paging import Place, page
from broker.store.sheets_about import answered_about, last_answered
from broker.store.tables import DecisionRow
from broker.store.terms_tables import LedToRow
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime

# Read first, and as a whole: in a cluster it lies by account, and what it led from under the handle's own digest.
_LED_TO = (
    select(col(LedToRow.handle), col(LedToRow.decision_id), col(LedToRow.decided_at))
    .where(col(LedToRow.account) == bindparam("led_account"))
    .cte("led")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_LED = and_(
    _LED_TO.c.handle == col(DecisionRow.account),
    _LED_TO.c.decision_id == col(DecisionRow.decision_id),
    _LED_TO.c.decided_at == col(DecisionRow.decided_at),
)
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
    """One answer that a business got about an account; which record it asked about is left out, ``act`` is what for.

    ``place`` is where it stands among the others.
    """

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
    place: Place


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
        select(*_TOLD).join_from(_LED_TO, DecisionRow, _LED).where(*asked).params(led_account=account),
        col(DecisionRow.decided_at),
        col(DecisionRow.decision_id),
        before=before,
        limit=limit,
    )
    in_sheets = answered_about(tx, account, client_id=client_id, before=before, limit=limit)
    found = [
        *_told(tx, by_id, by_handle=False),
        *_told(tx, by_handle, by_handle=True),
        *(_as_told(one.row, by_handle=one.led, place=one.place) for one in in_sheets),
    ]
    return sorted(found, key=lambda told: told.place, reverse=True)[:limit]


def last_asked(tx: Transaction, account: bytes) -> dict[str, datetime]:
    """Return who ever had a decision about the account, and when last."""
    last = func.max(col(DecisionRow.decided_at), type_=UtcDateTime).label("at")
    asked = select(col(DecisionRow.client_id), last).group_by(col(DecisionRow.client_id))
    found = last_answered(tx, account)
    for query in (
        asked.where(col(DecisionRow.account) == account),
        asked.join_from(_LED_TO, DecisionRow, _LED).params(led_account=account),
    ):
        for row in tx.execute(query):
            found[row.client_id] = max(row.at, found.get(row.client_id, row.at))
    return found


def _told(tx: Transaction, query: Select[*tuple[Any, ...]], *, by_handle: bool) -> Sequence[Told]:
    return [
        _as_told(row._asdict(), by_handle=by_handle, place=Place(row.decided_at, row.decision_id))
        for row in tx.execute(query)
    ]


def _as_told(row: Mapping[str, Any], *, by_handle: bool, place: Place) -> Told:
    said = {**row, "clauses": tuple(row["clauses"]), "by_handle": by_handle, "place": place}
    return Told(**{field.name: said[field.name] for field in fields(Told)})

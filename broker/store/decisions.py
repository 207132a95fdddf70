"""Decision records: one row per answer, only ever added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, select
from sqlmodel import col

from broker.core.match import Decision, MatchRequest
from broker.store.people import HELD
from broker.store.tables import DecisionRow, HandleRow
from broker.store.terms_tables import LedToRow
from broker.store.transaction import Transaction
from broker.store.writing import add, add_all


def save_decision(
    tx: Transaction, decision_id: str, request: MatchRequest, decision: Decision, *, act: str, now: datetime
) -> None:
    """Write down what was asked, by whom, and what was answered."""
    add(
        tx,
        DecisionRow,
        account=request.association.account,
        decision_id=decision_id,
        act=act,
        client_id=request.association.client_id,
        identifier=request.association.identifier,
        purpose=request.purpose,
        permitted=decision.permitted,
        basis=decision.basis,
        reason=decision.reason,
        clauses=list(decision.clauses),
        policy_digest=decision.policy.digest,
        grant_id=decision.consent.grant_id if decision.consent else None,
        association_id=decision.ground.association_id if decision.ground else None,
        decided_at=now,
    )


def save_decisions(tx: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Write down many answers, each given as its row is."""
    if rows:
        add_all(tx, DecisionRow, rows)


def save_led_to(tx: Transaction, decision_id: str, *, handle: bytes, account: bytes, now: datetime) -> None:
    """Write down whom a question led to that named a handle; the handle itself where it led to nobody.

    There is a row in either case: whether somebody bears the handle must not show in the statements.
    """
    add(tx, LedToRow, account=account, decision_id=decision_id, handle=handle, decided_at=now)


def remember_led_to(tx: Transaction) -> None:
    """Say of older questions whom they led to: the account that bears the handle, and had proved it by then."""
    borne = and_(
        col(HandleRow.handle) == col(DecisionRow.account),
        col(HandleRow.standing) == HELD,
        col(HandleRow.proved_at) <= col(DecisionRow.decided_at),
    )
    asked = select(
        col(HandleRow.account), col(HandleRow.handle), col(DecisionRow.decision_id), col(DecisionRow.decided_at)
    ).join_from(DecisionRow, HandleRow, borne)
    for row in tx.execute(asked).all():
        save_led_to(tx, row.decision_id, handle=row.handle, account=row.account, now=row.decided_at)

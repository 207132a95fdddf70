"""Decision records: one row per answer, only ever added."""

from __future__ import annotations

from datetime import datetime

from broker.core.match import Decision, MatchRequest
from broker.store.database import Transaction
from broker.store.tables import DecisionRow
from broker.store.writing import add


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

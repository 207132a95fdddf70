"""One question, one transaction: gather the facts, decide, write the answer down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.core.decide import decide
from broker.core.evidence import Provenance
from broker.core.identifiers import Association, Identifier, PlatformAccount
from broker.core.match import Decision, Facts, MatchRequest
from broker.store.consents import consents_of_pair
from broker.store.database import Transaction
from broker.store.decisions import save_decision
from broker.store.people import holder_of


@dataclass(frozen=True, kw_only=True)
class Question:
    """A match as it was asked: the account by its permanent id or by a handle, the identifier in clear."""

    platform: str
    account_id: str | None
    handle: str | None
    identifier: Identifier
    purpose: str
    provenance: Provenance | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A decision under its own id."""

    decision_id: str
    decision: Decision
    decided_at: datetime


def decide_match(tx: Transaction, broker: Broker, client: Client, question: Question) -> Answer:
    """Answer *question* for *client* from what is committed now, and record the answer."""
    now = broker.now()
    request = MatchRequest(
        association=Association(
            client_id=client.client_id,
            account=_account(tx, broker, question),
            identifier=broker.blinder.identifier(client.client_id, question.identifier),
        ),
        purpose=question.purpose,
        provenance=question.provenance,
    )
    facts = Facts(
        now=now,
        declared_purposes=frozenset(client.registration.purposes),
        consents=consents_of_pair(tx, request.association),
    )
    decision = decide(request, facts, broker.policies.governing(question.platform))
    decision_id = broker.new_id()
    save_decision(tx, decision_id, request, decision, now=now)
    return Answer(decision_id=decision_id, decision=decision, decided_at=now)


def _account(tx: Transaction, broker: Broker, question: Question) -> bytes:
    """The account's digest. A handle leads to who proved it last, or to its own digest, which no account has.

    Either way the same statements follow, so that an unknown handle costs and reads what an unknown account does.
    """
    if question.account_id is not None:
        return broker.blinder.account(PlatformAccount(platform=question.platform, id=question.account_id))
    handle = broker.blinder.handle(question.platform, question.handle or "")
    return holder_of(tx, handle) or handle

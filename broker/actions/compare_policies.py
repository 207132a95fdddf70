"""What another version of the terms would change for the consents on record. Reads; changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.terms import found_facts, screen_purpose
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.core.decide import decide
from broker.core.identifiers import Association
from broker.core.match import Facts, MatchRequest
from broker.core.policy import Policy
from broker.store.clients import list_clients
from broker.store.consents import given_consents
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one client may do for one purpose on consent today, and would not, or the reverse."""

    client_name: str
    purpose: str
    permitted: bool
    clauses: tuple[str, ...]


def compare_policies(tx: Transaction, broker: Broker, old: Policy, new: Policy) -> tuple[int, dict[Turn, int]]:
    """Decide every live consent of the platform under both; return how many there are, and what turns how often."""
    clients = {client.client_id: client for client in list_clients(tx)}
    turns: Counter[Turn] = Counter()
    looked_at = 0
    for record in given_consents(tx, platform=old.platform, now=broker.now()):
        looked_at += 1
        client = clients[record.client_id]
        for purpose in record.purposes:
            request, facts = _question(broker, client, record, purpose)
            before, after = decide(request, facts, old), decide(request, facts, new)
            if before.permitted != after.permitted:
                name = client.registration.client_name
                turns[Turn(client_name=name, purpose=purpose, permitted=after.permitted, clauses=after.clauses)] += 1
    return looked_at, dict(turns)


def _question(broker: Broker, client: Client, record: ConsentRecord, purpose: str) -> tuple[MatchRequest, Facts]:
    pair = Association(client_id=record.client_id, account=record.account, identifier=record.identifier.digest)
    facts = Facts(
        now=broker.now(),
        declared_purposes=frozenset(client.registration.purposes),
        narrower=client.registration.narrower,
        spoken_of=found_facts(screen_purpose(broker, purpose, client.registration.narrower)),
        consents=(record,),
        meaning=broker.policies.meanings.of(purpose, client.registration.narrower),
    )
    return MatchRequest(association=pair, purpose=purpose, kind=record.identifier.kind), facts

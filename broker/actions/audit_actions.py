"""The audit of actions: each receipt verifies, holds its client's own signed statement, and answers an event of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.actions.audit_evidence import differing
from broker.actions.audit_keys import JudgedKeys
from broker.actions.broker import Broker
from broker.errors import BrokerError
from broker.proof.action import read_action
from broker.proof.claims import ACTION
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import assemble
from broker.proof.verify import verify_as
from broker.store.actions import digest_of
from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import rows_beside, sound_rows

_ACTIONS, _EVENTS, _CLIENTS = "actions", "events", "clients"


def check_actions(audit: Walk, broker: Broker) -> None:
    """Hold every statement against its receipt, its client and its event."""
    keys = JudgedKeys(broker.keys.jwks())
    for chunk in sound_rows(audit, _ACTIONS):
        audit.walked[_ACTIONS] += len(chunk)
        for client_id in {seen.values["client_id"] for seen in chunk}:
            mine = [seen for seen in chunk if seen.values["client_id"] == client_id]
            events = _events(audit, client_id, mine)
            client = next(rows_beside(audit, _CLIENTS, "client_id", [client_id]), None)
            for seen in mine:
                fault = _fault(audit, seen, keys) or _fault_of_statement(seen.values, client, broker.issuer)
                if fault is not None:
                    audit.name(_ACTIONS, seen.key, fault)
                elif seen.values["event_id"] not in events:
                    audit.name(_ACTIONS, seen.key, "there is no event of its client that it answers")


def _events(audit: Walk, client_id: str, mine: list[Seen]) -> set[str]:
    ids = {seen.values["event_id"] for seen in mine}
    return {seen.values["event_id"] for seen in rows_beside(audit, _EVENTS, "event_id", ids, client_id=client_id)}


def _fault(audit: Walk, seen: Seen, keys: JudgedKeys) -> str | None:
    row = seen.values
    verdict = verify_as(assemble(row["jwt"]), (ACTION,), jwks=keys.jwks)
    if not verdict.anchored:
        failed = verdict.steps[-1]
        return f"its receipt does not verify: step {failed.number} ({failed.name}) failed"
    said: Any = verdict.payload["action"]
    columns = {
        "action_id": verdict.payload["jti"],
        "client_id": verdict.payload["aud"],
        "received_at": verdict.payload["iat"],
        "event_id": said["event"],
        "action": said["action"],
        "statement": said["statement"],
        "said": digest_of(said["statement"]),
        "leaf": leaf_data(row["jwt"]),
    }
    if other := differing(row, columns):
        return f"what was signed says another {', '.join(other)}"
    return keys.fault(audit, row["jwt"], row["leaf"])


def _fault_of_statement(row: Mapping[str, Any], client: Seen | None, issuer: str) -> str | None:
    """What is wrong with the statement itself, which only its client could have signed."""
    if client is None:
        return "there is no client that stated it"
    if not client.sound:
        return None  # told of by itself
    jwks = client.values["registration"]["jwks"]
    try:
        stated = read_action(row["statement"], jwks=jwks, client_id=row["client_id"], issuer=issuer)
    except BrokerError:
        return "its client did not sign the statement"
    return None if stated.statement.done_at == row["done_at"] else "the statement says another done_at"

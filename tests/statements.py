"""What tests of actions have in common: a business with a key, and what it states with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from builders import registered
from joserfc import jws
from joserfc.jwk import ECKey

from broker.actions.broker import Broker
from broker.actions.record_action import Recorded, record_action
from broker.core.client import Client
from broker.proof.action import STATED
from broker.proof.clientkeys import read_client_keys
from broker.proof.receipt import timestamp
from broker.store.actions import ToldEvent, unanswered_events


@cache
def a_key(name: str = "the business's own") -> ECKey:
    """Return a key of that name, made once a run."""
    assert name
    return ECKey.generate_key("P-256", auto_kid=True)


def keyed(broker: Broker, key: ECKey | None = None, **changes: Any) -> Client:  # noqa: ANN401 - any field of a registration
    """Register a business with a key."""
    return registered(broker, jwks=keys_of(key or a_key()), **changes)


def keys_of(key: ECKey) -> dict[str, Any]:
    """Return a key set as it is registered."""
    return read_client_keys({"keys": [key.as_dict(private=False)]})


def a_statement(
    broker: Broker, of: ToldEvent | str, *, key: ECKey | None = None, header: Mapping[str, object] | None = None,
    **changes: object,
) -> str:  # fmt: skip
    """Sign that the account was unlinked just now, with changes; a change to None leaves the member out."""
    used = key or a_key()
    head = {"alg": "ES256", "typ": STATED, "kid": used.kid, **(header or {})}
    told = of if isinstance(of, str) else of.event_id
    said = {"event": told, "action": "unlinked", "done_at": timestamp(broker.now()), **changes}
    payload = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
    head = {name: value for name, value in head.items() if value is not None}
    return jws.serialize_compact(head, payload, used, algorithms=[str(head["alg"])])


def stated(broker: Broker, client: Client, text: str) -> Recorded:
    """Let a business state that."""
    with broker.database.transaction() as tx:
        return record_action(tx, broker, client=client, text=text)


def owed(broker: Broker, client: Client) -> list[ToldEvent]:
    """What a business has still to answer."""
    with broker.database.reading() as tx:
        return unanswered_events(tx, before=broker.now().replace(year=2100), client_id=client.client_id)

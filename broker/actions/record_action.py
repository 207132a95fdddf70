"""A client says what it did about an event: checked, kept whole with a receipt and its leaf, and answered with that."""

from __future__ import annotations

from dataclasses import dataclass

from broker.actions.broker import Broker, party_of
from broker.actions.bundle_evidence import bundle_evidence
from broker.core.action import ASKING, check_statement, due_at
from broker.core.client import Client
from broker.core.delivery import event_uri
from broker.errors import CommandRefused, NotFound
from broker.proof.action import ActionClaims, Stated, read_action, sign_action
from broker.proof.bundle import Bundle
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import assemble
from broker.store.actions import (
    StoredAction,
    ToldEvent,
    count_actions,
    digest_of,
    find_action,
    find_event,
    same_action,
    save_action,
)
from broker.store.transaction import Transaction

#: Statements about one event, at most: nobody has more to say, and each is kept for ever.
MOST = 16


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The receipt of a statement; ``first`` is False when the very same was there already."""

    action: StoredAction
    first: bool


def record_action(tx: Transaction, broker: Broker, *, client: Client, text: str) -> Recorded:
    """Keep what a client states in a compact JWS, or raise what is wrong with it.

    The very same again is answered as it was. An event that is nobody's and one that is another client's read alike,
    from the same statements.
    """
    stated = read_action(text, jwks=client.registration.jwks, client_id=client.client_id, issuer=broker.issuer)
    event = find_event(tx, client.client_id, stated.statement.event_id)
    if event is None:
        raise NotFound("this client was told of no event of that id")
    said = digest_of(text)
    known = same_action(tx, client.client_id, event.event_id, said)
    if known is not None:
        return Recorded(action=known, first=False)
    _check(tx, broker, stated, event)
    made = _made(broker, client, event, stated, text)
    if save_action(tx, made):
        return Recorded(action=made, first=True)
    # Sent twice at once: the other one's is on record.
    other = same_action(tx, client.client_id, event.event_id, said)
    assert other is not None  # noqa: S101 - it kept this one out
    return Recorded(action=other, first=False)


def _check(tx: Transaction, broker: Broker, stated: Stated, event: ToldEvent) -> None:
    check_statement(stated.statement, kind=event.kind, occurred_at=event.occurred_at, now=broker.now())
    if count_actions(tx, event.client_id, event.event_id) >= MOST:
        raise CommandRefused(f"there are {MOST} statements about this event already, and no more are kept")


def _made(broker: Broker, client: Client, event: ToldEvent, stated: Stated, text: str) -> StoredAction:
    now, said = broker.now(), stated.statement
    due = due_at(event.occurred_at, client.registration.action_within) if event.kind in ASKING else None
    claims = ActionClaims(
        action_id=broker.new_id(),
        received_at=now,
        client_id=client.client_id,
        client=party_of(client),
        broker=broker.party,
        event_type=event_uri(broker.issuer, event.kind),
        event_at=event.occurred_at,
        due_at=due,
        stated=stated,
        text=text,
    )
    signed = sign_action(claims, broker.keys.receipts)
    return StoredAction(
        client_id=client.client_id,
        event_id=event.event_id,
        said=digest_of(text),
        action_id=claims.action_id,
        action=said.action.value,
        done_at=said.done_at,
        received_at=now,
        statement=text,
        jwt=signed.jwt,
        leaf=leaf_data(signed.jwt),
    )


def bundle_action(tx: Transaction, broker: Broker, action: StoredAction) -> Bundle:
    """The receipt of a statement with its proof, as the file that proves that it was made."""
    return bundle_evidence(tx, broker, assemble(action.jwt))


def open_action(tx: Transaction, broker: Broker, *, client_id: str, action_id: str) -> Bundle:
    """The same, of the client's own by its id; another's reads like none."""
    found = find_action(tx, client_id, action_id)
    if found is None:
        raise NotFound("this client holds no receipt of an action of that id")
    return bundle_action(tx, broker, found)

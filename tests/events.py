"""What tests of events have in common: people, streams, and what became of what a client is told."""

from __future__ import annotations

from dataclasses import replace

from builders import an_account
from receivers import URL

from broker.actions.broker import Broker
from broker.actions.manage_stream import Wish, create_stream
from broker.actions.push_events import clients_to_push, push_events
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.core.delivery import Method, Stream
from broker.core.identifiers import ProvenAccount
from broker.store.deliveries import Delivery, find_deliveries

PUSH = Wish(method=Method.PUSH, endpoint_url=URL, authorization="Bearer of the receiver's own")
POLL = Wish()


def a_person(number: int) -> ProvenAccount:
    """One of many people."""
    return an_account(id=f"70700{number:05}", handle=f"Person_{number:05}")


def streamed(broker: Broker, client: Client, wish: Wish = PUSH, *requested: str) -> Stream:
    """Set a client's stream up."""
    with broker.database.transaction() as tx:
        return create_stream(tx, broker, client_id=client.client_id, wish=replace(wish, requested=requested))


def pushed(broker: Broker, client: Client) -> int:
    """Work until there is nothing to do now; return how many events were sent."""
    sent = 0
    while client.client_id in clients_to_push(broker, limit=10):
        done = push_events(broker, client.client_id, holder="a worker")
        assert done, "there is something to push, and nothing is"
        sent += done
    return sent


def withdrawn(broker: Broker, record: ConsentRecord) -> None:
    """Let the person take a consent back."""
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


def deliveries(broker: Broker, client: Client) -> list[Delivery]:
    """What a client is told, the earliest first."""
    with broker.database.reading() as tx:
        return find_deliveries(tx, client_id=client.client_id, limit=100_000)


def states(broker: Broker, client: Client) -> list[str]:
    """What became of each."""
    return [delivery.state.value for delivery in deliveries(broker, client)]

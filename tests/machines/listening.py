"""What clients are told of by themselves: events, pushed and polled, and what they say they did about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from joserfc import jws
from machines.stage import Answer, Business

from broker.actions.expire_consents import expire_consents
from broker.actions.follow_account import follow_sighting
from broker.actions.manage_stream import Wish, create_stream
from broker.actions.push_events import clients_to_push, push_events
from broker.core.delivery import Method
from broker.core.identifiers import PlatformAccount
from broker.core.post import PostAnswer
from broker.errors import MalformedRequest
from broker.platforms import Sighting
from broker.proof.action import STATED
from broker.proof.receipt import timestamp
from broker.store.consents import find_due
from broker.store.deliveries import find_deliveries
from broker.store.people import find_person, hold_person

if TYPE_CHECKING:
    from machines.worlds import World

#: Where the asking client listens; others' receivers take nothing, so that theirs wait and are tried again.
URL, ELSEWHERE = "https://northwind.example/events", "https://contoso.example/events"
ALL = 100_000
REALMS = ("prod", "staging")


@dataclass
class Wire:
    """The Internet of one world: it takes what is pushed to the asking client, and remembers it."""

    sent: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def check(self, url: str) -> None:
        """Know two addresses."""
        if url not in {URL, ELSEWHERE}:
            raise MalformedRequest("endpoint_url: its name leads to no address")

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        """Take a SET, or have a fault."""
        if url == ELSEWHERE:
            return PostAnswer(500, b"")
        self.sent.append((body, dict(headers)))
        return PostAnswer(202, b"")


def listens(world: World, business: Business, *, pushed: bool, url: str = ELSEWHERE) -> None:
    """Give a client its stream; one has it for good."""
    wish = Wish(method=Method.PUSH, endpoint_url=url, authorization="its own") if pushed else Wish()
    with world.broker.database.transaction() as tx:
        stream = create_stream(tx, world.broker, client_id=business.client.client_id, wish=wish)
    world.streams[business.client.client_id] = stream.stream_id


def time_passes(world: World, seed: str, days: int) -> None:
    """Let days go by, and what is due come to every consent, each with dice of its own."""
    world.clock.passes(days=days)
    with world.broker.database.reading() as tx:
        due = iter(find_due(tx, now=world.clock(), after=None, limit=ALL))

    def wanted() -> bool:
        world.dice.throw(f"{seed} {next(due).grant_id}")
        return True

    expire_consents(world.broker, wanted=wanted)


def platform_says(world: World, account: str, handle: str, detail: int) -> None:
    """A recheck: the account is there under a handle, gone, or protected; who holds a live consent is told."""
    gone = detail % 2 == 0
    seen = Sighting(id=account, gone=gone, handle=None if gone else handle, protected=detail % 5 == 0)
    for realm in REALMS:
        key = world.broker.blinder.account(PlatformAccount(platform="x", id=account), environment=realm)
        with world.broker.database.transaction() as tx:
            hold_person(tx, key)
            person = find_person(tx, world.broker.sealer, key)
            if person is not None:
                follow_sighting(tx, world.broker, person, seen, environment=realm)


def deliver_to_all(world: World, seed: str) -> None:
    """One round for every stream there is something for."""
    for client_id in clients_to_push(world.broker, limit=ALL):
        world.dice.throw(f"{seed} {client_id}")
        push_events(world.broker, client_id, holder="a worker")


def pushed_to(world: World, business: Business) -> Answer:
    """One round for one stream, as an answer: what was posted there, by whomever."""
    world.wire.sent.clear()
    count = push_events(world.broker, business.client.client_id, holder="a worker")
    told = [[body.decode(), headers] for body, headers in world.wire.sent]
    return Answer(200, [], json.dumps([count, told]).encode())


def told_to(world: World, business: Business | None = None) -> set[str]:
    """The events that a client is told of, or everybody."""
    whose = business.client.client_id if business else None
    with world.broker.database.reading() as tx:
        return {delivery.event_id for delivery in find_deliveries(tx, client_id=whose, limit=ALL)}


def statement(world: World, business: Business, event_id: str, action: str) -> dict[str, str]:
    """What a client says that it did about an event, as flattened JSON."""
    said = {"event": event_id, "action": action, "done_at": timestamp(world.clock())}
    header = {"alg": "ES256", "typ": STATED, "kid": business.key.kid}
    signed = jws.serialize_compact(header, json.dumps(said).encode(), business.key, algorithms=["ES256"])
    return dict(zip(("protected", "payload", "signature"), signed.split("."), strict=True))


def named_in(answer: Answer) -> str:
    """The id of what an answer says was made."""
    return dict(answer.headers)["Location"].rpartition("/")[2]

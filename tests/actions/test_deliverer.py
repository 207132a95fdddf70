"""The deliverer: several streams at once, those first who waited longest, and one that is broken holds up no other."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from threading import Event
from time import monotonic, sleep

import pytest
from builders import registered
from events import PUSH, states, streamed
from receivers import ACCEPTED
from sqlalchemy import text

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.core.post import PostAnswer
from broker.delivering import LANES, Deliverer
from broker.store.events import save_event
from broker.store.sealing import SealBroken


class Post:
    """Takes whatever is sent; to some clients the way is long."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.slow: set[str] = set()
        self.go_on = Event()

    def check(self, url: str) -> None:
        """Anybody may be posted to."""

    def post(self, _url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        """Be sent something."""
        assert headers["Authorization"] == PUSH.authorization
        audience = json.loads(urlsafe_b64decode(body.split(b".")[1] + b"=="))["aud"]
        if audience in self.slow:
            self.go_on.wait(5)
        self.sent.append(audience)
        return ACCEPTED


@pytest.fixture
def post() -> Post:
    """Give the way to the businesses."""
    return Post()


@pytest.fixture
def pushing(sqlite_broker: Broker, post: Post) -> Broker:
    """Give a broker that reaches them."""
    return replace(sqlite_broker, courier=post)


@pytest.fixture
def deliverer(pushing: Broker) -> Iterator[Deliverer]:
    """Give a deliverer, and end it."""
    made = Deliverer(pushing)
    yield made
    made.close()


def told(broker: Broker, events: int = 1) -> Client:
    """Register a business with a stream, and leave it events."""
    client = registered(broker)
    streamed(broker, client)
    with broker.database.transaction() as tx:
        for _ in range(events):
            ids = {name: broker.new_id() for name in ("event_id", "grant_id", "receipt_id", "given_id", "txn")}
            account = broker.random(16)
            save_event(tx, account=account, client_id=client.client_id, kind="handle-changed", now=broker.now(), **ids)
    return client


def turned(deliverer: Deliverer, until: Callable[[], bool]) -> list[str]:
    """Take turns until it holds; return what was wrong on the way."""
    wrong, ends = list[str](), monotonic() + 10
    while not until():
        assert monotonic() < ends, "it does not come"
        with suppress(SealBroken):
            try:
                deliverer.turn()
            except SealBroken as error:
                wrong.append(error.detail)
        sleep(0.01)
    return wrong


def test_everybody_is_told_though_some_are_slow(pushing: Broker, post: Post, deliverer: Deliverer) -> None:
    slow = [told(pushing) for _ in range(LANES - 1)]
    post.slow = {client.client_id for client in slow}
    deliverer.turn()  # the slow ones take their lanes
    quick = [told(pushing, events=3) for _ in range(5)]
    turned(deliverer, lambda: len(post.sent) == 15)
    assert {client.client_id for client in quick} == set(post.sent)
    post.go_on.set()
    turned(deliverer, lambda: len(post.sent) == 15 + len(slow))


def test_a_stream_that_cannot_be_opened_is_left_aside_and_said_and_the_others_go_on(
    pushing: Broker, post: Post, deliverer: Deliverer
) -> None:
    broken, well = told(pushing), told(pushing)
    with pushing.database.engine.begin() as tx:
        spoil = text("UPDATE streams SET sealed_authorization = x'0001ff' WHERE client_id = :client_id")
        tx.execute(spoil, {"client_id": broken.client_id})
    wrong = turned(deliverer, lambda: states(pushing, well) == ["delivered"])
    wrong += turned(deliverer, lambda: not deliverer._working)  # noqa: SLF001
    assert ["what is sealed at streams.sealed_authorization does not open"] == wrong
    assert [well.client_id] == post.sent
    assert ["pending"] == states(pushing, broken)


def test_a_deliverer_that_is_closed_writes_down_what_it_has_sent(pushing: Broker, post: Post) -> None:
    client = told(pushing, events=3)
    post.slow = {client.client_id}
    deliverer = Deliverer(pushing)
    turned(deliverer, lambda: bool(deliverer._working))  # noqa: SLF001
    post.go_on.set()
    deliverer.close()
    assert len(post.sent) == states(pushing, client).count("delivered")

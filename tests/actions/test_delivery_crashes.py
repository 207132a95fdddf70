"""Crash points: whatever fails at whichever write of the deliverer, received is what was committed, in order.

An error, a lost answer of the database and a kill at each write; then the receiver's own answers lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders import Clock, a_broker, a_pen, registered
from crashes import Fault, Faults, faulty, in_a_process_of_its_own
from events import POLL, deliveries, pushed, streamed
from receivers import Receiver, a_receiver
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.manage_stream import update_stream
from broker.actions.poll_events import Poll, poll_events
from broker.actions.push_events import LEASE, give_up, push_events
from broker.core.client import Client
from broker.core.delivery import Stream
from broker.core.post import PostAnswer
from broker.errors import Unavailable
from broker.store.database import Database
from broker.store.events import save_event
from broker.store.transaction import Transaction

FAULTS: tuple[Fault, ...] = ("error", "lost", "killed")


class Wire:
    """The receiver as a killed process leaves it: what it took lies in a folder, and stays when the sender dies."""

    def __init__(self, receiver: Receiver, folder: Path) -> None:
        self.receiver, self._folder = receiver, folder

    def check(self, url: str) -> None:
        """Ask the receiver."""
        self.receiver.check(url)

    def post(self, url: str, body: bytes, *, headers: dict[str, str]) -> PostAnswer:
        """Hand on, and keep."""
        answer = self.receiver.post(url, body, headers=headers)
        if answer.status == 202:
            (self._folder / f"{len(list(self._folder.iterdir())):05}").write_text(self.receiver.received[-1]["jti"])
        return answer

    def taken(self) -> list[str]:
        """What the receiver has, once each, in the order in which it came first."""
        return list(dict.fromkeys(path.read_text() for path in sorted(self._folder.iterdir())))


class Scene:
    """A client whose events go out through one fault after another."""

    def __init__(self, database: WatchedDatabase, clock: Clock, folder: Path) -> None:
        self._url, self.clock = database.engine.url.render_as_string(hide_password=False), clock
        plain = a_broker(database, clock=clock)
        self.wire = Wire(a_receiver(plain), folder)
        self.broker: Broker = replace(plain, courier=self.wire)
        self.client: Client = registered(self.broker)
        self.stream: Stream
        self._people = 0

    def happens(self) -> None:
        """Let something happen twice to one person, and once to another."""
        with self.broker.database.transaction() as tx:
            for number in (0, 1, 1):
                self._leave(tx, f"{self._people + number:016}".encode())
        self._people += 2
        self.clock.passes(seconds=1)

    def _leave(self, tx: Transaction, account: bytes) -> None:
        ids = dict.fromkeys(("grant_id", "receipt_id", "given_id", "txn"), account.decode())
        event = {"event_id": self.broker.new_id(), "client_id": self.client.client_id, "kind": "consent-granted"}
        save_event(tx, account=account, now=self.clock.now, **ids, **event)

    def works(self, faults: Faults) -> None:
        """Work on the stream with a fault at one write."""
        if faults.fault == "killed":
            in_a_process_of_its_own(lambda: self._in_a_child(faults))
        else:
            with faulty(self.broker.database, faults):
                self._work(self.broker, faults)

    def _work(self, broker: Broker, faults: Faults) -> None:
        try:
            while push_events(broker, self.client.client_id, holder="a worker"):
                pass
            give_up(broker)
        except Unavailable:
            assert faults.at

    def _in_a_child(self, faults: Faults) -> None:
        database = Database(self._url, pen=a_pen())  # a connection does not survive being forked
        with faulty(database, faults):
            self._work(replace(self.broker, database=database), faults)

    def recovers(self) -> None:
        """Work on as another process would, once the lease has ended; then everything must be there, in order."""
        self.clock.passes(seconds=LEASE.seconds)
        pushed(self.broker, self.client)
        self.holds()

    def holds(self) -> None:
        """Hold what was received against what was committed."""
        committed = deliveries(self.broker, self.client)
        taken = self.wire.taken()
        assert {it.event_id for it in committed} == set(taken)
        assert {"delivered"} == {it.state.value for it in committed}
        of_grant: dict[str, list[str]] = defaultdict(list)
        for it in committed:
            of_grant[it.told["grant_id"]].append(it.event_id)
        for events in of_grant.values():
            assert events == [event_id for event_id in taken if event_id in events]


@pytest.fixture
def scene(database: WatchedDatabase, clock: Clock) -> Iterator[Scene]:
    """Give a client with a stream that is pushed, unwatched: each fault is looked at by the scene itself."""
    with TemporaryDirectory() as folder:
        found = Scene(database, clock, Path(folder))
        found.stream = streamed(found.broker, found.client)
        yield found


def test_every_write_is_come_to(scene: Scene) -> None:
    """The matrix is over what happens: a round of two events, one of one, and one that finds nothing.

    Where writers take turns by a file, that is opened once.
    """
    scene.happens()
    faults = Faults()
    scene.works(faults)
    lease = ["UPDATE stream_work SET", "UPDATE stream_work SET"]
    told = ["UPDATE deliveries SET"]
    assert [
        *lease, "COMMIT", *lease, *told * 3, "COMMIT",
        *lease, "COMMIT", *lease, *told * 2, "COMMIT",
        *lease, "COMMIT", *lease, "COMMIT",
    ] == [place for place in faults.places if place != "open"]  # fmt: skip


def test_after_any_fault_everything_is_received_in_order(scene: Scene) -> None:
    scene.happens()
    faults = Faults()
    scene.works(faults)
    count = len(faults.places)
    both = scene.broker.database.engine.dialect.name == "sqlite"
    for number, at in enumerate(range(1, count + 1)):
        for fault in FAULTS if both else FAULTS[number % 3 : number % 3 + 1]:
            scene.happens()
            scene.works(Faults(at, fault))
            scene.recovers()


def test_whatever_the_receiver_does_everything_is_received_in_order(scene: Scene) -> None:
    """It fails, and refuses, and takes an event, each in its turn; it gets better in the end."""
    turns = iter(range(10_000))
    answers = [PostAnswer(202, b""), PostAnswer(500, b""), PostAnswer(202, b""), PostAnswer(400, b'{"err": "x"}')]

    def moody(_claims: dict[str, object]) -> PostAnswer:
        return answers[next(turns) % len(answers)]

    scene.wire.receiver.answers = moody
    for _ in range(5):
        scene.happens()
        pushed(scene.broker, scene.client)
    scene.wire.receiver.answers = lambda _claims: PostAnswer(202, b"")
    scene.clock.passes(hours=1)
    scene.recovers()


@pytest.mark.parametrize("fault", ["error", "lost"])
def test_a_poll_that_fails_at_any_write_loses_nothing(scene: Scene, fault: Fault) -> None:
    broker, client = scene.broker, scene.client
    with broker.database.transaction() as tx:
        same = {"client_id": client.client_id, "stream_id": scene.stream.stream_id}
        stream = update_stream(tx, broker, **same, wish=POLL, whole=True, said={})
    taken: list[str] = []
    for at in range(1, 8):
        scene.happens()
        with faulty(broker.database, Faults(at, fault)):
            try_to_poll(broker, stream, taken)
        for _ in range(3):
            try_to_poll(broker, stream, taken)
    committed = deliveries(broker, client)
    assert {it.event_id for it in committed} == set(taken)
    assert {"delivered"} == {it.state.value for it in committed}


def try_to_poll(broker: Broker, stream: Stream, taken: list[str]) -> None:
    """Poll once, acknowledging everything that was ever handed out, as a receiver does that lost count."""
    try:
        with broker.database.transaction() as tx:
            poll = Poll(acknowledged=taken)
            polled = poll_events(tx, broker, client_id=stream.client_id, stream_id=stream.stream_id, poll=poll)
    except Unavailable:
        return
    taken += polled.sets

"""``broker deliver`` and a receiver that dies: in the end it has what was committed, nothing else, and in order.

The short form takes seconds. ``DELIVERY=all`` takes 10,000 events and kills the receiver 200 times.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from desk import Register
from harness.programs import Program
from harness.receiver import RunningReceiver

from broker.actions.broker import Broker
from broker.actions.manage_stream import Wish, create_stream
from broker.core.delivery import Method, State
from broker.store.deliveries import find_deliveries
from broker.store.events import save_event

ALL = os.environ.get("DELIVERY") == "all"
EVENTS, KILLS = (10_000, 200) if ALL else (90, 3)
#: Events that one account has in a row.
IN_A_ROW = 3


@dataclass
class Happening:
    """What happens at the broker: some of it is committed, some is undone."""

    broker: Broker
    client_id: str
    committed: dict[str, float] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)
    of_account: dict[bytes, list[str]] = field(default_factory=lambda: defaultdict(list))

    def goes_on(self) -> None:
        """Let events happen until there are enough; each moment is from before its commit."""
        draw = random.Random(5)  # noqa: S311 - a test wants its run again, not secrecy
        while len(self.committed) < EVENTS:
            account = draw.randbytes(16)
            for _ in range(IN_A_ROW):
                with suppress(ZeroDivisionError):
                    self.happens(account, undone=draw.random() < 1 / 10)
            if not ALL:
                time.sleep(0.05)

    def happens(self, account: bytes, *, undone: bool) -> None:
        """Let one event happen, or nearly."""
        event_id = self.broker.new_id()
        with self.broker.database.transaction() as tx:
            save_event(
                tx, event_id=event_id, account=account, client_id=self.client_id, kind="consent-withdrawn",
                grant_id="g", receipt_id="r", given_id="r", txn=event_id, now=self.broker.now(),
            )  # fmt: skip
            if undone:
                self.undone.add(event_id)
                raise ZeroDivisionError
            before = time.monotonic()
        self.committed[event_id] = before
        self.of_account[account].append(event_id)


@pytest.fixture
def deliverers(home: Path, tmp_path: Path) -> Iterator[list[Program]]:
    """Run two deliverers side by side, as two machines would."""
    assert home
    command = [sys.executable, "-m", "broker.cli", "deliver"]
    running = [Program(command, log=tmp_path / f"deliver-{number}.log", env=os.environ) for number in range(2)]
    yield running
    for program in running:
        program.stop()


def received_by(broker: Broker, client_id: str, home: Path) -> RunningReceiver:
    """Run a moody receiver for a client, and set its stream up."""
    keys = home / "jwks.json"
    keys.write_text(json.dumps(broker.keys.jwks()))
    receiver = RunningReceiver(home, issuer=broker.issuer, audience=client_id, jwks=keys.as_uri(), moody=True)
    with broker.database.transaction() as tx:
        create_stream(tx, broker, client_id=client_id, wish=Wish(method=Method.PUSH, endpoint_url=receiver.url))
    return receiver


def waiting(broker: Broker, client_id: str) -> int:
    """How many events are not delivered."""
    with broker.database.reading() as tx:
        found = find_deliveries(tx, client_id=client_id, limit=EVENTS * 2)
    assert {State.PENDING, State.DELIVERED} >= {it.state for it in found}
    return sum(it.state is State.PENDING for it in found)


def test_a_receiver_that_dies_fails_and_is_late_has_in_the_end_what_was_committed(
    broker: Broker, client_id: str, deliverers: list[Program], tmp_path: Path
) -> None:
    receiver, happening = received_by(broker, client_id, tmp_path), Happening(broker, client_id)
    going_on = Thread(target=happening.goes_on)
    going_on.start()
    draw = random.Random(7)  # noqa: S311 - a test wants its run again, not secrecy
    for _ in range(KILLS):
        time.sleep(draw.uniform(0.1, 0.9))
        receiver.kill()
        receiver.start()
    going_on.join()
    receiver.behaves()
    receiver.kill()
    receiver.start()
    ends = time.monotonic() + (3600 if ALL else 60)
    while waiting(broker, client_id):
        assert time.monotonic() < ends, deliverers[0].tail()
        time.sleep(0.2)
    receiver.kill()
    check(happening, receiver)
    assert {None} == {program.process.poll() for program in deliverers}


def check(happening: Happening, receiver: RunningReceiver) -> None:
    """Hold what was received against what was committed."""
    events = receiver.events()
    assert happening.committed.keys() == set(events)
    assert happening.undone.isdisjoint(events)
    first = {each["claims"]["jti"]: each["at"] for each in reversed(receiver.got())}
    assert [] == [event_id for event_id, before in happening.committed.items() if first[event_id] < before]
    place = {event_id: number for number, event_id in enumerate(events)}
    for of_account in happening.of_account.values():
        assert of_account == sorted(of_account, key=place.__getitem__)


def test_two_deliverers_share_the_streams_of_many_clients(
    broker: Broker, register: Register, deliverers: list[Program], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receivers = {}
    for number in range(3):
        capsys.readouterr()
        assert 0 == register()
        client_id = json.loads(capsys.readouterr().out)["client_id"]
        (tmp_path / str(number)).mkdir()
        receivers[client_id] = received_by(broker, client_id, tmp_path / str(number))
        for receiver in receivers.values():
            receiver.behaves()
    happenings = [Happening(broker, client_id) for client_id in receivers]
    for happening in happenings:
        for number in range(5):
            happening.happens(bytes([number]) * 16, undone=False)
    ends = time.monotonic() + 60
    while any(waiting(broker, client_id) for client_id in receivers):
        assert time.monotonic() < ends, deliverers[0].tail()
        time.sleep(0.1)
    for happening, receiver in zip(happenings, receivers.values(), strict=True):
        receiver.kill()
        check(happening, receiver)

"""The primary is killed while people and programs are at work: nothing that was acknowledged is lost.

`scripts/failover` runs it, apart from the other tests: it waits for servers most of the time. The short form promotes
the standby by a script; with FAILOVER=all pg_auto_failover does, as operators have it.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Lock

import pytest
import requests
from harness.autofailover import AutoFailover
from harness.business import Business
from harness.failover import Pair
from harness.person import Linked, Person
from harness.running import RunningBroker, RunningSandbox

ASKED = os.environ.get("FAILOVER", "")
ALL = ASKED == "all"
pytestmark = [pytest.mark.postgres, pytest.mark.skipif(not ASKED, reason="scripts/failover runs it")]
#: Consents that stand when the primary dies, to be ended meanwhile.
STANDING = 200 if ALL else 12
#: Seconds within which the broker must serve again; pg_auto_failover takes its time to believe that a server is gone.
PATIENCE = 120.0 if ALL else 15.0


@dataclass
class Told:
    """What was answered while it happened."""

    statuses: set[int] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    given: list[Linked] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def note(self, answer: "requests.Response") -> int:
        """Remember a status, and return it."""
        with self.lock:
            self.statuses.add(answer.status_code)
        return answer.status_code


@pytest.fixture(params=["pg_auto_failover" if ALL else "streaming replication"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair | AutoFailover]:
    """Give two servers in step."""
    running = AutoFailover() if request.param == "pg_auto_failover" else Pair()
    yield running
    running.stop()


@pytest.fixture
def broker(
    pair: Pair, tmp_path: Path, ports: dict[str, int], platform_of_all: RunningSandbox
) -> Iterator[RunningBroker]:
    """Run a broker on both servers: it writes to whichever takes writes."""
    running = RunningBroker(
        tmp_path, port=ports["first"], database_url=pair.address(), platforms=platform_of_all.section()
    )
    yield running
    running.stop()


def ends(business: Business, grants: Iterator[Linked], told: Told, stop: Event) -> None:
    """Give one consent after the other up, each until it is acknowledged."""
    for linked in grants:
        while not stop.is_set():
            status = told.note(business.grant(linked.grant_id, "DELETE"))
            if status == 204:
                told.ended.add(linked.grant_id)
                break
            time.sleep(0.05)


def gives(business: Business, meet: Callable[[], Person], told: Told, stop: Event) -> None:
    """Let people consent, one after the other; what fails on the way was not acknowledged."""
    while not stop.is_set():
        person, done = meet(), False
        while not (done or stop.is_set()):
            with suppress(AssertionError, KeyError, ValueError, IndexError):
                told.given.append(person.consents(business))
                done = True
            time.sleep(0.05)


def asks(business: Business, linked: Linked, told: Told, stop: Event) -> None:
    """Ask for the same match again and again."""
    body = business.match_request(linked.account.id, linked.email)
    while not stop.is_set():
        told.note(business.ask_match(body))
        time.sleep(0.02)


def until_served(business: Business, linked: Linked) -> float:
    """Return how long it takes until a match is answered again, and nothing but 503 meanwhile."""
    body, began = business.match_request(linked.account.id, linked.email), time.monotonic()
    while (status := business.ask_match(body).status_code) != 200:
        assert 503 == status
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.1)
    return time.monotonic() - began


def standing_of(business: Business, linked: Linked) -> str:
    """Return how a grant stands now."""
    answer = business.grant(linked.grant_id)
    return str(answer.json().get("status")) if answer.status_code == 200 else f"{answer.status_code}"


def test_nothing_acknowledged_is_lost_with_the_primary_and_the_broker_goes_on_by_itself(
    pair: Pair, broker: RunningBroker, new_person: Callable[[], Person]
) -> None:
    business, told, stop = broker.business(), Told(), Event()
    kept, *standing = [new_person().consents(business) for _ in range(STANDING)]
    business.client_token("consent"), business.client_token("match")
    grants = iter(standing)
    with ThreadPoolExecutor(6) as pool:
        lock = Lock()

        def each() -> Iterator[Linked]:
            for _ in count():
                with lock:
                    linked = next(grants, None)
                if linked is None or stop.is_set():
                    return
                yield linked

        work = [pool.submit(ends, business, each(), told, stop) for _ in range(2)]
        work += [pool.submit(gives, business, new_person, told, stop) for _ in range(2)]
        work += [pool.submit(asks, business, kept, told, stop)]
        time.sleep(1.0 if ALL else 0.1)
        pair.kill_primary()
        ended_before = set(told.ended)
        time.sleep(0.5)
        pair.promote()
        away = until_served(business, kept)
        time.sleep(0.5)
        stop.set()
        for done in work:
            done.result()
    assert told.statuses <= {200, 204, 503}
    assert 503 in told.statuses
    assert {"revoked"} == {standing_of(business, linked) for linked in standing if linked.grant_id in told.ended}
    assert {"given"} >= {standing_of(business, linked) for linked in told.given}
    assert "given" == standing_of(business, kept)
    assert (len(told.ended) > len(ended_before), away < PATIENCE) == (True, True)

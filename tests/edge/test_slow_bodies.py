"""Slow bodies of one client, more than a broker has places for, and another one's matches beside them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from select import select
from time import monotonic

from harness import wire
from harness.business import Business
from harness.person import Linked
from harness.running import RunningBroker

from broker.web.front import PLACES

#: Of two workers each has so many places for programs; and a few more come.
SLOW = 2 * PLACES + 40
#: Seconds of silence after which each has been begun or turned away: they come all at once.
SILENCE = 1.0
#: Seconds in which a match is answered beside them, on a machine that is busy with tests.
QUICK = 2.0
KINDS = {
    "a batch": ("/v1/match/batch", "application/json", '{"items":['),
    "lines": ("/v1/match/batch", "application/x-ndjson", '{"account":'),
    "a single question": ("/v1/match", "application/json", '{"account":'),
}


@contextmanager
def slow(broker: RunningBroker, other_business: Business, path: str, kind: str, begins: str) -> Iterator[None]:
    """Let a business begin more bodies than there are places for, and end none of them."""
    token = wire.bearer(other_business.client_token())["Authorization"]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: 4000\r\n\r\n{begins}"
    )
    with ExitStack() as opened:
        waiting = [opened.enter_context(socket.create_connection(("127.0.0.1", broker.port), 5)) for _ in range(SLOW)]
        for connection in waiting:
            connection.sendall(head.encode())
        while answered := select(waiting, [], [], SILENCE)[0]:
            waiting = [connection for connection in waiting if connection not in answered]
        assert len(waiting) <= PLACES, "half of the places of either worker, and the others are turned away"
        yield


def test_slow_bodies_of_one_client_hold_up_nobody_else(
    broker: RunningBroker, business: Business, other_business: Business, linked: Linked
) -> None:
    for path, kind, begins in KINDS.values():
        with slow(broker, other_business, path, kind, begins):
            asked = business.match_request(linked.account.id, linked.email)
            for _ in range(6):
                began = monotonic()
                answer = business.ask_match(asked)
                assert (200, True) == (answer.status_code, answer.json().get("decision")), (path, kind, answer.text)
                assert monotonic() - began < QUICK

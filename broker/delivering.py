"""The deliverer: the duty that pushes events, several streams at once, so that no slow receiver keeps another waiting.

Any number of them work side by side, on one machine or many: each stream is leased by one at a time.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

from broker.actions.broker import Broker
from broker.actions.push_events import clients_to_push, give_up, push_events

#: Streams that one process works on at a time.
LANES = 4
#: Streams that are looked at to choose from.
_CHOICE = 200
#: Seconds that a lane stays with one stream while others may wait.
_STAY = 5.0
#: Seconds for which a stream is left aside that could not be worked on for a reason of the broker's own.
_ASIDE = 60.0
#: Seconds between two looks for what is to be given up.
_GIVING_UP = 30.0


class Deliverer:
    """Pushes what waits, a turn at a time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._holder = broker.new_id()
        self._lanes = ThreadPoolExecutor(LANES, thread_name_prefix="deliver")
        self._working: dict[str, Future[None]] = {}
        self._served: dict[str, float] = {}
        self._aside: dict[str, float] = {}
        self._gave_up = -_GIVING_UP
        self._closing = False

    def turn(self) -> None:
        """Set free lanes to work, those first who have waited longest; raise what went wrong in one since."""
        for client_id in self._chosen():
            self._served[client_id] = monotonic()
            self._working[client_id] = self._lanes.submit(self._work, client_id)
        if monotonic() - self._gave_up >= _GIVING_UP:
            give_up(self._broker)
            self._gave_up = monotonic()
        self._end_what_is_done()

    def close(self) -> None:
        """Let every lane end the event that it is at, and write down what came of those before."""
        self._closing = True
        self._lanes.shutdown(cancel_futures=True)
        self._broker.database.close()

    def _chosen(self) -> list[str]:
        free = LANES - len(self._working)
        if not free:
            return []
        waiting = clients_to_push(self._broker, limit=_CHOICE)
        now = monotonic()
        aside = {client_id for client_id, until in self._aside.items() if until > now}
        idle = [client_id for client_id in waiting if client_id not in self._working and client_id not in aside]
        return sorted(idle, key=lambda client_id: self._served.get(client_id, 0.0))[:free]

    def _work(self, client_id: str) -> None:
        ends = monotonic() + _STAY
        while self._goes_on() and monotonic() < ends:
            if not push_events(self._broker, client_id, holder=self._holder, wanted=self._goes_on):
                return

    def _goes_on(self) -> bool:
        return not self._closing

    def _end_what_is_done(self) -> None:
        failures: list[BaseException] = []
        for client_id in [client_id for client_id, work in self._working.items() if work.done()]:
            failure = self._working.pop(client_id).exception()
            if failure is not None:
                self._aside[client_id] = monotonic() + _ASIDE
                failures.append(failure)
        if failures:
            raise failures[0]

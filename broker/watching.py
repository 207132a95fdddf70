"""Numbers for whoever watches: each process counts here, and web/counted adds them up when somebody asks.

A label is a word of ours or of a policy document, never what a person, a client or a stranger wrote: it would be kept
for as long as the graphs are, and read by whoever may look at them. Counting one thing takes a microsecond or two; what
comes in thousands is counted in one call. What is counted before a commit that fails stays counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

#: What is counted in this process, where the processes of one broker do not share a folder.
HERE = CollectorRegistry()
#: Methods as they are counted; any other word is a stranger's.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_ITEMS = (1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 50_000)

#: Decisions as they are counted, once each whatever the number of clauses; and requests, so that many can be counted at
#: once. Told otherwise: see web/counted.
ANSWERS, REQUESTS, SECONDS = "broker_answers", "broker_timed", "broker_timed_seconds"
_answers = Counter(ANSWERS, "Decisions.", ("act", "outcome", "ground", "reason", "clauses"), registry=HERE)
_requests = Counter(REQUESTS, "Requests.", ("route", "method", "status", "le"), registry=HERE)
_seconds = Counter(SECONDS, "Time.", ("route", "method", "status"), registry=HERE)
_items = Histogram(
    "broker_batch_items", "Questions that came together, by way.", ("way",), buckets=_ITEMS, registry=HERE
)
_under_way = Gauge(
    "broker_requests_in_flight", "Requests under way, by whose.", ("whose",), multiprocess_mode="livesum", registry=HERE
)
_turned_away = Counter(
    "broker_turned_away", "Requests of programs that were told 503, for want of a place or a turn.", ("want",),
    registry=HERE,
)  # fmt: skip
_waiting = Gauge(
    "broker_turns_waiting", "Transactions and looks that wait for their turn.", ("kind",),
    multiprocess_mode="livesum", registry=HERE,
)  # fmt: skip
_connections = Gauge(
    "broker_database_connections_in_use", "Connections to the database that are in use.", ("database",),
    multiprocess_mode="livesum", registry=HERE,
)  # fmt: skip
_slow = Counter(
    "broker_slow_statements", "Statements that took longer than BROKER_SLOW_STATEMENT_MS.", ("database",), registry=HERE
)
_posts = Histogram(
    "broker_post_duration_seconds", "Posts to receivers of events, by what came of them.", ("outcome",),
    buckets=_SECONDS[6:], registry=HERE,
)  # fmt: skip
_turns = Gauge(
    "broker_duty_turn_timestamp_seconds", "When a duty beside the workers last took a turn, failed or not.", ("duty",),
    multiprocess_mode="mostrecent", registry=HERE,
)  # fmt: skip
_failed = Counter("broker_duty_failures", "Turns of a duty that failed.", ("duty",), registry=HERE)


class Ruled(Protocol):
    """A decision, as far as it is counted."""

    @property
    def permitted(self) -> bool:
        """Whether it is a permit."""

    @property
    def basis(self) -> str | None:
        """What a permit rests on."""

    @property
    def reason(self) -> str | None:
        """Why a denial is one."""

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that made it."""


def count_decisions(act: str, ruled: Ruled, number: int = 1) -> None:
    """Count so many decisions of *act* that all say the same."""
    _answered(act, ruled.permitted, ruled.basis, ruled.reason, ruled.clauses).inc(number)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request to a *route*, as its pattern reads, that was answered with *status* after so many *seconds*."""
    within, in_all = _asked(route, method if method in METHODS else "other", status)
    within[bisect_left(_SECONDS, seconds)].inc()
    in_all.inc(seconds)


def count_items(way: str, number: int) -> None:
    """Count so many questions that came together, by a *way* such as ``batch``."""
    _items.labels(way).observe(number)


def count_turned_away(want: str) -> None:
    """Count a request that was told to come again, for want of a ``place`` or a ``turn``."""
    _turned_away.labels(want).inc()


def count_post(outcome: str, seconds: float) -> None:
    """Count a post to a stranger's server, by what came of it."""
    _posts.labels(outcome).observe(seconds)


def count_slow(database: str) -> None:
    """Count a statement that took too long."""
    _slow.labels(database).inc()


def count_turn(duty: str, *, failed: bool) -> None:
    """Note that a duty has just taken a turn."""
    _turns.labels(duty).set_to_current_time()
    if failed:
        _failed.labels(duty).inc()


def connection_taken(database: str, more: int) -> None:
    """Note that a connection was taken (1) or given back (-1)."""
    _in_use(database).inc(more)


@contextmanager
def waiting_for(kind: str) -> Iterator[None]:
    """Count somebody who waits for a turn, for as long as they do."""
    with _waiting.labels(kind).track_inprogress():
        yield


def request_under_way(whose: str, more: int) -> None:
    """Note that a request of ``people`` or ``programs`` began (1) or ended (-1)."""
    _of(whose).inc(more)


# To find a number by its labels costs as much as to raise it. The keys are of the few words that labels may hold.


@cache
def _answered(act: str, permitted: bool, basis: str | None, reason: str | None, clauses: tuple[str, ...]) -> Counter:  # noqa: FBT001 - a key
    outcome = "permit" if permitted else "deny"
    return _answers.labels(act, outcome, basis or "none", reason or "none", " ".join(clauses))


@cache
def _asked(route: str, method: str, status: int) -> tuple[Sequence[Counter], Counter]:
    which = (route, method, str(status))
    within = [_requests.labels(*which, str(most)) for most in (*_SECONDS, "+Inf")]
    return within, _seconds.labels(*which)


@cache
def _in_use(database: str) -> Gauge:
    return _connections.labels(database)


@cache
def _of(whose: str) -> Gauge:
    return _under_way.labels(whose)


class Tally:
    """Counts answers to one route that come by the thousand a second, and hands them on in one go.

    Counting is a third of a microsecond then, in place of three. What was not handed on is lost with its process:
    whoever counts here has :meth:`hand_on` called soon, again and again.
    """

    def __init__(self, act: str, route: str, method: str, status: int) -> None:
        self._act, self._asked = act, _asked(route, method, status)
        self._lock = Lock()
        self._counted: dict[int, list[Any]] = {}
        self._within, self._seconds = [0] * (len(_SECONDS) + 1), 0.0

    def count(self, ruled: Ruled, seconds: float) -> None:
        """Count a decision, and the request for it; the same object counts as the same decision."""
        place = bisect_left(_SECONDS, seconds)
        with self._lock:
            found = self._counted.get(id(ruled))
            if found is None:  # kept with its number: an id is an object's for as long as that is there
                found = self._counted[id(ruled)] = [ruled, 0]
            found[1] += 1
            self._within[place] += 1
            self._seconds += seconds

    def hand_on(self) -> None:
        """Let it be seen by whoever asks."""
        with self._lock:
            counted, within, seconds = self._counted, self._within, self._seconds
            if not counted:
                return
            self._counted, self._within, self._seconds = {}, [0] * len(within), 0.0
        for ruled, number in counted.values():
            count_decisions(self._act, ruled, number)
        for number, bucket in zip(within, self._asked[0], strict=True):
            if number:
                bucket.inc(number)
        self._asked[1].inc(seconds)

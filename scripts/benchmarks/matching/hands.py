"""A process that grants, some at once, and inserts the same rows bare; the bench has two, with a start in common."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg

from benchmarks import consenting
from benchmarks.matching.samerows import GrantRows, SameRows
from benchmarks.stage import a_broker, driver_url
from broker.actions.broker import Broker
from broker.actions.record_consent import Choice
from broker.core.client import Client
from broker.store.clients import find_client

_AT_ONCE = 10


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one process did: the seconds of each act, when it began and ended, what it computed."""

    times: Sequence[float]
    began: float
    ended: float
    cpu: float


@dataclass
class _Hand:
    broker: Broker
    client: Client
    bare_url: str
    rows: SameRows
    threads: int
    lock: IO[bytes]
    held: ExitStack
    choices: list[Choice] = field(default_factory=list)
    grants: list[GrantRows] = field(default_factory=list)


_ours: list[_Hand] = []


def begin(  # noqa: PLR0917 - a process is handed no names
    home: str, url: str, bare_url: str, client_id: str, rows: SameRows, threads: int
) -> None:
    """Open the broker, once for the whole life of this process."""
    held = ExitStack()
    broker = held.enter_context(a_broker(Path(home), url))
    with broker.database.reading() as tx:
        client = find_client(tx, client_id)
    if client is None:
        raise LookupError("the client of these links is not there")
    lock = held.enter_context((Path(home) / "bare.lock").open("wb"))
    _ours.append(_Hand(broker, client, bare_url, rows, threads, lock, held))


def prepare(numbers: range) -> None:
    """Let these people prove themselves, read and press Allow: what is timed begins then."""
    [hand] = _ours
    waiting = list(numbers)
    while waiting:
        some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
        with hand.broker.database.transaction() as tx:
            hand.choices += [consenting.a_choice(tx, hand.broker, hand.client, number) for number in some]


def grant(begins: float, rate: float) -> Turn:
    """Record what was prepared, a transaction each: so many a second, or as fast as it goes at 0."""
    [hand] = _ours
    choices, hand.choices = hand.choices, []

    def record(place: int) -> float:
        time.sleep(max(0.0, begins + place / rate - time.monotonic()) if rate else 0.0)
        began = time.perf_counter()
        consenting.give(hand.broker, hand.client, choices[place])
        return time.perf_counter() - began

    return _timed(begins, hand.threads, record, len(choices))


def prepare_rows(grants: int) -> None:
    """Make the rows of as many grants."""
    [hand] = _ours
    hand.grants = hand.rows.of_grants(hand.bare_url, grants)


def insert(begins: float) -> Turn:
    """Insert those rows by the driver alone, a transaction each."""
    [hand] = _ours
    mine, grants, hand.grants = threading.local(), hand.grants, []
    put = _into_sqlite(hand) if hand.bare_url.startswith("sqlite") else _into_postgres(hand)

    def one(place: int) -> float:
        began = time.perf_counter()
        put(mine, grants[place])
        return time.perf_counter() - began

    return _timed(begins, hand.threads, one, len(grants))


def _timed(begins: float, threads: int, act: Callable[[int], float], count: int) -> Turn:
    with ThreadPoolExecutor(threads) as pool:
        time.sleep(max(0.0, begins - time.monotonic()))
        began, computed = time.monotonic(), time.process_time()
        times = list(pool.map(act, range(count)))
        return Turn(times=times, began=began, ended=time.monotonic(), cpu=time.process_time() - computed)


Put = Callable[[threading.local, GrantRows], None]


def _into_sqlite(hand: _Hand) -> Put:
    """As safe as the broker's own file; and writers queue as the broker's do, for to poll the file's lock is slower."""
    ours = threading.Lock()

    @contextmanager
    def turn() -> Iterator[None]:
        with ours:
            fcntl.flock(hand.lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(hand.lock, fcntl.LOCK_UN)

    def put(mine: threading.local, rows: GrantRows) -> None:
        if not hasattr(mine, "file"):
            mine.file = sqlite3.connect(hand.bare_url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
            for pragma in ("synchronous=FULL", "foreign_keys=OFF"):
                mine.file.execute(f"PRAGMA {pragma}")
        with turn():
            mine.file.execute("BEGIN IMMEDIATE")
            _execute(mine.file, rows)
            mine.file.execute("COMMIT")

    return put


def _into_postgres(hand: _Hand) -> Put:
    def put(mine: threading.local, rows: GrantRows) -> None:
        if not hasattr(mine, "server"):
            mine.server = psycopg.connect(driver_url(hand.bare_url), prepare_threshold=0, autocommit=True)
        with mine.server.pipeline(), mine.server.transaction(), mine.server.cursor() as cursor:
            _execute(cursor, rows)

    return put


def _execute(driver: Any, rows: GrantRows) -> None:  # noqa: ANN401 - a connection or a cursor
    for statement, values in rows:
        for one in values:
            driver.execute(statement, one)

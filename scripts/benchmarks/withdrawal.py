"""Withdrawals while the match API is asked ten times what it can answer; and the control, in which nobody goes first.

People withdraw at a steady rate, each on a connection of their own, by the button behind the link in a receipt. A time
counts from the moment a withdrawal was due until its answer has come.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import consenting
from benchmarks.consenting import Given
from benchmarks.measuring import Timings, table
from benchmarks.stage import SQLITE, a_broker, a_home, an_empty_database
from broker.actions.broker import Broker

HELP = "withdrawals while matches are asked ten times over"
Found = Mapping[str, Any]
_SCRIPTS = Path(__file__).parents[1]
_DEADLINE = 30.0
_WARM, _LOOK = 1.0, 0.05
#: What is measured: the command that answers matches, and whether withdrawals have workers of their own.
WAYS = {"one port": (False, False), "workers of their own": (False, True), "nobody first": (True, False)}

_COLUMNS = {
    "p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "max ms": "max_ms",
    "refused": "refused",
    "dropped": "dropped",
    "not done": "still_standing",
    "matches/s": "capacity",
    "asked/s": "asked_a_second",
    "answered/s": "answered_a_second",
    "turned away/s": "turned_away_a_second",
    "held back/s": "held_back_a_second",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be asked for."""
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each way is measured (%(default)s)")
    parser.add_argument("--rate", type=float, default=10.0, help="withdrawals a second (%(default)s)")
    parser.add_argument("--times", type=float, default=10.0, help="how often over matches are asked (%(default)s)")
    parser.add_argument("--clients", type=int, default=200, help="connections that ask for matches (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that answer (%(default)s)")
    parser.add_argument("--database", default=SQLITE, help="sqlite, or a server's URL: a new database is made there")


@dataclass(frozen=True)
class Stage:
    """A broker's folder, with whom it knows."""

    home: Path
    url: str
    broker: Broker
    questions: Path


def run(asked: argparse.Namespace) -> Found:
    """Measure each way, on a database of its own that holds the same."""
    ways = {name: _way(asked, *options) for name, options in WAYS.items()}
    kind = SQLITE if asked.database == SQLITE else "postgresql"
    return {"options": {**vars(asked), "database": kind, "json": None}, "database": kind, "ways": ways}


def _way(asked: argparse.Namespace, control: bool, split: bool) -> Found:  # noqa: FBT001 - rows of a table
    with a_home() as home, an_empty_database(asked.database, home) as url, a_broker(home, url) as broker:
        client = consenting.a_client(broker)
        given = list(consenting.consents(broker, client, range(int(asked.rate * asked.seconds))))
        stage = Stage(home=home, url=url, broker=broker, questions=home / "questions.json")
        stage.questions.write_text(json.dumps(_questions(consenting.a_token(broker, client))))
        broker.database.close()
        with served(stage, asked.workers, control=control) as (port, _), _split(stage, port, split=split) as people:
            capacity = _capacity(stage, port, asked)
            return {"capacity": capacity, **_measure(stage, asked, (port, people), capacity, given)}


def _questions(token: str, *, count: int = 100) -> list[str]:
    """Whole requests, of people who never withdraw and may be strangers: each is decided and recorded."""
    made = []
    for number in range(count):
        account, email = consenting.who(10_000_000 + number)
        body = json.dumps({
            "account": {"platform": "x", "id": account},
            "identifier": {"kind": "person", "type": "email", "value": email},
            "purpose": "customer-care",
        })  # fmt: skip
        head = f"POST /v1/match HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        made.append(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
    return made


def _capacity(stage: Stage, port: int, asked: argparse.Namespace) -> float:
    """Matches a second that are answered, asked one after the other by as many as there are turns."""
    _asked(_crowd(stage, port, clients=2, rate=0.0, seconds=_WARM))
    seen = _asked(_crowd(stage, port, clients=4 * asked.workers, rate=0.0, seconds=max(_WARM, asked.seconds / 5)))
    return seen.get("200", 0) / max(_WARM, asked.seconds / 5)


def _measure(
    stage: Stage, asked: argparse.Namespace, ports: tuple[int, int], capacity: float, given: Sequence[Given]
) -> Found:
    match_port, people_port = ports
    seconds = asked.seconds + 2 * _WARM
    crowd = _crowd(stage, match_port, clients=asked.clients, rate=asked.times * capacity, seconds=seconds)
    time.sleep(_WARM)
    times, refused, dropped = _withdraw(stage.broker, people_port, given, asked.rate)
    seen = _asked(crowd)
    kept = [one for one in given if consenting.stands(stage.broker, one)]
    return {
        "withdrawals": len(given), "refused": refused, "dropped": dropped, "still_standing": len(kept),
        "p50_ms": statistics.median(times.seconds) * 1000, "p99_ms": times.percentile(99) * 1000,
        "max_ms": max(times.seconds) * 1000, "asked_a_second": sum(seen.values()) / seconds,
        "answered_a_second": seen.get("200", 0) / seconds, "turned_away_a_second": seen.get("503", 0) / seconds,
        "held_back_a_second": seen.get("held back", 0) / seconds, "broken": seen.get("broken", 0),
    }  # fmt: skip


def _withdraw(broker: Broker, port: int, given: Sequence[Given], rate: float) -> tuple[Timings, int, int]:
    """Press every button at its moment, however long the one before takes; return times, refused and unanswered."""
    times, begins = Timings(), time.perf_counter()

    def press(place: int, one: Given) -> int:
        due = begins + place / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        status = _pressed(port, one.capability, broker.blinder.form(one.capability))
        times.seconds.append(time.perf_counter() - due)
        return status

    with ThreadPoolExecutor(64) as hands:
        statuses = list(hands.map(press, range(len(given)), given))
    return times, sum(status not in {303, 0} for status in statuses), statuses.count(0)


def _pressed(port: int, capability: str, csrf: str) -> int:
    form = urlencode({"csrf": csrf, "choice": "withdraw"})
    http = HTTPConnection("127.0.0.1", port, timeout=_DEADLINE)
    try:
        http.request("POST", f"/consents/{capability}", form, {"Content-Type": "application/x-www-form-urlencoded"})
        return http.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        http.close()


def _crowd(stage: Stage, port: int, *, clients: int, rate: float, seconds: float) -> subprocess.Popen[str]:
    options = {"port": port, "clients": clients, "rate": rate, "seconds": seconds, "questions": stage.questions}
    words = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.Popen(
        [sys.executable, str(_SCRIPTS / "benchmarks" / "crowd.py"), *words], stdout=subprocess.PIPE, text=True
    )


def _asked(crowd: subprocess.Popen[str]) -> dict[str, int]:
    said, _ = crowd.communicate()
    seen: dict[str, int] = json.loads(said)
    return seen


@contextmanager
def _split(stage: Stage, port: int, *, split: bool) -> Iterator[int]:
    if not split:
        yield port
        return
    with served(stage, 1, people_only=True) as (people, _):
        yield people


@contextmanager
def served(
    stage: Stage, workers: int, *, control: bool = False, people_only: bool = False
) -> Iterator[tuple[int, int]]:
    """Run `broker serve`, or the control, on a port of its own until it has been measured; its port and its process."""
    port = _free_port()
    command = [sys.executable, "-m", *(["benchmarks.unordered"] if control else ["broker.cli", "serve"])]
    command += ["--port", str(port), "--workers", str(workers), *(["--people-only"] if people_only else [])]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BROKER_")},
        "PYTHONPATH": str(_SCRIPTS),
        "BROKER_DATABASE_URL": stage.url,
        **{f"BROKER_{name.upper()}_DIR": str(stage.home / name) for name in ("keys", "marks")},
        "BROKER_PLATFORMS_FILE": str(stage.home / "platforms.toml"),
    }
    with (stage.home / f"{port}.log").open("wb") as said:
        program = subprocess.Popen(command, env=env, cwd=stage.home, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        _await(port, program)
        yield port, program.pid
    finally:
        program.terminate()
        program.wait(_DEADLINE)


def _await(port: int, program: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _DEADLINE
    while program.poll() is None and time.monotonic() < ends:
        http = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            http.request("GET", "/health/live")
            if http.getresponse().status == 200:  # noqa: PLR2004 - HTTP's own number
                return
        except (OSError, HTTPException):
            time.sleep(_LOOK)
        finally:
            http.close()
    raise RuntimeError("the broker does not answer")


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def lines(found: Found) -> Sequence[str]:
    """The whole as a table in plain text."""
    options, began, ended = found["options"], found["began"], found["ended"]
    rows = [[way, *(f"{it[name]:.0f}" for name in _COLUMNS.values())] for way, it in found["ways"].items()]
    return [
        f"withdrawal: {options['rate']:g} a second for {options['seconds']:g} s; {options['clients']} connections",
        f"ask for {options['times']:g} times the matches that {options['workers']} workers answer when asked no faster",
        f"{began['at']} to {ended['at']}, {began['cores']} cores, load {began['load']} then {ended['load']}",
        f"Python {began['python']}, {found['database']}; broker, clients and database share the machine",
        "",
        *table(["", *_COLUMNS], rows),
        "",
        "Held back: due while the same connection still waited for its answer. Nobody first is the control: the same",
        "broker in which programs may hold every thread and nothing waits for its turn.",
    ]

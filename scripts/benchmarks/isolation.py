"""Single matches beside bulk: how long they take idle, beside batches of many clients, and what a long stream holds.

Single matches come at a steady rate; a time counts from the moment a match was due until its answer has come. Whoever
asks in bulk does so without a pause, each a client of its own. Of the stream, each worker's memory is looked at until
its last line was answered.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks import consenting
from benchmarks.measuring import Timings, table
from benchmarks.stage import SQLITE, a_broker, a_home, an_empty_database
from benchmarks.withdrawal import Stage, served

HELP = "single matches beside batches and a stream"
Found = Mapping[str, Any]
_CROWD = Path(__file__).with_name("crowd.py")
_DECISION = b'{"decision":'
_WARM, _LOOK, _BLOCK = 2.0, 0.05, 1024 * 1024
_COLUMNS = (
    "p50 ms",
    "p99 ms",
    "max ms",
    "answered/s",
    "held back",
    "not answered",
    "MiB at most",
    "pairs/s beside",
    "told to wait",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be asked for."""
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each is measured (%(default)s)")
    parser.add_argument("--rate", type=float, default=50.0, help="single matches a second (%(default)s)")
    parser.add_argument("--clients", type=int, default=32, help="clients that send batches (%(default)s)")
    parser.add_argument("--items", type=int, default=5_000, help="items of a batch (%(default)s)")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the stream; 0: none (%(default)s)")
    parser.add_argument("--links", type=int, default=300, help="consents that are there (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that answer (%(default)s)")
    parser.add_argument("--database", default=SQLITE, help="sqlite, or a server's URL: a new database is made there")


def run(asked: argparse.Namespace) -> Found:
    """Measure all of it on one database."""
    with a_home() as home, an_empty_database(asked.database, home) as url, a_broker(home, url) as broker:
        single, *bulk = [consenting.a_client(broker, owner=f"Business {it}") for it in range(1 + asked.clients)]
        list(consenting.consents(broker, single, range(asked.links)))
        stage = Stage(home=home, url=url, broker=broker, questions=home / "single.json")
        tokens = [consenting.a_token(broker, client) for client in (single, *bulk)]
        broker.database.close()
        asking = _Asking(asked, home, tokens)
        with served(stage, asked.workers) as (port, pid):
            ways = {"idle": asking.singles(port, pid), "beside batches": asking.beside_batches(port, pid)}
        # Workers of its own: what the batches have left behind is none of its memory.
        with served(stage, asked.workers) as (port, pid):
            memory = asking.stream(port, pid, consenting.a_token(broker, single)) if asked.lines else None
    kind = SQLITE if asked.database == SQLITE else "postgresql"
    return {
        "options": {**vars(asked), "database": kind, "json": None},
        "database": kind,
        "ways": ways,
        "memory": memory,
    }


class _Asking:
    """Who asks: the questions as files, and processes that send them."""

    def __init__(self, asked: argparse.Namespace, home: Path, tokens: Sequence[str]) -> None:
        self._asked, self._home = asked, home
        single, *bulk = tokens
        self._write("single", [_request("/v1/match", single, _question(number).encode()) for number in range(100)])
        self._write("bulk", [_request("/v1/match/batch", it, self._batch(place)) for place, it in enumerate(bulk)])

    def _write(self, name: str, requests: Sequence[str]) -> None:
        (self._home / f"{name}.json").write_text(json.dumps(requests))

    def _batch(self, place: int) -> bytes:
        numbers = range(place * self._asked.items, (place + 1) * self._asked.items)
        return f'{{"items":[{",".join(map(_question, numbers))}]}}'.encode()

    def singles(self, port: int, pid: int) -> Found:
        """Ask one by one, at a steady rate."""
        times = self._home / "times.json"
        options = {"clients": 8, "rate": self._asked.rate, "seconds": self._asked.seconds, "times": times}
        with _watched(pid) as held:
            seen = _said(self._crowd("single", port, **options))
        taken = Timings()
        taken.seconds = json.loads(times.read_text())
        answered = seen.pop("200", 0)
        return {
            "p50 ms": taken.percentile(50) * 1000, "p99 ms": taken.percentile(99) * 1000,
            "max ms": max(taken.seconds) * 1000, "answered/s": answered / self._asked.seconds,
            "held back": seen.pop("held back", 0), "not answered": sum(seen.values()),
            "MiB at most": max(held.most), "pairs/s beside": 0, "told to wait": 0,
        }  # fmt: skip

    def beside_batches(self, port: int, pid: int) -> Found:
        """The same while every other client sends one batch after the other."""
        seconds = self._asked.seconds + 2 * _WARM
        bulk = self._crowd("bulk", port, clients=self._asked.clients, rate=0.0, seconds=seconds)
        time.sleep(_WARM)
        found = self.singles(port, pid)
        seen = _said(bulk)
        pairs = seen.pop("200", 0) * self._asked.items / seconds
        return {**found, "pairs/s beside": pairs, "told to wait": sum(seen.values())}

    def _crowd(self, name: str, port: int, **options: object) -> subprocess.Popen[str]:
        given = {"port": port, "questions": self._home / f"{name}.json", **options}
        words = [f"--{option}={value}" for option, value in given.items()]
        return subprocess.Popen([sys.executable, str(_CROWD), *words], stdout=subprocess.PIPE, text=True)

    def stream(self, port: int, pid: int, token: str) -> Found:
        """Send one long stream, and see what each worker holds meanwhile."""
        body = self._home / "stream.ndjson"
        with body.open("w") as file:
            file.writelines(f"{_question(number)}\n" for number in range(self._asked.lines))
        began = time.perf_counter()
        with _watched(pid) as peaks:
            lines = _streamed(port, token, body)
            took = time.perf_counter() - began
        return {"lines": lines, "seconds": took, "before_mib": peaks.before, "peak_mib": peaks.most}


def _question(number: int) -> str:
    account, email = consenting.who(number)
    return (
        f'{{"account":{{"platform":"x","id":"{account}"}},"identifier":{{"kind":"person","type":"email",'
        f'"value":"{email}"}},"purpose":"customer-care"}}'
    )


def _request(path: str, token: str, body: bytes) -> str:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body.decode()}"


def _said(crowd: subprocess.Popen[str]) -> dict[str, int]:
    said, _ = crowd.communicate()
    seen: dict[str, int] = json.loads(said)
    return seen


def _streamed(port: int, token: str, body: Path) -> int:
    """Send a file, read the answer, and return how many decisions were in it."""
    http = HTTPConnection("127.0.0.1", port, timeout=600)
    length = str(body.stat().st_size)
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson", "Content-Length": length}
    with body.open("rb") as file:
        http.request("POST", "/v1/match/batch", file, head)
    answer, decisions, rest = http.getresponse(), 0, b""
    while block := answer.read(_BLOCK):
        decisions += (rest + block).count(_DECISION)
        rest = block[1 - len(_DECISION) :]
    http.close()
    return decisions


@dataclass
class _Held:
    """MiB that each worker held at first, and at most."""

    before: list[float]
    most: list[float]


@contextmanager
def _watched(pid: int) -> Iterator[_Held]:
    """Look at the workers of a broker until the block ends."""
    workers = _workers(pid)
    held, over = _Held([*map(_rss, workers)], [*map(_rss, workers)]), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            held.most = [max(most, _rss(worker)) for most, worker in zip(held.most, workers, strict=True)]

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield held
    finally:
        over.set()
        watching.join()


def _workers(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(it) for it in children if b"tend" not in Path(f"/proc/{it}/cmdline").read_bytes().split(b"\0")]


def _rss(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def lines(found: Found) -> Sequence[str]:
    """The whole as a table in plain text."""
    options, began, ended, memory = found["options"], found["began"], found["ended"], found["memory"]
    rows = [[way, *(f"{it[name]:.1f}" for name in _COLUMNS)] for way, it in found["ways"].items()]
    told = [
        f"isolation: {options['rate']:g} single matches a second for {options['seconds']:g} s among {options['links']}",
        f"links; {options['clients']} clients send batches of {options['items']} to {options['workers']} workers",
        f"{began['at']} to {ended['at']}, {began['cores']} cores, load {began['load']} then {ended['load']}",
        f"Python {began['python']}, {found['database']}; broker, clients and database share the machine",
        "",
        *table(["", *_COLUMNS], rows),
    ]
    if memory:
        each = ", ".join(f"{a:.0f} then {b:.0f}" for a, b in zip(memory["before_mib"], memory["peak_mib"], strict=True))
        told += ["", f"A stream of {memory['lines']} lines took {memory['seconds']:.1f} s; MiB of each worker: {each}"]
    return told

"""Businesses that ask, one by one and in bulk, and people who say yes, while a worker is killed again and again.

What was answered is written down here as *told*: by an answer that came whole, a line of a stream that came whole, or a
code in the address that a person was sent to. Who is not answered writes nothing down, and asks again.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Lock
from typing import Any

import requests
from harness import wire
from harness.business import Business, person_email
from harness.person import Person
from harness.processes import workers_of
from harness.running import RunningBroker

#: "come again", which a program may be told at any time.
_LATER = {429, 503}
#: Accounts that are asked about: few, so that each is on many sheets.
PEOPLE = 40
_BLOCK = 16 * 1024
#: Threads of a worker that still reads its modules, at most.
_ALONE = 2


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is asked: seconds, items of a batch, lines of a stream, how many ask each way, seconds between kills."""

    seconds: float = 60.0
    items: int = 5_000
    lines: int = 9_000
    each: int = 2
    people: int = 2
    pause: float = 1.0


@dataclass
class Told:
    """What was acknowledged: ids of decisions by account, sheets with the answers of whole batches, and consents."""

    decisions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    batches: dict[str, int] = field(default_factory=dict)
    consents: list[tuple[str, str]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    #: What nobody should have been answered, whatever dies.
    wrong: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def decided(self, kind: str, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> str | None:
        """One answer to one question; return its id where it is one."""
        status = answer.get("error", {}).get("status")
        with self.lock:
            if status is None:
                self.decisions[asked["account"]["id"]].add(answer["context"]["id"])
                self.seen[kind] += 1
                return str(answer["context"]["id"])
            self.seen["told to come again"] += 1
            if status not in _LATER:
                self.wrong.append(f"{kind}: {answer['error']}")
        return None

    def not_told(self, kind: str, why: object) -> None:
        """Nothing was acknowledged, and why; an answer that is neither a yes nor "come again" is wrong."""
        response = why if isinstance(why, requests.Response) else None
        with self.lock:
            self.seen["unanswered" if response is None else "told to come again"] += 1
            if response is not None and response.status_code not in _LATER:
                self.wrong.append(f"{kind}: {response.status_code} {response.text[:200]}")

    def not_shown(self, why: str) -> None:
        """A person came to another page than the next; one that says that the broker has failed is wrong."""
        with self.lock:
            self.seen["people told to come again"] += 1
            if re.search(r" but 5(?!03)", why):
                self.wrong.append(why)


class Fire:
    """A running broker under fire."""

    def __init__(self, broker: RunningBroker, business: Business, people: list[Person], size: Size) -> None:
        self.broker, self.business, self.people, self.size = broker, business, people, size
        self.told, self.over, self.kills, self.begun_again = Told(), Event(), 0, 0
        self.accounts = [wire.fresh_account() for _ in range(PEOPLE)]
        self.token = business.client_token()

    def run(self) -> None:
        """Let everybody act for as long as was asked, and wait until all workers are there again."""
        kinds = (self._one, self._batch, self._stream)
        acts: list[Callable[[Random], None]] = [act for act in kinds for _ in range(self.size.each)]
        loops = [lambda act=act, number=number: self._again(act, number) for number, act in enumerate(acts)]
        gives = [lambda person=person: self._again(lambda _rng: self._consent(person), 0) for person in self.people]
        with ThreadPoolExecutor(len(loops) + len(gives)) as hands:
            work = [hands.submit(loop) for loop in (*loops, *gives)]
            try:
                self._kill_until(time.monotonic() + self.size.seconds)
            finally:
                self.over.set()
            for done in work:
                done.result()
        self._await_workers(self.broker.workers)

    # --- who asks ---------------------------------------------------------------------------------------------

    def _again(self, act: Callable[[Random], None], number: int) -> None:
        rng = Random(number)  # noqa: S311 - whom to ask about is no secret
        while not self.over.is_set():
            try:
                act(rng)
            except requests.RequestException:
                self.told.not_told("", None)
                time.sleep(0.02)

    def _question(self, rng: Random) -> dict[str, Any]:
        with self.told.lock:
            consents = self.told.consents[-20:]
        if consents and rng.random() < 0.1:  # now and then one that is permitted
            return self.business.match_request(*rng.choice(consents))
        return self.business.match_request(rng.choice(self.accounts), f"someone{rng.randrange(1000)}@example.com")

    def _post(self, path: str, *, kind: str = "application/json", body: bytes, stream: bool = False) -> Any:  # noqa: ANN401
        headers = {**wire.bearer(self.token), "Content-Type": kind}
        return wire.post(f"{self.broker.issuer}{path}", data=body, headers=headers, stream=stream)

    def _one(self, rng: Random) -> None:
        asked = self._question(rng)
        answer = self._post("/v1/match", body=json.dumps(asked).encode())
        if answer.status_code != requests.codes.ok:
            self.told.not_told("match", answer)
        else:
            self.told.decided("matches", asked, answer.json())

    def _batch(self, rng: Random) -> None:
        asked = [self._question(rng) for _ in range(self.size.items)]
        answer = self._post("/v1/match/batch", body=json.dumps({"items": asked}).encode())
        if answer.status_code != requests.codes.ok:
            self.told.not_told("batch", answer)
            return
        results = answer.json()["results"]
        ids = [self.told.decided("in batches", *pair) for pair in zip(asked, results, strict=True)]
        with self.told.lock:
            self.told.batches[str(ids[0]).partition(".")[0]] = len(ids)

    def _stream(self, rng: Random) -> None:
        asked = [self._question(rng) for _ in range(self.size.lines)]
        body = b"".join(json.dumps(one).encode() + b"\n" for one in asked)
        with self._post("/v1/match/batch", kind="application/x-ndjson", body=body, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                self.told.not_told("stream", answer)
                return
            for one, line in zip(asked, _whole_lines(answer), strict=False):
                self.told.decided("in streams", one, json.loads(line))

    def _consent(self, person: Person) -> None:
        email = wire.fresh_email()
        asked = self.business.par(details=self.business.details(identifier=person_email(email)))
        if asked.answer.status_code != requests.codes.created:
            self.told.not_told("consent", asked.answer)
            return
        try:
            notice = person.to_notice(self.business, asked)
        except AssertionError as failure:  # the page of a failure is no notice
            self.told.not_shown(str(failure))
            return
        landed = person.allow(notice, {"customer-care"})
        if "code" not in landed.query:
            self.told.not_shown(f"no code but {landed.status} {landed.words}")
            return
        with self.told.lock:
            self.told.consents.append((person.account.id, email))
            self.told.seen["consents"] += 1

    # --- who kills --------------------------------------------------------------------------------------------

    def _kill_until(self, ends: float) -> None:
        while time.monotonic() + self.size.pause < ends:
            time.sleep(self.size.pause)
            # The one that was begun first: the same twice in a row is taken for one that cannot begin.
            os.kill(self._await_workers(self.broker.workers)[0], signal.SIGKILL)
            self.kills += 1
        time.sleep(max(0.0, ends - time.monotonic()))

    def _await_workers(self, number: int) -> list[int]:
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            if self.broker.program.process.poll() is not None:
                self.begun_again += 1
                self.broker.serve_again()
            found = workers_of(self.broker.program.process.pid)
            if len(found) == number and all(map(_listens, found)):
                return found
            time.sleep(0.02)
        raise AssertionError(f"the workers do not come back: {self.broker.program.tail()}")


def _listens(worker: int) -> bool:
    """Whether a worker has begun to answer: it holds more threads then than one that still reads its modules."""
    with suppress(OSError):
        return len(list(Path(f"/proc/{worker}/task").iterdir())) > _ALONE
    return False


def _whole_lines(answer: requests.Response) -> Iterator[bytes]:
    """The lines that came whole; what a dead worker left of one is none."""
    rest = b""
    for block in answer.iter_content(_BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole

"""Clients who ask for matches, many at once, in a process of their own: they must not slow down who measures.

How long an answer took counts from the moment at which its question was due.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

_STATUS = slice(9, 12)
_ANSWERED, _BROKEN = b"200", b"broken"


class Client:
    """One connection that is kept, and at most one question on it at a time."""

    def __init__(self, port: int, questions: list[bytes], seen: Counter[bytes]) -> None:
        self._port, self._questions, self._seen = port, questions, seen
        self.seconds: list[float] = []

    async def ask_until(self, ends: float, *, every: float, first: float) -> None:
        """Ask every so many seconds; what falls due while an answer is waited for is not asked, and counted."""
        streams, due, number = None, first, 0
        while due < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            number += 1
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", self._port)
                self._seen[await self._ask(streams, self._questions[number % len(self._questions)])] += 1
                self.seconds.append(time.monotonic() - due)
            except (OSError, asyncio.IncompleteReadError):
                self._seen[_BROKEN], streams = self._seen[_BROKEN] + 1, None
                due = max(due, time.monotonic() + 0.05)
            missed = int(max(0.0, time.monotonic() - due) / every) if every else 0
            self._seen[b"held back"] += missed
            due += (missed + 1) * every if every else time.monotonic() - due
        if streams:
            streams[1].close()

    @staticmethod
    async def _ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], question: bytes) -> bytes:
        reader, writer = streams
        writer.write(question)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        return head[_STATUS]


async def _crowd(asked: argparse.Namespace) -> tuple[Counter[bytes], list[float]]:
    seen: Counter[bytes] = Counter()
    questions = [question.encode() for question in json.loads(asked.questions.read_text())]
    begins = time.monotonic()
    every = asked.clients / asked.rate if asked.rate else 0.0
    clients = [Client(asked.port, questions[number:] + questions[:number], seen) for number in range(asked.clients)]
    each = every / asked.clients
    await asyncio.gather(
        *(
            client.ask_until(begins + asked.seconds, every=every, first=begins + number * each)
            for number, client in enumerate(clients)
        )
    )
    return seen, [took for client in clients for took in client.seconds]


def main() -> None:
    """Ask, and print what was answered as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="questions a second of all together; 0: no pause")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--questions", type=Path, required=True, help="a JSON list of whole requests")
    parser.add_argument("--times", type=Path, help="a file for the seconds that each answer took")
    asked = parser.parse_args()
    seen, seconds = asyncio.run(_crowd(asked))
    if asked.times:
        asked.times.write_text(json.dumps(seconds))
    json.dump({status.decode(): number for status, number in seen.items()}, sys.stdout)


if __name__ == "__main__":
    main()

"""The same load as load.lua makes, without wrk: one thread, plain sockets, at most one question on each at a time."""

import argparse
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from random import Random

from benchmarks.consenting import who

_OK = b"HTTP/1.1 200"


def question(path: str, token: str, number: int) -> bytes:
    """One whole request about the person of that number."""
    body = json.dumps(asked_of(number), separators=(",", ":"))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def asked_of(number: int) -> dict[str, object]:
    """A match as its JSON."""
    account, email = who(number)
    identifier = {"kind": "person", "type": "email", "value": email}
    return {"account": {"platform": "x", "id": account}, "identifier": identifier, "purpose": "customer-care"}


@dataclass
class Line:
    """One connection, and since when its question waits."""

    socket: socket.socket
    asked_at: float = 0.0
    heard: bytes = b""

    def ask(self, asked: bytes) -> None:
        """Send one question."""
        self.asked_at, self.heard = time.perf_counter(), b""
        self.socket.sendall(asked)

    def hear(self) -> bool:
        """Take in what came; True when the answer is whole."""
        came = self.socket.recv(65536)
        if not came:
            raise ConnectionError("the server has ended a connection")
        self.heard += came
        head, between, body = self.heard.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        return bool(between) and len(body) >= length


def ask(asked: argparse.Namespace) -> dict[str, float]:
    """Ask for so many seconds; return how many were answered, and how fast."""
    rng, times, refused = Random(asked.seed), [], 0  # noqa: S311 - load, not secrecy
    hello = f"GET {asked.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    def another() -> bytes:
        return question(asked.path, asked.token, rng.randrange(asked.people)) if asked.mode == "match" else hello

    began, waiting = time.perf_counter(), selectors.DefaultSelector()
    for _ in range(asked.connections):
        line = Line(socket.create_connection(("127.0.0.1", asked.port)))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(line.socket, selectors.EVENT_READ, line)
        line.ask(another())
    while (now := time.perf_counter()) < began + asked.seconds:
        for key, _events in waiting.select(timeout=began + asked.seconds - now):
            line = key.data
            if line.hear():
                times.append(time.perf_counter() - line.asked_at)
                refused += not line.heard.startswith(_OK)
                line.ask(another())
    wall, ordered = time.perf_counter() - began, sorted(times)
    p50, p99 = (ordered[int(len(ordered) * rank)] for rank in (0.5, 0.99))
    return {"count": len(times), "wall": wall, "p50": p50, "p99": p99, "refused": refused, "broken": 0}


def main() -> None:
    """Ask, and print what was answered as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("match", "get"))
    parser.add_argument("token")
    parser.add_argument("people", type=int)
    parser.add_argument("seed", type=int)
    for name, kind in (("port", int), ("path", str), ("connections", int), ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    json.dump(ask(parser.parse_args()), sys.stdout)


if __name__ == "__main__":
    main()

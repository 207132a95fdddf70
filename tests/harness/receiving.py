"""A receiver of events, as a program: it takes SETs by HTTP (RFC 8935), and is as moody as it is asked to be.

What it takes is on disk before it says so. It shares nothing with the broker but the standard.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from jwcrypto import jwk, jws

MOODS = ("accepts", "fails", "refuses", "is late", "loses its answer", "reads nothing")


class Receiver(ThreadingHTTPServer):
    """One business's endpoint."""

    daemon_threads = True

    def __init__(self, asked: argparse.Namespace) -> None:
        super().__init__(("127.0.0.1", asked.port), Handler)
        self.asked, self.lock, self.keys = asked, Lock(), dict[str, Any]()
        self.moods = random.Random(asked.seed)  # noqa: S311 - a test wants its run again, not secrecy

    def mood(self) -> str:
        """How it is with the next one: five times in six it takes it, if it is moody at all."""
        with self.lock:
            moody = self.asked.moody and self.moods.random() < 1 / 6
            return self.moods.choice(MOODS) if moody else MOODS[0]

    def read(self, text: str) -> Mapping[str, Any]:
        """Verify a SET by the key set of the issuer that this receiver was told of."""
        token = jws.JWS()
        token.deserialize(text)
        header = token.jose_header
        if (header["alg"], header["typ"]) != ("ES256", "secevent+jwt"):
            raise ValueError(header)
        token.verify(self.key(header["kid"]), alg="ES256")
        claims: dict[str, Any] = json.loads(token.payload)
        if claims["iss"] != self.asked.issuer or claims["aud"] != self.asked.audience:
            raise ValueError(claims["aud"])
        return claims

    def key(self, kid: str) -> jwk.JWK:
        """A key of the issuer's, fetched when it is not known; or of a file, where the issuer serves nothing."""
        with self.lock:
            if kid not in self.keys:
                keys = json.loads(urllib.request.urlopen(self.asked.jwks, timeout=5).read())["keys"]  # noqa: S310 - the test's
                self.keys = {each["kid"]: jwk.JWK(**{n: each[n] for n in ("kty", "crv", "x", "y")}) for each in keys}
            return self.keys[kid]

    def keep(self, claims: Mapping[str, Any], authorization: str | None) -> None:
        """Write an event down so that no end of this process takes it back."""
        line = json.dumps({"at": time.monotonic(), "claims": claims, "authorization": authorization}) + "\n"
        with self.lock, Path(self.asked.file).open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


class Handler(BaseHTTPRequestHandler):
    """One push."""

    server: Receiver

    def do_POST(self) -> None:
        """Take a SET, or not."""
        mood = self.server.mood()
        if mood == "reads nothing":
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if mood in {"fails", "refuses"}:
            self._answer(500 if mood == "fails" else 400, b"" if mood == "fails" else b'{"err": "invalid_request"}')
            return
        self.server.keep(self.server.read(body), self.headers["Authorization"])
        if mood == "is late":
            time.sleep(0.3)
        if mood == "loses its answer":
            self.close_connection = True
            return
        self._answer(202, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Say that it is there."""
        self._answer(200, b"")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def main() -> None:
    """Listen until ended."""
    parser = argparse.ArgumentParser()
    for name in ("--port", "--seed"):
        parser.add_argument(name, type=int, default=0)
    for name in ("--issuer", "--audience", "--jwks", "--file"):
        parser.add_argument(name, required=True)
    parser.add_argument("--moody", action="store_true")
    Receiver(parser.parse_args()).serve_forever()


if __name__ == "__main__":
    main()

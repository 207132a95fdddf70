"""A receiver of events, and the Internet between it and the broker, within a test's own process.

It reads a SET as RFC 8417 and RFC 8935 say, with a library that is not the broker's, and remembers what it was sent.
What it answers is the test's to say: it may be gone, fail, refuse, or lose the answer on the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from jwcrypto import jwk, jws

from broker.actions.broker import Broker
from broker.core.post import NotPosted, PostAnswer
from broker.errors import MalformedRequest

URL = "https://northwind.example/events"
#: What an answer is: a status with a body, or that none comes.
Answering = Callable[[dict[str, Any]], PostAnswer]
ACCEPTED = PostAnswer(202, b"")


def accepts(_claims: dict[str, Any]) -> PostAnswer:
    """Take everything."""
    return ACCEPTED


def fails(_claims: dict[str, Any]) -> PostAnswer:
    """Have a fault."""
    return PostAnswer(500, b"<h1>Oh no</h1>")


def refuses(_claims: dict[str, Any]) -> PostAnswer:
    """Find something wrong with it."""
    return PostAnswer(400, b'{"err": "invalid_audience", "description": "not a word of this is kept"}')


def is_gone(_claims: dict[str, Any]) -> PostAnswer:
    """Be nowhere."""
    raise NotPosted("nobody listens there")


@dataclass
class Receiver:
    """One business's end: ``received`` holds every SET that came, ``taken`` the events that it has, once each."""

    keys: Mapping[str, Any]
    answers: Answering = accepts
    received: list[dict[str, Any]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def check(self, url: str) -> None:
        """Only its own address is on its Internet."""
        if url != URL:
            raise MalformedRequest("endpoint_url: its name leads to no address")

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        """Be sent a SET."""
        assert (URL, "application/secevent+jwt") == (url, headers["Content-Type"])
        claims = read_set(body.decode(), self.keys)
        with self._lock:
            self.headers = headers
            self.received.append(claims)
            answer = self.answers(claims)
            if answer.status == ACCEPTED.status and claims["jti"] not in self.taken:
                self.taken.append(claims["jti"])
        return answer

    def kinds(self) -> list[str]:
        """What it was sent, by the last word of each type."""
        return [next(iter(claims["events"])).rpartition("/")[2] for claims in self.received]


def read_set(text: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Verify a SET with the keys of a key set, as any receiver does, and return its claims."""
    token = jws.JWS()
    token.deserialize(text)
    assert {"alg": "ES256", "typ": "secevent+jwt"}.items() <= token.jose_header.items()
    named = next(key for key in keys["keys"] if key["kid"] == token.jose_header["kid"])
    assert "evidence" == named["signs"]
    token.verify(jwk.JWK(**{name: named[name] for name in ("kty", "crv", "x", "y")}), alg="ES256")
    claims: dict[str, Any] = json.loads(token.payload)
    assert {"iss", "iat", "jti", "aud", "txn", "sub_id", "events"} == claims.keys()
    assert 1 == len(claims["events"])
    return claims


def a_receiver(broker: Broker) -> Receiver:
    """A receiver that knows the broker's keys."""
    return Receiver(keys=broker.keys.jwks())

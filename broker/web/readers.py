"""Whose requests are under way: one client has half of the places at most, so that its slow bodies keep nobody out.

Whoever has shown no token of ours shares the other half with all who have not: none of them keeps a client out. It is
told before a body is read, since that is what takes long.
"""

from __future__ import annotations

from threading import Lock

from flask import Flask, current_app, g, request

from broker.errors import Unauthorized, Unavailable
from broker.oauth.context import IN_TURN
from broker.oauth.protector import Presented, Protector
from broker.web.front import PLACES

_MOST = PLACES // 2


class Readers:
    """The requests of one worker that may have to wait, by whose they are."""

    def __init__(self) -> None:
        self._lock, self._under_way = Lock(), dict[str, int]()

    def enter(self, whose: str) -> None:
        """Begin one of those requests, *whose* it is, or raise :class:`Unavailable` at once; who begins one ends it."""
        with self._lock:
            number = self._under_way.get(whose, 0)
            if number >= _MOST:
                raise Unavailable("too much is asked at once; nothing was done, so ask again in a moment")
            self._under_way[whose] = number + 1

    def leave(self, whose: str) -> None:
        """End one."""
        with self._lock:
            self._under_way[whose] -= 1
            if not self._under_way[whose]:
                del self._under_way[whose]


def count_readers(app: Flask) -> Readers:
    """Have each request counted that a client shows its token in, or that has a body, until it is answered."""
    readers = app.extensions["readers"] = Readers()
    app.before_request(_enter)
    app.teardown_request(_leave)
    return readers


def presented() -> Presented:
    """The token of ours that the request brings, or :class:`TokenRefused`; verified once a request."""
    if "presented" not in g:
        protector: Protector = current_app.extensions["protector"]
        g.presented = protector.presented(request)
    found: Presented = g.presented
    return found


def _enter() -> None:
    shown = "Authorization" in request.headers
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if IN_TURN not in request.environ or not (shown or has_body):
        return
    whose = _whose() if shown else ""
    readers: Readers = current_app.extensions["readers"]
    readers.enter(whose)
    g.counted_as = whose


def _leave(_error: BaseException | None) -> None:
    if "counted_as" in g:
        readers: Readers = current_app.extensions["readers"]
        readers.leave(g.pop("counted_as"))


def _whose() -> str:
    try:
        return presented().token.client_id
    except Unauthorized:
        return ""

"""What stands before the faces: programs may hold some of a worker's threads; people, and what ends something, all.

Under any load there is a thread, a connection and a turn for a withdrawal. A program that finds no place is told so at
once, before its body is read and at next to no cost; nothing was done then, and it may ask again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from broker import watching
from broker.oauth.context import IN_TURN
from broker.web.problems import REQUEST_ID

#: Threads of one worker that programs may hold, waiting ones included.
PLACES = 128
#: What programs ask. Everything else is for people; and a DELETE ends something, whoever asks for it.
_PROGRAMS = ("/v1/", "/access/", "/ssf/", "/oauth/par", "/oauth/token", "/log/", "/status", "/.well-known/")
#: Seconds between two lines about those who were turned away: a line for each would be a load of its own.
_SILENCE = 10.0
_DETAIL = "too much is asked at once; nothing was done, so ask again in a moment"
_ERROR: dict[str, object] = {"error": "temporarily_unavailable", "error_description": _DETAIL}
log = logging.getLogger(__name__)


def goes_first(method: str, path: str) -> bool:
    """Whether a request has a thread in any case, and its transactions wait for nobody who may wait."""
    # An address is found whatever slashes stand before it (Werkzeug): //v1/match is a match, and none of people's.
    return method == "DELETE" or not f"/{path.lstrip('/')}".startswith(_PROGRAMS)


class Front:
    """A WSGI application before another one. With no *places* it serves people alone, and programs somewhere else."""

    def __init__(self, inner: WSGIApplication, *, issuer: str, new_id: Callable[[], str], places: int = PLACES) -> None:
        self.inner, self._new_id = inner, new_id
        # As many as there are places: to take one and to put it back are single steps, where a semaphore takes twenty.
        self._places = [True] * places
        problem = {"type": f"{issuer}/problems/unavailable", "title": "The broker cannot answer right now"}
        self._problem: dict[str, object] = {**problem, "status": 503, "detail": _DETAIL}
        self._lock, self._away, self._said = Lock(), 0, -_SILENCE

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let a request in, or turn it away."""
        path = environ["PATH_INFO"]
        if goes_first(environ["REQUEST_METHOD"], path):
            return self.inner(environ, start_response)
        try:
            place = self._places.pop()
        except IndexError:
            return self._turn_away(environ, start_response)
        environ[IN_TURN] = True
        try:
            return self.inner(environ, start_response)
        finally:
            self._places.append(place)

    def _turn_away(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._count()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        name = given if REQUEST_ID.fullmatch(given) else self._new_id()
        if environ["PATH_INFO"].startswith("/oauth/"):
            kind, said = "application/json", _ERROR
        else:
            kind, said = "application/problem+json", {**self._problem, "instance": f"urn:request:{name}"}
        body = json.dumps(said).encode()
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Retry-After": "1", "X-Request-ID": name}
        guarded = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        start_response("503 Service Unavailable", [*headers.items(), *guarded.items()])
        return [body]

    def _count(self) -> None:
        watching.count_turned_away("place")
        with self._lock:
            self._away += 1
            away, silent = self._away, monotonic() - self._said < _SILENCE
            if not silent:
                self._away, self._said = 0, monotonic()
        if not silent:
            log.warning("turned away since the last such line, for want of places: %d", away)

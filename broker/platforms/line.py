"""Lines to a platform that are cut when their time is over, whoever reads from them.

A byte a second keeps every timeout of a library from coming: in the handshake, in the header, in the body alike.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Event, Thread
from typing import Any

from requests import Timeout
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

#: Seconds between two cuts: what was cut while it was being made may come to life afterwards.
_AGAIN = 0.1


class _Watch:
    """Who waits for the end of a request's time, with the line that it goes over by now."""

    def __init__(self) -> None:
        self.line: HTTPConnection | None = None
        #: The line's own, which lets go of it when the answer is to end with it.
        self.socket: socket.socket | None = None
        self.is_cut = False
        self._over = Event()

    def wait(self, seconds: float) -> None:
        """Cut the line when the time is over before the request is."""
        while not self._over.wait(seconds):
            self.is_cut, seconds = True, _AGAIN
            found = self.socket or (self.line.sock if self.line is not None else None)
            if found is not None:
                with suppress(OSError):  # TLS is left to its reader, who finds that nobody is there any more
                    socket.socket.shutdown(found, socket.SHUT_RDWR)

    def end(self) -> None:
        """The request is over."""
        self._over.set()


_WATCH: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give what is asked in the block so many seconds; raise :class:`requests.Timeout` when that was not enough.

    Whatever was read until then may look whole.
    """
    watch = _Watch()
    before = _WATCH.set(watch)
    Thread(target=watch.wait, args=(seconds,), daemon=True).start()
    try:
        yield
    finally:
        watch.end()
        _WATCH.reset(before)
        if watch.is_cut:
            raise Timeout("the answer takes too long")


class _Watched(HTTPConnection):
    def connect(self) -> None:
        _note(self)
        super().connect()

    def request(self, *wanted: Any, **options: Any) -> None:  # noqa: ANN401 - urllib3's own
        _note(self)
        super().request(*wanted, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3 itself
        _note(self)
        return super().getresponse()


class _WatchedSecure(_Watched, HTTPSConnection):
    """The same, with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _WatchedSecure


class WatchedAdapter(HTTPAdapter):
    """An adapter whose lines :func:`within` can cut."""

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:  # noqa: ANN401 - requests' own
        """Make its pools of such lines."""
        super().init_poolmanager(*sizes, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _note(line: HTTPConnection) -> None:
    watch = _WATCH.get()
    if watch is not None:
        watch.line, watch.socket = line, line.sock

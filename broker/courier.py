"""The courier: posts to addresses that strangers named, and can be led nowhere else.

The name is resolved once. Every address that it leads to must be public (core/reach), and the connection goes to the
very address that was looked at, with the certificate and the SNI of the name: one that leads elsewhere a moment later
gains nothing. No redirect is followed, no proxy is read from the environment, and all of it, the slowest drip included,
ends after :data:`DEADLINE`.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException
from threading import Semaphore, Thread, Timer
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from certifi import where

from broker import __version__, watching
from broker.core.addresses import read_address
from broker.core.post import NotPosted, PostAnswer
from broker.core.reach import is_loopback, is_public
from broker.errors import MalformedRequest
from broker.spans import span

#: Seconds that a post may take from the first question about its name to the last byte of its answer.
DEADLINE = 5.0
#: Bytes of an answer that are read; nobody is told anything that needs more.
MAX_ANSWER = 64 * 1024
HTTPS = 443
#: Names that are asked for at once: a resolver that hangs keeps a thread for as long as it does.
_ASKING = Semaphore(16)
Resolve = Callable[[str, int], Sequence[str]]
log = logging.getLogger(__name__)


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@cache
def _trusted() -> ssl.SSLContext:
    # The same authorities as for the platforms; the environment names no others.
    context = ssl.create_default_context(cafile=where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, kw_only=True)
class GuardedCourier:
    """Posts to https on :data:`HTTPS` and *ports*; with *loopback*, to this machine as well, on any port."""

    loopback: bool = False
    ports: frozenset[int] = frozenset()
    deadline: float = DEADLINE
    resolve: Resolve = field(default=resolve, repr=False)
    trust: ssl.SSLContext = field(default_factory=_trusted, repr=False)

    def check(self, url: str) -> None:
        """Raise :class:`MalformedRequest` unless it may be posted to *url*, as its name leads now."""
        place = self._place(url)
        try:
            self._addresses(place)
        except NotPosted as error:
            raise MalformedRequest(f"endpoint_url: {error}") from error

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        """Post once, or raise :class:`NotPosted`.

        Each post is a trace of its own: one that two receivers were sent would tell them that it was about the same.
        """
        begun, outcome = monotonic(), "none"
        try:
            with span("post", apart=True) as sent:
                answer = self._post(url, body, headers={**headers, **sent.carried()})
                outcome = f"{answer.status // 100}xx"
                sent.say({"http.response.status_code": answer.status})
                return answer
        finally:
            watching.count_post(outcome, monotonic() - begun)

    def _post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        try:
            place, ends = self._place(url), monotonic() + self.deadline
            with _Line(self._addresses(place), place.number, ends=ends) as line:
                if place.secure:
                    line.secure(self.trust, place.host)
                return line.whole(_exchange(line.socket, place, body, headers))
        except MalformedRequest as error:
            raise NotPosted(error.detail) from error
        except ssl.SSLCertVerificationError as error:
            raise NotPosted(f"its certificate does not hold ({error.verify_message})") from error
        except (OSError, HTTPException, ValueError) as error:
            raise NotPosted(_REASONS.get(type(error), f"no answer ({type(error).__name__})")) from error

    def _place(self, url: str) -> _Place:
        address = read_address(url, what="endpoint_url", loopback=self.loopback)
        parts = urlsplit(address.text)
        host = address.host.strip("[]")
        place = _Place(secure=address.scheme == "https", host=host, port=parts.port, target=address.rest or "/")
        mine = self.loopback and (address.local or is_loopback(host))
        if not mine and place.port not in {None, HTTPS, *self.ports}:
            raise MalformedRequest(f"endpoint_url must be on port {HTTPS}; this broker calls no other there")
        return place

    def _addresses(self, place: _Place) -> Sequence[str]:
        """Where the name leads, or :class:`NotPosted` when any of it is not the open Internet."""
        found = _within(self.deadline, lambda: self.resolve(place.host, place.number))
        inside = [it for it in found if not is_public(it) and not (self.loopback and is_loopback(it))]
        if inside or not found:
            # One sentence for both: whoever may name addresses here must not learn which names there are inside.
            reason = "an address that is not of the open Internet" if inside else "no address"
            log.warning("nothing is posted to %s, whose name leads to %s", place.host, reason)
            raise NotPosted("its name leads to no address of the open Internet")
        return found


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a post goes, taken apart."""

    secure: bool
    host: str
    port: int | None
    target: str

    @property
    def number(self) -> int:
        """The port, said or not."""
        return self.port or (HTTPS if self.secure else 80)

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


class _Line:
    """A connection to the first of some addresses that takes one; cut when its time is over, whoever reads from it.

    A byte a second would keep every other timeout from coming.
    """

    def __init__(self, addresses: Sequence[str], port: int, *, ends: float) -> None:
        self._ends = ends
        self._is_cut = False
        self.socket = self._first(addresses, port)
        self._watch = Timer(max(0.0, ends - monotonic()), self._cut)
        self._watch.daemon = True

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._watch.cancel()
        self.socket.close()

    def secure(self, trust: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on, to whom the certificate says is *host*."""
        plain = self.socket
        # Within reach of the watch before the first byte of the handshake.
        self.socket = secured = trust.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        secured.do_handshake()

    def whole(self, answer: PostAnswer) -> PostAnswer:
        """The answer, unless its time was over before its end: what was read until then may look whole."""
        if self._is_cut:
            raise TimeoutError
        return answer

    def _first(self, addresses: Sequence[str], port: int) -> socket.socket:
        failure: OSError = TimeoutError()
        for address in addresses:
            # A name can lead to thousands of addresses at which nobody is: the time is that of all of them.
            if (left := self._ends - monotonic()) <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, port), timeout=left)
            except OSError as error:
                failure = error
        raise failure

    def _cut(self) -> None:
        self._is_cut = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


def _exchange(line: socket.socket, place: _Place, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
    connection = HTTPConnection(place.host, place.port)
    connection.sock = line
    plain = {"Host": place.authority, "User-Agent": f"consent-broker/{__version__}", "Connection": "close"}
    connection.request("POST", place.target, body=body, headers={**plain, "Accept-Encoding": "identity", **headers})
    answer = connection.getresponse()
    return PostAnswer(answer.status, answer.read(MAX_ANSWER))


def _within(seconds: float, ask: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What a resolver answers in time; it has no bound of its own."""
    found: list[Sequence[str]] = []
    ends = monotonic() + seconds

    def run() -> None:
        try:
            with suppress(OSError, UnicodeError):
                found.append(ask())
        finally:
            _ASKING.release()

    # Waited for: names that hang, of a few clients, must not make every other's lead to no address.
    if _ASKING.acquire(timeout=seconds):
        asking = Thread(target=run, daemon=True)
        asking.start()
        asking.join(max(0.0, ends - monotonic()))
    return found[0] if found else ()


_REASONS: Mapping[type[BaseException], str] = {
    TimeoutError: "no answer in time",
    ConnectionRefusedError: "nobody listens there",
    ConnectionResetError: "the connection was cut",
    BrokenPipeError: "the connection was cut",
}

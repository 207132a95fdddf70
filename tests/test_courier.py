"""The courier: posts where it was told to, and can be led nowhere else, held by nobody, and overfed by none."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.core.post import NotPosted
from broker.courier import MAX_ANSWER, GuardedCourier
from broker.errors import MalformedRequest

#: What is waited for here is a signal, or the end of a patience.
pytestmark = pytest.mark.long

Handle = Callable[[socket.socket], None]


class Listener:
    """Somebody who listens on this machine; ``calls`` counts who came, ``heard`` is what they said."""

    def __init__(self, handle: Handle | None = None, *, trust: ssl.SSLContext | None = None) -> None:
        self._handle, self._trust = handle or self.accepts, trust
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.calls, self.heard = 0, b""
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            try:
                with self._trust.wrap_socket(line, server_side=True) if self._trust else line as speaking:
                    self._handle(speaking)
            except OSError:
                continue

    def accepts(self, line: socket.socket) -> None:
        """Read a request, and take it."""
        self.hears(line)
        line.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    def hears(self, line: socket.socket) -> None:
        """Read a request of the test's."""
        while not self.heard.endswith(b"the body"):
            self.heard += line.recv(1000) or b"the body"

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def listening() -> Iterator[Callable[..., Listener]]:
    """Let somebody listen for as long as the test runs."""
    made: list[Listener] = []

    def begin(handle: Callable[[Listener], Handle] | None = None, *, trust: ssl.SSLContext | None = None) -> Listener:
        def behave(line: socket.socket) -> None:
            (handle(made[-1]) if handle else made[-1].accepts)(line)

        made.append(Listener(behave, trust=trust))
        return made[-1]

    yield begin
    for listener in made:
        listener.close()


def leading_to(*addresses: str, asked: list[str] | None = None) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows one answer, and notes what it was asked."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        if asked is not None:
            asked.append(host)
        return addresses

    return resolve


def here(**options: object) -> GuardedCourier:
    """A development broker's courier."""
    return GuardedCourier(loopback=True, deadline=0.5, **options)  # type: ignore[arg-type]


def post(courier: GuardedCourier, url: str) -> int:
    """Post something."""
    return courier.post(url, b"the body", headers={"Content-Type": "application/secevent+jwt"}).status


def test_a_development_broker_posts_to_this_machine(listening: Callable[..., Listener]) -> None:
    listener = listening()
    assert 202 == post(here(), f"http://127.0.0.1:{listener.port}/events?a=b")
    head = listener.heard.decode().split("\r\n")
    assert "POST /events?a=b HTTP/1.1" == head[0]
    said = dict(line.split(": ", 1) for line in head[1:-2])
    assert (f"127.0.0.1:{listener.port}", "application/secevent+jwt", "8", "identity") == tuple(
        said[name] for name in ("Host", "Content-Type", "Content-Length", "Accept-Encoding")
    )


REFUSED = {
    "http": "http://shop.example/events", "another port": "https://shop.example:8444/events",
    "ssh": "https://shop.example:22/", "userinfo": "https://jane:secret@shop.example/", "no host": "https:///events",
    "a file": "file:///etc/passwd", "gopher": "gopher://shop.example/", "a fragment": "https://shop.example/#x",
    "a blank": "https://shop.example/ x", "a line break": "https://shop.example/\r\nHost: x",
    "letters outside ASCII": "https://shöp.example/", "digits outside ASCII": "https://\uff11\uff12\uff17.0.0.1/",
    "a dot for a dot": "https://127\u30020\u30020\u30021/", "a backslash": "https://shop.example\\@127.0.0.1/",
    "http here": "http://127.0.0.1/events", "localhost": "http://localhost/",
}  # fmt: skip


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED.keys())
def test_an_address_in_another_form_is_refused_before_anybody_is_asked(url: str) -> None:
    asked: list[str] = []
    courier = GuardedCourier(resolve=leading_to("8.8.8.8", asked=asked))
    with pytest.raises(MalformedRequest):
        courier.check(url)
    with pytest.raises(NotPosted):
        post(courier, url)
    assert [] == asked


INSIDE = {
    "loopback": ["127.0.0.1"], "loopback v6": ["::1"], "private": ["10.1.2.3"], "metadata": ["169.254.169.254"],
    "mapped": ["::ffff:127.0.0.1"], "NAT64": ["64:ff9b::7f00:1"], "6to4": ["2002:7f00:1::1"], "nothing": [],
    "one of several": ["8.8.8.8", "127.0.0.1"], "a zone": ["fe80::1%lo"],
}  # fmt: skip


@pytest.mark.parametrize("addresses", INSIDE.values(), ids=INSIDE.keys())
def test_a_name_that_leads_inside_is_refused_at_the_set_up_and_at_each_post(
    addresses: list[str], listening: Callable[..., Listener], caplog: pytest.LogCaptureFixture
) -> None:
    listener = listening()
    courier = GuardedCourier(resolve=leading_to(*addresses), ports=frozenset({listener.port}))
    url = f"https://shop.example:{listener.port}/"
    same = "^(endpoint_url: )?its name leads to no address of the open Internet$"  # also of a name that leads nowhere
    with pytest.raises(MalformedRequest, match=same):
        courier.check(url)
    with pytest.raises(NotPosted, match=same):
        post(courier, url)
    assert 0 == listener.calls
    assert (["no address"] if not addresses else ["an address that is not of the open Internet"]) * 2 == [
        message.rpartition(" leads to ")[2] for message in caplog.messages
    ]


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "[::1]", "[::ffff:7f00:1]"])
def test_this_machine_in_another_writing_is_refused_by_where_it_leads(
    host: str, listening: Callable[..., Listener]
) -> None:
    listener = listening()
    courier = GuardedCourier(ports=frozenset({listener.port}))
    with pytest.raises(MalformedRequest):
        courier.check(f"https://{host}:{listener.port}/")
    assert 0 == listener.calls


def test_a_name_that_leads_elsewhere_after_the_set_up_is_refused_then(listening: Callable[..., Listener]) -> None:
    listener = listening()
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    courier = GuardedCourier(resolve=lambda _host, _port: next(answers), ports=frozenset({listener.port}))
    courier.check(f"https://shop.example:{listener.port}/")
    with pytest.raises(NotPosted, match="its name leads to"):
        post(courier, f"https://shop.example:{listener.port}/")
    assert 0 == listener.calls


def test_a_name_is_resolved_once_a_post_and_the_very_address_is_called(listening: Callable[..., Listener]) -> None:
    listener, asked = listening(), list[str]()
    assert 202 == post(here(resolve=leading_to("127.0.0.1", asked=asked)), f"http://localhost:{listener.port}/")
    assert (["localhost"], 1) == (asked, listener.calls)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int, listening: Callable[..., Listener]) -> None:
    target = listening()

    def redirect(listener: Listener) -> Handle:
        def handle(line: socket.socket) -> None:
            listener.hears(line)
            where = f"http://127.0.0.1:{target.port}/"
            line.sendall(f"HTTP/1.1 {status} Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())

        return handle

    assert status == post(here(), f"http://127.0.0.1:{listening(redirect).port}/")
    assert 0 == target.calls


def test_no_proxy_is_taken_from_the_environment(
    listening: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, listener = listening(), listening()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert 202 == post(here(), f"http://127.0.0.1:{listener.port}/")
    assert (0, 1) == (proxy.calls, listener.calls)


def dripping(before: bytes, drop: bytes) -> Callable[[Listener], Handle]:
    """Somebody who always says one word more."""

    def begin(listener: Listener) -> Handle:
        def handle(line: socket.socket) -> None:
            listener.hears(line)
            line.sendall(before)
            while True:
                line.sendall(drop)
                sleep(0.05)

        return handle

    return begin


def silent(_listener: Listener) -> Handle:
    """Somebody who takes the call and says nothing."""
    return lambda _line: sleep(1.5)


SLOW = {
    "a head without an end": dripping(b"HTTP/1.1 202 Accepted\r\n", b"X-A: b\r\n"),
    "a first line without an end": dripping(b"HTTP/1.1", b" "),
    "a body without an end": dripping(b"HTTP/1.1 202 Accepted\r\nContent-Length: 60000\r\n\r\n", b"x"),
    "nothing": silent,
}


@pytest.mark.parametrize("handle", SLOW.values(), ids=SLOW.keys())
def test_whoever_is_slow_is_left_when_the_time_is_over(
    handle: Callable[[Listener], Handle], listening: Callable[..., Listener]
) -> None:
    began = monotonic()
    with pytest.raises(NotPosted):
        post(here(), f"http://127.0.0.1:{listening(handle).port}/")
    assert 0.4 < monotonic() - began < 2.5


def test_of_an_answer_no_more_is_read_than_anybody_needs(listening: Callable[..., Listener]) -> None:
    def flood(listener: Listener) -> Handle:
        def handle(line: socket.socket) -> None:
            listener.hears(line)
            line.sendall(b"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n" + b"x" * 4 * MAX_ANSWER)

        return handle

    answer = here().post(f"http://127.0.0.1:{listening(flood).port}/", b"the body", headers={})
    assert (400, MAX_ANSWER) == (answer.status, len(answer.body))


def test_nobody_at_all_is_told_in_one_line(listening: Callable[..., Listener]) -> None:
    listener = listening()
    listener.close()
    with pytest.raises(NotPosted, match=r"^nobody listens there$"):
        post(here(), f"http://127.0.0.1:{listener.port}/")


def test_a_resolver_that_hangs_is_left_when_the_time_is_over() -> None:
    def hang(_host: str, _port: int) -> Sequence[str]:
        sleep(1)
        return ["127.0.0.1"]

    with pytest.raises(MalformedRequest, match="no address"):
        GuardedCourier(resolve=hang, deadline=0.2).check("https://shop.example/")


def test_names_that_hang_make_no_other_lead_nowhere() -> None:
    def hang(_host: str, _port: int) -> Sequence[str]:
        sleep(0.5)
        return []

    for _ in range(20):
        with pytest.raises(MalformedRequest, match="no address"):
            GuardedCourier(resolve=hang, deadline=0.001).check("https://hanging.example/")
    GuardedCourier(resolve=leading_to("8.8.8.8")).check("https://shop.example/")


def certified(home: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = home / f"{name}.pem", home / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return paths


def test_the_certificate_must_be_the_names_and_the_name_is_said_first(
    listening: Callable[..., Listener], tmp_path: Path
) -> None:
    certificate, key = certified(tmp_path, "localhost")
    server, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), list[str]()
    server.load_cert_chain(certificate, key)
    server.sni_callback = lambda _line, name, _context: asked.append(name)
    listener = listening(trust=server)
    trusting = ssl.create_default_context(cafile=str(certificate))
    url = f"https://localhost:{listener.port}/"
    assert 202 == post(here(trust=trusting, resolve=leading_to("127.0.0.1")), url)
    with pytest.raises(NotPosted, match=r"^its certificate does not hold"):
        post(here(resolve=leading_to("127.0.0.1")), url)
    elsewhere = here(trust=trusting, resolve=leading_to("127.0.0.1"), ports=frozenset({listener.port}))
    with pytest.raises(NotPosted, match=r"^its certificate does not hold"):
        post(elsewhere, f"https://shop.example:{listener.port}/")
    assert ["localhost", "localhost", "shop.example"] == asked


def test_a_header_that_would_be_two_is_not_sent(listening: Callable[..., Listener]) -> None:
    listener = listening()
    with pytest.raises(NotPosted):
        here().post(f"http://127.0.0.1:{listener.port}/", b"", headers={"Authorization": "a\r\nX-Other: b"})
    assert b"X-Other" not in listener.heard


def test_a_name_that_leads_to_many_addresses_has_no_more_time_than_another() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port, waiting = full.getsockname()[1], [socket.socket() for _ in range(3)]
        for line in waiting:  # one more than it takes: who comes next gets no answer at all
            line.setblocking(False)
            line.connect_ex(full.getsockname())
        courier, begun = here(resolve=leading_to(*["127.0.0.1"] * 30)), monotonic()
        with pytest.raises(NotPosted, match="no answer in time"):
            post(courier, f"http://localhost:{port}/events")
        for line in waiting:
            line.close()
    assert monotonic() - begun < 1.5

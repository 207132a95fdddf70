"""Answers of a platform that come to no end: one failure that its callers know, whatever went wrong on the way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from time import monotonic

import pytest

from broker.errors import PlatformFailed
from broker.platforms import client as client_module
from broker.platforms.client import Guarded, talking_to

CUT = {
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
    "no chunk at all": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
}


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of somebody who says these bytes and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(4096)
            line.sendall(request.param)

    serving = Thread(target=serve)
    serving.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    serving.join()
    listener.close()


DRIPS = {"a header": b"HTTP/1.1 200 OK\r\nX: ", "a body": b"HTTP/1.1 200 OK\r\n\r\n"}


@pytest.fixture
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of somebody who begins like this, and goes on with a byte every now and then."""
    listener, over = socket.create_server(("127.0.0.1", 0)), Event()

    def serve() -> None:
        line, _ = listener.accept()
        with line, suppress(OSError):
            line.recv(4096)
            line.sendall(request.param)
            while not over.wait(0.05):
                line.sendall(b"x")

    serving = Thread(target=serve)
    serving.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    over.set()
    serving.join()
    listener.close()


@pytest.mark.parametrize("dripping", DRIPS.values(), ids=DRIPS.keys(), indirect=True)
def test_an_answer_that_drips_has_no_more_time_than_another(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "DEADLINE", 0.3)
    began = monotonic()
    with pytest.raises(PlatformFailed), talking_to("X"), Guarded() as client:
        client.get(dripping)
    assert monotonic() - began < 2


@pytest.mark.parametrize("answering", CUT.values(), ids=CUT.keys(), indirect=True)
def test_an_answer_without_its_end_is_a_platform_that_failed(answering: str) -> None:
    with pytest.raises(PlatformFailed), talking_to("X"), Guarded() as client:
        client.get(answering)

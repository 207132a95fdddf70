"""Spans: sent to a collector where one is named, with nothing in them that tells whose; else nothing is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from builders import a_broker, a_pen, consented, registered
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from broker import spans
from broker.app import create_app
from broker.core.post import NotPosted
from broker.courier import GuardedCourier
from broker.errors import BadConfiguration
from broker.oauth.models import OAuthClient
from broker.oauth.tokens import issue_token
from broker.spans import SAYS, span, start_spans
from broker.store.database import Database
from broker.store.migrating import migrate

#: What waits for threads and sockets.
pytestmark = pytest.mark.long

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
JANE = {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"}


class Collector:
    """An OpenTelemetry collector, and a receiver of events, on this machine."""

    def __init__(self) -> None:
        self.bodies, self.posted = list[bytes](), list[dict[str, str]]()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    collector.bodies.append(body)
                else:
                    collector.posted.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(200 if self.path == "/v1/traces" else 202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_said: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End."""
        self.server.shutdown()
        self.server.server_close()

    def spans(self) -> list[Span]:
        """What has come, once all that was ended is sent."""
        found: list[Span] = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [one for scope in resource.scope_spans for one in scope.spans]
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Send spans to a collector for as long as the test runs."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(spans, "_tracer", None)
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture
def sent(collector: Collector) -> Iterator[Callable[[], list[Span]]]:
    """Give what was sent, whole."""
    provider = start_spans(collector.url)
    assert provider

    def all_of_it() -> list[Span]:
        assert provider.force_flush(5_000)
        return collector.spans()

    yield all_of_it
    provider.shutdown()


def said(one: Span) -> dict[str, Any]:
    """What a span says."""
    return {it.key: getattr(it.value, it.value.WhichOneof("value")) for it in one.attributes}


def test_a_request_is_a_span_with_what_it_did_within_and_nobodys_name_in_any(
    sent: Callable[[], list[Span]], collector: Collector, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'broker.db'}", pen=a_pen())
    migrate(database)
    broker = a_broker(database)
    client = registered(broker)
    consented(broker, client, None, "customer-care")
    before = len(sent())
    token = issue_token(broker, client=OAuthClient(client), scope="match", token_id=broker.new_id(), user=None)
    headers = {
        "Authorization": f"Bearer {token['access_token']}", "X-Request-ID": "request-of-jane",
        "traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "canary=jane", "baggage": "who=jane",
    }  # fmt: skip
    http = create_app(broker).test_client()
    pair = {"account": {"platform": "x", "id": "2244994945"}, "identifier": JANE, "purpose": "customer-care"}
    assert http.post("/v1/match", json=pair, headers=headers).json["decision"]  # type: ignore[index] # an object
    lines = {**headers, "Content-Type": "application/x-ndjson"}
    http.post("/v1/match/batch", data=json.dumps(pair).encode(), headers=lines).get_data()
    http.get("/jane.canary@mailbox.example?q=jane")
    found = sent()[before:]
    match = next(one for one in found if one.name == "POST /v1/match")
    within = [one for one in found if one.trace_id == match.trace_id]
    assert ["POST /v1/match", "decide", "transaction"] == sorted({one.name for one in within} - {"look"})
    assert {"http.request.method": "POST", "http.route": "/v1/match", "http.response.status_code": 200} == said(match)
    assert {"broker.act": "match", "broker.outcome": "permit"} == next(
        said(one) for one in within if one.name == "decide"
    )
    chunk = next(one for one in found if one.name == "chunk")
    assert {"broker.items": 1} == said(chunk)
    assert next(one.trace_id for one in found if one.name == "POST /v1/match/batch") == chunk.trace_id
    # A caller is linked to, and decides nothing here.
    assert (b"", False) == (match.parent_span_id, match.trace_id.hex() == TRACE)
    assert [(TRACE, CALLER, "")] == [(it.trace_id.hex(), it.span_id.hex(), it.trace_state) for it in match.links]
    assert {key for one in found for key in said(one)} <= SAYS
    everything = b"".join(collector.bodies).lower()
    names = ("jane", "canary", "2244994945", client.client_id, headers["Authorization"][-20:], "customer-care")
    assert [] == [name for name in names if name.lower().encode() in everything]
    database.close()


def test_what_fails_says_how_it_is_called_and_none_of_its_words(sent: Callable[[], list[Span]]) -> None:
    with pytest.raises(ValueError, match="jane"), span("look", {"jane": "jane", "broker.items": 3}):
        raise ValueError("jane.canary@mailbox.example")
    [failed] = sent()
    assert ({"broker.items": 3}, 2, "ValueError", 0) == (
        said(failed), failed.status.code, failed.status.message, len(failed.events)
    )  # fmt: skip


def test_a_post_carries_a_trace_of_its_own(sent: Callable[[], list[Span]], collector: Collector) -> None:
    courier = GuardedCourier(loopback=True)
    with span("turn"):
        for _receiver in range(2):
            assert 202 == courier.post(f"{collector.url}/events", b"{}", headers={"A": "b"}).status
        with pytest.raises(NotPosted):
            courier.post("http://127.0.0.1:1/events", b"{}", headers={})
    found = sent()
    posts = [one for one in found if one.name == "post"]
    assert [{"http.response.status_code": 202}] * 2 + [{}] == [said(one) for one in posts]
    assert [one.parent_span_id for one in posts] == [b""] * 3
    assert 4 == len({one.trace_id for one in found})
    told = [f"00-{one.trace_id.hex()}-{one.span_id.hex()}" for one in posts[:2]]
    assert told == [headers["traceparent"][:-3] for headers in collector.posted]  # flags follow
    assert {"b"} == {headers["a"] for headers in collector.posted}


@pytest.mark.usefixtures("collector")
def test_a_collector_that_is_away_costs_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    provider = start_spans("http://127.0.0.1:1")
    assert provider
    with span("look") as kept:
        assert kept.carried()["traceparent"].startswith("00-")
    provider.shutdown()


def test_without_an_endpoint_nothing_of_it_is_imported_and_no_header_is_sent() -> None:
    """No other module may import it: a contract of import-linter says so."""
    program = (
        "import sys; from broker.spans import span, start_spans; start_spans(None); span('look').__enter__();"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout
    with span("post", apart=True) as sent:
        assert {} == sent.carried()


def test_an_endpoint_without_the_packages_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "find_spec", lambda _name: None)
    with pytest.raises(BadConfiguration, match="pip install consent-broker"):
        start_spans("http://127.0.0.1:4318")
    assert start_spans(None) is None

"""Spans for OpenTelemetry, where BROKER_OTLP_ENDPOINT says where they go; else nothing is imported, and nothing costs.

A span says which route, how much and what came of it: never whose, never what was asked. No text of an exception and
no word of a caller's is among it. A caller's ``traceparent`` is linked to and not continued, as at any public door:
nobody outside decides what is kept here, or writes into another's trace. Its ``tracestate``, which is free text, and
baggage are not read.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from broker import __version__
from broker.errors import BadConfiguration

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Tracer
    from opentelemetry.trace import Span as OtelSpan

Said = str | int | bool
#: All that a span may say. What is not here is left out: it would be the first step to saying whose it was.
SAYS = frozenset(
    {
        *("http.request.method", "http.route", "http.response.status_code"),
        *("db.system.name", "broker.in_turn", "broker.act", "broker.outcome", "broker.items"),
    }
)
log = logging.getLogger(__name__)


class Span(Protocol):
    """Something that takes its time, from entering it to leaving it."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def say(self, said: dict[str, Said]) -> None:
        """Add what is known of it by now."""

    def carried(self) -> dict[str, str]:
        """Headers by which whoever is called can tie its own trace to this one."""


class _Nothing:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        """Nothing was begun."""

    def say(self, said: dict[str, Said]) -> None:
        """Nobody listens."""

    def carried(self) -> dict[str, str]:
        return {}


_NOTHING = _Nothing()
_tracer: Tracer | None = None


def span(name: str, said: dict[str, Said] | None = None, *, caller: str | None = None, apart: bool = False) -> Span:
    """A span within the one that is under way.

    A trace of its own it is for whoever is called (*apart*), and for a *caller*: their ``traceparent``, or "".
    """
    return _NOTHING if _tracer is None else _Telling(_tracer, name, said or {}, caller, apart=apart)


def are_sent() -> bool:
    """Whether anybody listens: whoever answers in microseconds asks first."""
    return _tracer is not None


def check_spans(endpoint: str | None) -> None:
    """Raise :class:`BadConfiguration` where spans are to be sent and nothing is installed that sends them."""
    try:
        missing = endpoint and not (find_spec("opentelemetry.sdk") and find_spec("opentelemetry.exporter.otlp"))
    except ModuleNotFoundError:
        missing = True
    if missing:
        raise BadConfiguration(
            "BROKER_OTLP_ENDPOINT is set, and what sends traces is not installed: pip install consent-broker[telemetry]"
        )


def start_spans(endpoint: str | None) -> TracerProvider | None:
    """Send spans to the collector at *endpoint*, from this process on; the OTEL_* variables say the rest.

    Returns who sends them; what is left is sent when the process ends.
    """
    check_spans(endpoint)
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - likewise
    from opentelemetry.sdk.trace import TracerProvider as Provider  # noqa: PLC0415 - likewise
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - likewise

    ours = Resource({"service.name": "consent-broker", "service.version": __version__})
    provider = Provider(resource=ours.merge(OTELResourceDetector().detect()))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    global _tracer  # noqa: PLW0603 - one a process, as the SDK's own
    _tracer = provider.get_tracer("broker", __version__)
    log.info("spans are sent")
    return provider


class _Telling:
    """A span of the SDK's, that lets through what a span may say."""

    def __init__(self, tracer: Tracer, name: str, said: dict[str, Said], caller: str | None, *, apart: bool) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.context import Context  # noqa: PLC0415 - likewise

        alone = apart or caller is not None
        links = _links(caller) if caller else []
        self._span: OtelSpan = tracer.start_span(
            name,
            context=Context() if alone else None,
            kind=trace.SpanKind.CLIENT
            if apart
            else trace.SpanKind.INTERNAL
            if caller is None
            else trace.SpanKind.SERVER,
            attributes=_allowed(said),
            links=links,
        )
        # No exception is recorded: its text may hold what was asked.
        self._current = trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def __enter__(self) -> Self:
        self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

        if kind is not None:
            self._span.set_status(StatusCode.ERROR, kind.__name__)
        self._current.__exit__(None, None, None)
        self._span.end()

    def say(self, said: dict[str, Said]) -> None:
        """Add what is known of it by now."""
        self._span.set_attributes(_allowed(said))

    def carried(self) -> dict[str, str]:
        """Its ``traceparent``."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - an extra
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        headers: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(headers, set_span_in_context(self._span))
        return {"traceparent": headers["traceparent"]}


def _allowed(said: dict[str, Said]) -> dict[str, Said]:
    return {name: value for name, value in said.items() if name in SAYS}


def _links(caller: str) -> list[Link]:
    from opentelemetry.trace import Link, get_current_span  # noqa: PLC0415 - an extra
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    context = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": caller})).get_span_context()
    return [Link(context)] if context.is_valid else []

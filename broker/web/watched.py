"""Every request is counted and timed, and is a span where spans are sent: by route, method and status, no more."""

from __future__ import annotations

from time import perf_counter

from flask import Flask, Response, g, request

from broker import watching
from broker.oauth.context import IN_TURN
from broker.spans import span

#: What the answer would be, had nobody made one.
_FAILED = 500


def watch_requests(app: Flask) -> None:
    """Watch from before anything else is done until the last byte is sent."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def _begin() -> None:
    g.watched_since, g.watched_status, g.watched_on = perf_counter(), _FAILED, False
    g.watched_as = "programs" if IN_TURN in request.environ else "people"
    watching.request_under_way(g.watched_as, 1)
    said = {"http.request.method": _method(), "http.route": _route()}
    g.span = span(f"{_method()} {_route()}", dict(said), caller=request.headers.get("traceparent", "")).__enter__()


def _answered(answer: Response) -> Response:
    g.watched_status = answer.status_code
    # What stream_with_context sends is torn down twice: when its view has returned, and when all is sent.
    g.watched_on = answer.is_streamed and not answer.direct_passthrough
    return answer


def _end(failure: BaseException | None) -> None:
    if "watched_on" not in g:
        return
    if g.watched_on:
        g.watched_on = False
        return
    watching.request_under_way(g.watched_as, -1)
    watching.count_request(_route(), _method(), g.watched_status, perf_counter() - g.watched_since)
    g.span.say({"http.response.status_code": g.watched_status})
    g.span.__exit__(type(failure) if failure else None, failure, None)


def _route() -> str:
    # The pattern, never the path: that may hold a capability, and whatever a stranger likes.
    return request.url_rule.rule if request.url_rule else "none"


def _method() -> str:
    return request.method if request.method in watching.METHODS else "other"

"""The one place where a failure becomes an answer: a problem (RFC 9457) for programs, a page for people."""

from __future__ import annotations

import logging
import re
from typing import Any

from flask import Flask, Response, g, json, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from broker.actions.note_ruling import note_ruling
from broker.errors import BrokerError, RequestTooLarge, TooManyRequests
from broker.oauth.context import current_broker
from broker.oauth.protector import ScopeMissing, TokenRefused
from broker.web.pages import failure_page, render
from broker.web.wire import Problem, dump
from broker.web.wording import failure_title

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OAUTH = {"/oauth/par", "/oauth/token", "/oauth/revoke"}
_API = (
    "/v1/",
    "/access/",
    "/ssf/",
    "/erasures/",
    "/oauth/par",
    "/oauth/token",
    "/oauth/revoke",
    "/.well-known/",
    "/health/",
    "/log/",
)


def handle_failures(app: Flask) -> None:
    """Register the handlers, and the request id that every answer repeats."""
    app.before_request(_note_request_id)
    app.after_request(_echo_request_id)
    app.after_request(_note_ruling)
    app.register_error_handler(BrokerError, _broker_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unforeseen)


def _note_request_id() -> None:
    given = request.headers.get("X-Request-ID", "")
    # What does not look like an id is replaced: it would be written to the log as it came.
    g.request_id = given if REQUEST_ID.fullmatch(given) else current_broker().new_id()


def _echo_request_id(answer: Response) -> Response:
    answer.headers["X-Request-ID"] = g.request_id
    return answer


def _note_ruling(answer: Response) -> Response:
    """By now the request's own transaction has ended: what the terms refused is undone, that they did is counted."""
    if g.get("ruled_by"):
        note_ruling(current_broker(), g.ruled_by)
    return answer


def _broker_error(error: BrokerError) -> Response:
    g.ruled_by = error.clauses
    if error.status >= 500:  # noqa: PLR2004 - HTTP's own number
        log.error("%s: %s", error.type, type(error).__name__)
    if not _for_programs():
        return failure_page(error)
    if request.path in _OAUTH:
        return _oauth_error(error.status, error.detail)
    answer = _as_problem(problem_body(error))
    if isinstance(error, TokenRefused):
        answer.headers["WWW-Authenticate"] = _challenge(error=error.error)
    if isinstance(error, ScopeMissing):
        answer.headers["WWW-Authenticate"] = _challenge(error="insufficient_scope", scope=error.scope)
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(error.retry_after)
    if error.status == 503:  # noqa: PLR2004 - HTTP's own number
        answer.headers["Retry-After"] = "1"
    return answer


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status == RequestTooLarge.status:
        return _broker_error(RequestTooLarge("the body is larger than this endpoint reads"))
    detail = {
        404: _("There is nothing at this address."),
        405: _("This address does not take that method."),
    }.get(status, _("The request could not be read."))
    if not _for_programs():
        kind = "not-found" if status == 404 else "malformed-request"  # noqa: PLR2004 - HTTP's own number
        return render("problem.html", status=status, title=failure_title(kind), detail=detail)
    if request.path in _OAUTH:
        return _oauth_error(status, detail)
    answer = _as_problem(_members(status, "about:blank", error.name, detail, ()))
    if status == 405 and getattr(error, "valid_methods", None):  # noqa: PLR2004 - HTTP's own number
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined] # MethodNotAllowed's
    return answer


def _unforeseen(error: Exception) -> Response:
    """Last resort: never a permit, never a detail. The traceback has no values in it."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    log.critical("unforeseen %s at %s", type(error).__name__, " > ".join(frames[-6:]))
    return _broker_error(BrokerError("something failed that the broker did not foresee; nothing was acknowledged"))


def problem_body(error: BrokerError) -> dict[str, object]:
    """A failure as a problem's members, for an answer that is kept."""
    later = {"retry_after": error.retry_after} if isinstance(error, TooManyRequests) else {}
    return {**_members(error.status, error.type, error.title, error.detail, error.clauses), **later}


def _oauth_error(status: int, detail: str) -> Response:
    """RFC 6749 section 5.2, for a failure that Authlib never saw."""
    code = "temporarily_unavailable" if status == 503 else "server_error" if status >= 500 else "invalid_request"  # noqa: PLR2004 - HTTP's own numbers
    body = json.dumps({"error": code, "error_description": detail})
    answer = Response(body, status=status, mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _members(status: int, slug: str, title: str, detail: str, clauses: tuple[str, ...]) -> dict[str, object]:
    body = Problem(
        type=slug if slug == "about:blank" else current_broker().url(f"/problems/{slug}"),
        title=title,
        status=status,
        detail=detail,
        instance=f"urn:request:{g.request_id}",
        clauses=list(clauses) or None,
    )
    return dump(body)


def _as_problem(members: dict[str, Any]) -> Response:
    answer = Response(json.dumps(members), status=members["status"], mimetype="application/problem+json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _challenge(**members: str | None) -> str:
    known = {"realm": "consent-broker", **members}
    known["resource_metadata"] = current_broker().url("/.well-known/oauth-protected-resource")
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in known.items() if value)


def _for_programs() -> bool:
    return request.path.startswith(_API) or g.get("for_programs", False)

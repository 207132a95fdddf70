"""The event streams, described: OpenID SSF 1.0 section 8, and polling (RFC 8936)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PROBLEM: Mapping[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
}
_TEXT: Mapping[str, Any] = {"type": "string"}
_OF_ONE: Mapping[str, Any] = {"name": "stream_id", "in": "query", "required": True, "schema": _TEXT}
_READ, _MANAGE = "ssf.read", "ssf.manage"


def stream_paths() -> dict[str, Any]:
    """Every path under ``/ssf``; a receiver begins at ``/.well-known/ssf-configuration``."""
    return {**_streams(), **_status(), **_verification(), **_polling()}


def _streams() -> dict[str, Any]:
    either = {"oneOf": [_named("stream"), {"type": "array", "items": _named("stream")}]}
    return {
        "/ssf/streams": {
            "post": _call("Set up the client's stream", _MANAGE, body="stream-request", status=201, more=("409",)),
            "get": {
                **_call("The stream of that id, or a list of all: one or none", _READ, answer=either, more=("404",)),
                "parameters": [{**_OF_ONE, "required": False}],
            },
            "patch": _call("Change what is spoken of", _MANAGE, body="stream-change", more=("404",)),
            "put": _call("Replace all of it; what is not spoken of goes", _MANAGE, body="stream-change", more=("404",)),
            "delete": {
                **_call("Give the stream up", _MANAGE, status=204, more=("404",)),
                "parameters": [_OF_ONE],
            },
        }
    }


def _status() -> dict[str, Any]:
    answer = _named("stream-status")
    return {
        "/ssf/status": {
            "get": {
                **_call("Whether the stream sends, keeps, or neither", _READ, answer=answer, more=("404",)),
                "parameters": [_OF_ONE],
            },
            "post": _call("Enable, pause or disable it", _MANAGE, body="stream-status", answer=answer, more=("404",)),
        }
    }


def _verification() -> dict[str, Any]:
    post = _call("Ask for a verification event", _MANAGE, body="verification-request", status=204, more=("404", "429"))
    return {"/ssf/verify": {"post": post}}


def _polling() -> dict[str, Any]:
    answer = _named("poll-answer")
    post = _call("Acknowledge events, and fetch more (RFC 8936)", _READ, body="poll-request", answer=answer)
    post["responses"]["404"] = _PROBLEM
    where = {"name": "stream_id", "in": "path", "required": True, "schema": _TEXT}
    return {"/ssf/poll/{stream_id}": {"parameters": [where], "post": post}}


def _call(
    summary: str,
    scope: str,
    *,
    body: str | None = None,
    answer: Mapping[str, Any] | None = None,
    status: int = 200,
    more: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One operation; where nothing is said of the answer, it is the stream, or nothing."""
    schema = answer or (_named("stream") if status != 204 else None)  # noqa: PLR2004 - HTTP's own number
    content = {"content": {"application/json": {"schema": schema}}} if schema else {}
    taken = {"required": True, "content": {"application/json": {"schema": _named(body)}}} if body else None
    return {
        "summary": summary,
        "security": [{"token": [scope]}],
        **({"requestBody": taken} if taken else {}),
        "responses": {
            str(status): {"description": "Done", **content},
            **dict.fromkeys(("400", "401", "403", *more), _PROBLEM),
        },
    }


def _named(name: str) -> Mapping[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}

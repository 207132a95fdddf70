"""Budgets, described: what every counted answer says of them, and the 429 of one that is spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_POLICY: Mapping[str, Any] = {
    "description": "How large the client's budgets are (draft-ietf-httpapi-ratelimit-headers)",
    "schema": {"type": "string", "examples": ['"requests";q=1200000;w=120']},
}
_LEFT: Mapping[str, Any] = {
    "description": "What is left of each; of one that is spent, in how many seconds there is enough of it",
    "schema": {"type": "string", "examples": ['"requests";r=1199999']},
}
_LATER: Mapping[str, Any] = {
    "description": "Seconds; the problem has them as retry_after",
    "schema": {"type": "integer", "minimum": 1},
}
_SPENT: Mapping[str, Any] = {
    "description": "A budget of the client's own is spent, and nothing was done",
    "headers": {"Retry-After": _LATER, "RateLimit-Policy": _POLICY, "RateLimit": _LEFT},
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
}
_COUNTED = ("/v1/", "/access/")


def with_limits(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The same paths; what is counted and may be refused says so. A DELETE is counted, and refused to nobody."""
    return {path: _limited(methods) if path.startswith(_COUNTED) else methods for path, methods in paths.items()}


def _limited(methods: Mapping[str, Any]) -> dict[str, Any]:
    return {
        method: {**told, "responses": {**told["responses"], "429": _SPENT}} if method in {"get", "post"} else told
        for method, told in methods.items()
    }

"""AuthZEN, described: the same decision as a match, and the searches over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PROBLEM: Mapping[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
}
_EITHER = {"oneOf": [{"$ref": f"#/components/schemas/access-{name}"} for name in ("evaluation", "evaluations")]}


def access_paths() -> dict[str, Any]:
    """Every path under ``/access``; a caller begins at ``/.well-known/authzen-configuration``."""
    several = _call("Several of these in one transaction, or a single one", "evaluations-request", "evaluations")
    several["responses"]["200"]["content"] = {"application/json": {"schema": _EITHER}}
    return {
        "/access/v1/evaluation": {
            "post": _call("May this subject be associated with this resource?", "evaluation-request", "evaluation")
        },
        "/access/v1/evaluations": {"post": several},
        "/access/v1/search/subject": {
            "post": _call("Accounts that may be tied to a record", "subject-search", "search")
        },
        "/access/v1/search/resource": {
            "post": _call("Records that may be tied to an account", "resource-search", "search")
        },
        "/access/v1/search/action": {"post": _call("Purposes for which a pair may be tied", "action-search", "search")},
    }


def _call(summary: str, body: str, answer: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [{"token": ["match"]}],
        "requestBody": {"required": True, "content": _json(body)},
        "responses": {
            "200": {"description": "The answer", "content": _json(answer)},
            **dict.fromkeys(("400", "401", "403"), _PROBLEM),
        },
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/access-{name}"}}}

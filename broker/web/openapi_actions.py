"""Actions, described: what a client says that it did about an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.web.openapi_evidence import bundle_content

_PROBLEM: Mapping[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
}
_JWS = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"


def action_paths() -> dict[str, Any]:
    """Every path of actions."""
    flattened = {"schema": {"$ref": "#/components/schemas/action-request"}}
    taken = {"application/jose": {"schema": {"type": "string", "pattern": _JWS}}, "application/json": flattened}
    where = {"name": "action_id", "in": "path", "required": True, "schema": {"type": "string"}}
    post = {
        **_call("Say what was done about an event, as a JWS by a key of the client's jwks", "400", "404", "409"),
        "description": "action-statement.json describes the payload. The very same statement again gets the receipt it"
        " got, with 200. 404: the client was told of no such event. 409: there are too many statements about it.",
        "requestBody": {"required": True, "content": taken},
    }
    post["responses"]["201"] = {"description": "It is on record: the receipt", "content": bundle_content()}
    get = _call("The receipt of a statement of the client's own, with its proof", "404")
    return {"/v1/actions": {"post": post}, "/v1/actions/{action_id}": {"parameters": [where], "get": get}}


def _call(summary: str, *problems: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [{"token": ["consent"]}],
        "responses": {
            "200": {
                "description": "The receipt; its proof is null until a checkpoint holds it",
                "content": bundle_content(),
            },
            **dict.fromkeys(("401", "403", *problems), _PROBLEM),
        },
    }

"""What travels, as JSON Schema 2020-12 and OpenAPI 3.1, from the models that read and write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from broker import __version__
from broker.core.conditions import CONDITIONS, Condition
from broker.core.policy import BASES, REASONS, Effect
from broker.oauth.details import DetailsWire
from broker.web.receipt_wire import ReceiptWire
from broker.web.registration import ClientWire
from broker.web.wire import DecisionWire, MatchWire, Problem

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Mapping[str, type[BaseModel]] = {
    "authorization-details": DetailsWire,
    "client-registration": ClientWire,
    "consent-receipt": ReceiptWire,
    "decision": DecisionWire,
    "match-request": MatchWire,
    "problem": Problem,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name."""
    exported = {name: {"$schema": DIALECT, **model.model_json_schema()} for name, model in _MODELS.items()}
    return {**exported, "policy-document": _policy_document()}


def openapi() -> dict[str, Any]:
    """The API under ``/v1`` and the OAuth endpoints that lead to it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Consent broker", "version": __version__},
        "paths": {
            "/v1/match": {"post": _match()},
            "/v1/grants/{grant_id}": {"parameters": [_GRANT_ID], "get": _read_grant(), "delete": _give_up_grant()},
            "/oauth/par": {"post": _form("Push an authorization request (RFC 9126)", 201)},
            "/oauth/token": {"post": _form("Exchange a code, or ask for a token of one's own (RFC 6749)", 200)},
            "/oauth/revoke": {"post": _form("Revoke a token (RFC 7009)", 200)},
        },
        "components": {
            "schemas": {name: _component(name) for name in ("match-request", "decision", "problem")},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "RFC 9068 JWT"}},
        },
    }


_GRANT_ID = {"name": "grant_id", "in": "path", "required": True, "schema": {"type": "string"}}


def _component(name: str) -> dict[str, Any]:
    template = f"#/components/schemas/{name}/$defs/{{model}}"
    return dict(_MODELS[name].model_json_schema(ref_template=template))


def _match() -> dict[str, Any]:
    return {
        "summary": "May this account be tied to this identifier, for this purpose?",
        "description": "A denial is an answer: status 200, decision false, its reason and the clauses that made it.",
        "security": [{"token": ["match"]}],
        "requestBody": {"required": True, "content": _json("match-request")},
        "responses": {"200": {"description": "The decision", "content": _json("decision")}, **_problems()},
    }


def _read_grant() -> dict[str, Any]:
    return {
        "summary": "What the client holds",
        "security": [{"token": ["consent"]}],
        "responses": {
            "200": {"description": "The grant", "content": {"application/json": {"schema": {"type": "object"}}}},
            **_problems("404"),
        },
    }


def _give_up_grant() -> dict[str, Any]:
    return {
        "summary": "Give the grant up",
        "security": [{"token": ["consent"]}],
        "responses": {"204": {"description": "It has ended"}, **_problems("404")},
    }


def _form(summary: str, status: int) -> dict[str, Any]:
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": form},
        "responses": {
            str(status): {"description": "Done"},
            "400": {"description": "An OAuth error (RFC 6749)"},
            "401": {"description": "The client was not authenticated"},
        },
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _problems(*more: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {
        status: {"description": "A problem (RFC 9457)", "content": content} for status in ("400", "401", "403", *more)
    }


def _argument(condition: Condition) -> dict[str, Any]:
    if condition.values is None:
        return {"type": "boolean"}
    return {"type": "array", "items": {"enum": sorted(condition.values)}, "minItems": 1}


def _policy_document() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    when = {name: _argument(condition) for name, condition in CONDITIONS.items()}
    clause = {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "effect", "says", "source", "when"],
        "properties": {
            "id": text,
            "effect": {"enum": [effect.value for effect in Effect]},
            "basis": {"enum": list(BASES), "description": "Of a clause that permits"},
            "reason": {"enum": list(REASONS), "description": "Of a clause that forbids"},
            "says": text,
            "source": text,
            "when": {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": when},
        },
        "oneOf": [
            {"properties": {"effect": {"const": "permit"}}, "required": ["basis"], "not": {"required": ["reason"]}},
            {"properties": {"effect": {"const": "forbid"}}, "required": ["reason"], "not": {"required": ["basis"]}},
        ],
    }
    return {
        "$schema": DIALECT,
        "title": "Policy document",
        "description": "One platform's terms, written as TOML. Forbids win; silence means no.",
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "version", "platform", "title", "clause"],
        "properties": {
            **dict.fromkeys(("id", "version", "platform", "title"), text),
            "clause": {"type": "array", "minItems": 1, "items": clause},
        },
    }

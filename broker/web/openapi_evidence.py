"""The API's evidence, described: receipts with their proof, the status lists, and the log that anybody may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.proof.bundle import MEDIA_TYPE as BUNDLE
from broker.proof.dpv import MEDIA_TYPE as LINKED_DATA
from broker.proof.status import MEDIA_TYPE as STATUS_LIST

_TEXT: Mapping[str, Any] = {"type": "string"}
_PROBLEM: Mapping[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
}
_NO_SUCH: Mapping[str, Any] = {"description": "There is none of that name"}


def evidence_paths() -> dict[str, Any]:
    """Every path of evidence but those of associations, which stand with matching."""
    return {**_receipts(), **_status(), **_log()}


def bundle_content() -> dict[str, Any]:
    """What a bundle is answered as."""
    return {BUNDLE: {"schema": {"$ref": "#/components/schemas/bundle"}}}


def _receipts() -> dict[str, Any]:
    linked = {LINKED_DATA: {"schema": {"type": "object"}}}
    get = {
        "summary": "A receipt of the client's own, with its proof in one file",
        "description": "proof is null in the few seconds before a checkpoint holds the receipt. Who accepts"
        f" {LINKED_DATA} gets what it says in the terms of the Data Privacy Vocabulary; dpv-consent-receipt.ttl is its"
        " shape.",
        "security": [{"token": ["consent"]}],
        "responses": {
            "200": {"description": "The receipt", "content": {**bundle_content(), **linked}},
            **dict.fromkeys(("400", "401", "403", "404"), _PROBLEM),
        },
    }
    return {"/v1/receipts/{receipt_id}": {"parameters": [_named("receipt_id")], "get": get}}


def _status() -> dict[str, Any]:
    lists = {"application/json": {"schema": {"$ref": "#/components/schemas/status-lists"}}}
    # status-list.json describes the token's claims; what travels is the signed token.
    token = {STATUS_LIST: {"schema": {**_TEXT, "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}}}
    return {
        "/status": {"get": _public("Where every Token Status List is", lists)},
        "/status/{number}": {
            "parameters": [_named("number")],
            "get": {
                **_public("One Token Status List: which consents stand, as a signed token", token),
                "responses": {
                    "200": {"description": "The list as it stands now", "content": token},
                    **dict.fromkeys(("404", "406", "501"), _PROBLEM),
                },
            },
        },
    }


def _log() -> dict[str, Any]:
    text = {"text/plain": {"schema": _TEXT}}
    tile: dict[str, Any] = {"application/octet-stream": {"schema": {}}}
    return {
        "/log/checkpoint": {"get": _public("The log's latest signed tree head (C2SP tlog-checkpoint)", text)},
        "/log/vkeys": {"get": _public("The log's verifier keys, one a line", text)},
        "/log/tile/{path}": {
            "parameters": [_named("path")],
            "get": _public("A tile of hashes or of entries (C2SP tlog-tiles)", tile),
        },
    }


def _public(summary: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What anybody may read, and keep as its headers say."""
    return {"summary": summary, "responses": {"200": {"description": "It", "content": content}, "404": _NO_SUCH}}


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}

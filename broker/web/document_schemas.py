"""Schemas that no model reads: policy documents are TOML, and an incomplete tag is the terms' to refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from broker.core.conditions import CONDITIONS, Condition
from broker.core.evidence import FIELDS, ORIGINS, RELATIONSHIPS
from broker.core.policy import BASES, LIMITS, REASONS, Effect
from broker.web.tag_wire import CHANNEL, MOST_OF_AN_ADDRESS, POST_ID, VERSION

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_WORD: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 64}
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
_MOMENT: Mapping[str, Any] = {
    "type": "string",
    "pattern": f"^20(0[3-9]|[1-9][0-9])-[0-9]{{2}}-[0-9]{{2}}({_TIME})?$",
    "description": "A day, or a moment of RFC 3339; from 2003 on, and not in the future",
}
_SHA256: Mapping[str, Any] = {"type": "string", "pattern": "^([0-9a-fA-F]{64}|[A-Za-z0-9_-]{43}=?)$"}
_URL: Mapping[str, Any] = {"type": "string", "pattern": "^https://", "maxLength": MOST_OF_AN_ADDRESS}


def policy_document() -> dict[str, Any]:
    """One platform's terms, as they lie in ``broker/policies``."""
    head = ("id", "version", "platform", "title")
    limit = {"type": "integer", "minimum": 1}
    limits = dict.fromkeys((name for names in LIMITS.values() for name in names), limit)
    return {
        "title": "Policy document",
        "description": "One platform's terms, written as TOML. Forbids win; silence means no.",
        **_object(
            *head,
            "clause",
            **dict.fromkeys(head, _TEXT),
            limits={"type": "object", "additionalProperties": False, "properties": limits},
            clause={"type": "array", "minItems": 1, "items": _clause()},
        ),
        "allOf": [_counted(act, names) for act, names in LIMITS.items()],
    }


def provenance_tag() -> dict[str, Any]:
    """A tag that carries what its kind must."""
    return {
        "title": "Provenance tag",
        "description": (
            "A tag with all its evidence. One that lacks something is refused by the terms, with the clause, and not"
            " by the reader. An origin other than direct is refused and remembered."
        ),
        "oneOf": [_user_provided(), _public(_found()), _public(_on_the_platform())],
    }


def _clause() -> dict[str, Any]:
    when = {name: _argument(condition) for name, condition in CONDITIONS.items()}
    return {
        **_object(
            id=_TEXT,
            effect={"enum": [effect.value for effect in Effect]},
            says=_TEXT,
            source=_TEXT,
            when=_object("act", **when),
            basis={"enum": list(BASES), "description": "Of a clause that permits"},
            reason={"enum": list(REASONS), "description": "Of a clause that forbids"},
        ),
        "required": ["id", "effect", "says", "source", "when"],
        "oneOf": [
            {"properties": {"effect": {"const": "permit"}}, "required": ["basis"], "not": {"required": ["reason"]}},
            {"properties": {"effect": {"const": "forbid"}}, "required": ["reason"], "not": {"required": ["basis"]}},
        ],
    }


def _counted(act: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The limits that a document gives which permits *act*, and that no other document gives."""
    about = {"type": "object", "required": ["act"], "properties": {"act": {"contains": {"const": act}}}}
    permit = {
        "type": "object",
        "required": ["effect", "when"],
        "properties": {"effect": {"const": "permit"}, "when": about},
    }
    return {
        "if": {"required": ["clause"], "properties": {"clause": {"contains": permit}}},
        "then": {"required": ["limits"], "properties": {"limits": {"required": list(names)}}},
        "else": {"properties": {"limits": {"not": {"anyOf": [{"required": [name]} for name in names]}}}},
    }


def _argument(condition: Condition) -> dict[str, Any]:
    if condition.values is None:
        return {"type": "boolean"}
    return {"type": "array", "items": {"enum": sorted(condition.values)}, "minItems": 1}


def _user_provided() -> dict[str, Any]:
    return _tag(
        "user_provided",
        collected_at=_MOMENT,
        channel=_like(CHANNEL),
        relationship={"enum": list(RELATIONSHIPS)},
        disclosure=_object(url=_URL, version=_like(VERSION), sha256=_SHA256),
    )


def _like(pattern: re.Pattern[str]) -> Mapping[str, Any]:
    return {"type": "string", "pattern": f"^{pattern.pattern}$"}


def _public(source: Mapping[str, Any]) -> dict[str, Any]:
    return _tag("public", source=source)


def _found() -> dict[str, Any]:
    kind = {"enum": ["directory", "website", "register"]}
    return _object(kind=kind, url=_URL, retrieved_at=_MOMENT, sha256=_SHA256)


def _on_the_platform() -> dict[str, Any]:
    members: dict[str, Mapping[str, Any]] = {
        "kind": {"const": "platform"},
        "field": {"enum": list(FIELDS)},
        "retrieved_at": _MOMENT,
    }
    source = _object(*members, **members, post_id=_like(POST_ID))
    of_a_post = {"properties": {"field": {"const": "post"}}}
    return {**source, "if": of_a_post, "then": {"required": ["post_id"]}, "else": {"not": {"required": ["post_id"]}}}


def _tag(tag: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    expected = {"type": "array", "items": _WORD, "minItems": 1, "maxItems": 32}
    known: dict[str, Mapping[str, Any]] = {"tag": {"const": tag}, **members, "expected_purposes": expected}
    return _object(*known, **known, origin={"enum": list(ORIGINS), "default": "direct"})


def _object(*required: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object of these members and no other; all of them must be there unless some are named."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required or properties),
        "properties": properties,
    }

"""Values held to the schemas that the broker publishes: as much of JSON Schema 2020-12 as those use.

A keyword that this does not know is an error, so that a schema cannot ask for something that nobody looks at.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_ANNOTATIONS = {"$schema", "$defs", "title", "description", "default", "format", "then", "else"}


def faults(value: object, schema: Schema, root: Schema | None = None, where: str = "it") -> Iterator[str]:
    """Yield what of a value is not as its schema says; nothing when the value is as it should be."""
    whole = schema if root is None else root
    for keyword, argument in schema.items():
        if keyword not in _ANNOTATIONS:
            yield from _KEYWORDS[keyword](value, argument, schema, whole, where)


def _resolved(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _if(condition: bool, fault: str) -> Iterator[str]:  # noqa: FBT001 - a condition and its fault
    if condition:
        yield fault


def _properties(value: object, known: Schema, _schema: Schema, root: Schema, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name in known.keys() & value.keys():
            yield from faults(value[name], known[name], root, f"{where}.{name}")


def _additional(value: object, allowed: object, schema: Schema, root: Schema, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for name in value.keys() - schema.get("properties", {}).keys():
        if allowed is False:
            yield f"{where}.{name} is not known"
        elif isinstance(allowed, dict):
            yield from faults(value[name], allowed, root, f"{where}.{name}")


def _items(value: object, each: Schema, _schema: Schema, root: Schema, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from faults(entry, each, root, f"{where}[{number}]")


def _contains(value: object, one: Schema, _schema: Schema, root: Schema, where: str) -> Iterator[str]:
    if isinstance(value, list) and all(any(faults(entry, one, root)) for entry in value):
        yield f"{where} holds none of what it must"


def _all(value: object, schemas: list[Schema], _schema: Schema, root: Schema, where: str) -> Iterator[str]:
    for schema in schemas:
        yield from faults(value, schema, root, where)


def _alternatives(value: object, schemas: list[Schema], root: Schema) -> int:
    return sum(not any(faults(value, schema, root)) for schema in schemas)


def _condition(value: object, condition: Schema, schema: Schema, root: Schema, where: str) -> Iterator[str]:
    branch = "else" if any(faults(value, condition, root)) else "then"
    yield from faults(value, schema.get(branch, {}), root, where)


_KEYWORDS: Mapping[str, Callable[..., Iterator[str]]] = {
    "$ref": lambda value, name, _s, root, where: faults(value, _resolved(name, root), root, where),
    "type": lambda value, name, _s, _r, where: _if(not _TYPES[name](value), f"{where} is no {name}"),
    "enum": lambda value, known, _s, _r, where: _if(value not in known, f"{where} is none of {known}"),
    "const": lambda value, word, _s, _r, where: _if(value != word, f"{where} is not {word!r}"),
    "properties": _properties,
    "additionalProperties": _additional,
    "required": lambda value, names, _s, _r, where: (
        f"{where}.{name} is missing" for name in names if isinstance(value, dict) and name not in value
    ),
    "items": _items,
    "contains": _contains,
    "minItems": lambda value, least, _s, _r, where: _if(
        isinstance(value, list) and len(value) < least, f"{where} is too short"
    ),
    "maxItems": lambda value, most, _s, _r, where: _if(
        isinstance(value, list) and len(value) > most, f"{where} is too long"
    ),
    "minLength": lambda value, least, _s, _r, where: _if(
        isinstance(value, str) and len(value) < least, f"{where} is too short"
    ),
    "maxLength": lambda value, most, _s, _r, where: _if(
        isinstance(value, str) and len(value) > most, f"{where} is too long"
    ),
    "minimum": lambda value, least, _s, _r, where: _if(
        isinstance(value, int) and value < least, f"{where} is under {least}"
    ),
    "maximum": lambda value, most, _s, _r, where: _if(
        isinstance(value, int) and value > most, f"{where} is over {most}"
    ),
    "pattern": lambda value, pattern, _s, _r, where: _if(
        isinstance(value, str) and re.search(pattern, value) is None, f"{where} is not like {pattern}"
    ),
    "allOf": _all,
    "anyOf": lambda value, schemas, _s, root, where: _if(
        not _alternatives(value, schemas, root), f"{where} is nothing that it may be"
    ),
    "oneOf": lambda value, schemas, _s, root, where: _if(
        _alternatives(value, schemas, root) != 1, f"{where} is not exactly one of what it may be"
    ),
    "not": lambda value, schema, _s, root, where: _if(
        bool(_alternatives(value, [schema], root)), f"{where} is what it may not be"
    ),
    "if": _condition,
}


def answered(api: Schema, method: str, path: str, status: int, body: object) -> list[str]:
    """Return what of an answer is not as the OpenAPI description says; `path` is the template in it."""
    answers = api["paths"][path][method.lower()]["responses"]
    if str(status) not in answers:
        return [f"{method} {path} answered {status}, of which nothing is said"]
    described = answers[str(status)].get("content", {})
    if not described:
        return [f"{method} {path} answered {status} with a body"] if body is not None else []
    kind = next(kind for kind in ("application/json", "application/problem+json") if kind in described)
    return list(faults(body, described[kind]["schema"], api))

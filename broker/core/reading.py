"""The one strict reader of JSON: what two parsers could read differently is refused.

Duplicate keys, a byte order mark, UTF-16, NaN, numbers beyond 2^53, NUL and lone surrogates each made some
reader somewhere see another request than the one that was checked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from broker.errors import MalformedRequest, RequestTooLarge

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 200_000
_MAX_INTEGER = 2**53
#: A string, or what is left of one at the end. It never backtracks: a body of quotes is read in one pass.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NUL = "\x00"
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def read_json(raw: bytes, *, max_bytes: int = MAX_BYTES) -> object:
    """Return the value in *raw*, or raise :class:`MalformedRequest` saying what would be right."""
    if len(raw) > max_bytes:
        raise RequestTooLarge(f"at most {max_bytes} bytes are read here")
    text = _decoded(raw)
    _check_shape(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"not JSON: {error.msg} at character {error.pos}") from error
    if "\\u" in text:  # only an escape brings in what UTF-8 and the parser let nobody write
        _check_strings(value)
    return value


def read_json_object(raw: bytes, *, max_bytes: int = MAX_BYTES) -> dict[str, object]:
    """Return the object in *raw*; anything else is refused."""
    value = read_json(raw, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedRequest("a JSON object is expected")
    return value


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise MalformedRequest("the text must be UTF-8 without a byte order mark")
    try:
        return raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"the text must be UTF-8; byte {error.start} is not") from error


def _check_shape(text: str) -> None:
    """Depth and count, before the parser recurses or allocates."""
    if text.count("{") + text.count("[") <= MAX_DEPTH and text.count(",") + text.count(":") <= MAX_VALUES:
        return  # so few that it does not matter which of them stand in strings
    bare = _STRING.sub("", text)
    if bare.count(",") + bare.count(":") > MAX_VALUES:
        raise MalformedRequest(f"at most {MAX_VALUES} values are read here")
    depth = 0
    for letter in bare:
        if letter in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedRequest(f"at most {MAX_DEPTH} levels are read here")
        elif letter in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise MalformedRequest(f"the member {name[:40]!r} stands twice in one object")
        members[name] = value
    return members


def _integer(text: str) -> int:
    if len(text) > len(str(_MAX_INTEGER)) + 1 or abs(int(text)) > _MAX_INTEGER:
        raise MalformedRequest("integers must lie within 2^53")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedRequest("numbers must be finite")
    return value


def _constant(text: str) -> float:
    raise MalformedRequest(f"{text} is not JSON")


def _check_strings(value: object) -> None:
    for text in _strings(value):
        refused = _REFUSED.search(text)
        if refused:
            raise MalformedRequest(f"text must not hold {'NUL' if refused[0] == _NUL else 'a lone surrogate'}")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from _strings(entry)

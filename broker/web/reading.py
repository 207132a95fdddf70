"""Bodies: read whole before anything else happens, then as strict JSON of the right type.

A body that arrives slowly must find no transaction open: whoever sends half of one would hold the store.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from flask import Flask, Request, request

from broker.core.reading import MAX_BYTES, read_json_object
from broker.errors import MalformedRequest, RequestTooLarge
from broker.web.spool import MAX_STREAM
from broker.web.wire import Model, parse

#: What may be larger than other bodies, and how large in bytes.
LARGER, MAX_BATCH = frozenset({"/v1/match/batch"}), 8 * MAX_BYTES
NDJSON = "application/x-ndjson"


def read_ahead(app: Flask) -> None:
    """Read every request's body before its view runs."""
    app.before_request(_read_whole)


def read_body(request: Request, model: type[Model]) -> Model:
    """Return the body as *model*. A wrong content type is a 400 here, as AuthZEN asks."""
    check_json(request)
    most = MAX_BATCH if request.path in LARGER else MAX_BYTES
    return parse(model, read_json_object(request.get_data(), max_bytes=most))


def check_json(request: Request) -> None:
    """Refuse what does not come as JSON, and as it is."""
    if request.mimetype != "application/json":
        raise MalformedRequest("Content-Type must be application/json")
    if request.headers.get("Content-Encoding"):
        raise MalformedRequest("the body must not be compressed")


def _read_whole() -> None:
    if _is_streamed():
        request.max_content_length = MAX_STREAM + 1
        return
    most = MAX_BATCH if request.path in LARGER else MAX_BYTES
    # One more than is read: a chunked body is cut at the limit, and must still be seen to be too long.
    request.max_content_length = most + 1
    if (request.content_length or 0) > most:
        raise RequestTooLarge(f"at most {most} bytes are read here")
    raw = request.get_data()
    if request.mimetype == "application/x-www-form-urlencoded":
        _check_form(raw)


def _is_streamed() -> bool:
    """Whether the view reads the body itself, as it comes: that is set by, and no transaction waits for it."""
    return request.path in LARGER and request.mimetype == NDJSON


def _check_form(raw: bytes) -> None:
    """Refuse what is not UTF-8: it would be read as something else than was sent."""
    try:
        unquote_to_bytes(raw.decode("ascii")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest("a form must be UTF-8, percent-encoded") from error

"""Bodies: read whole before anything else happens, then as strict JSON of the right type.

A body that arrives slowly must find no transaction open: whoever sends half of one would hold the store.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from flask import Flask, Request, request

from broker.core.reading import MAX_BYTES, read_json_object
from broker.errors import MalformedRequest, RequestTooLarge
from broker.web.wire import Model, parse


def read_ahead(app: Flask) -> None:
    """Read every request's body before its view runs."""
    app.before_request(_read_whole)


def read_body(request: Request, model: type[Model]) -> Model:
    """Return the body as *model*. A wrong content type is a 400 here, as AuthZEN asks."""
    if request.mimetype != "application/json":
        raise MalformedRequest("Content-Type must be application/json")
    if request.headers.get("Content-Encoding"):
        raise MalformedRequest("the body must not be compressed")
    return parse(model, read_json_object(request.get_data()))


def _read_whole() -> None:
    if (request.content_length or 0) > MAX_BYTES:
        raise RequestTooLarge(f"at most {MAX_BYTES} bytes are read here")
    raw = request.get_data()
    if request.mimetype == "application/x-www-form-urlencoded":
        _check_form(raw)


def _check_form(raw: bytes) -> None:
    """Refuse what is not UTF-8: it would be read as something else than was sent."""
    try:
        unquote_to_bytes(raw.decode("ascii")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest("a form must be UTF-8, percent-encoded") from error

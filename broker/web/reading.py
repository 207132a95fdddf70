"""Bodies of the API: strict JSON of the right type, into a wire model."""

from __future__ import annotations

from flask import Request

from broker.core.reading import MAX_BYTES, read_json_object
from broker.errors import MalformedRequest, RequestTooLarge
from broker.web.wire import Model, parse


def read_body(request: Request, model: type[Model]) -> Model:
    """Return the body as *model*. A wrong content type is a 400 here, as AuthZEN asks."""
    if request.mimetype != "application/json":
        raise MalformedRequest("Content-Type must be application/json")
    if (request.content_length or 0) > MAX_BYTES:
        raise RequestTooLarge(f"at most {MAX_BYTES} bytes are read here")
    if request.headers.get("Content-Encoding"):
        raise MalformedRequest("the body must not be compressed")
    return parse(model, read_json_object(request.get_data(cache=False)))

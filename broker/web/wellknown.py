"""What anybody may read: metadata and keys. The same for everyone, so it may be cached."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from broker.oauth.context import current_broker
from broker.oauth.metadata import resource_metadata, server_metadata
from broker.proof.keys import MAX_AGE

blueprint = Blueprint("wellknown", __name__, url_prefix="/.well-known")


@blueprint.get("/oauth-authorization-server")
def server() -> Response:
    """RFC 8414."""
    return _public(server_metadata(current_broker().issuer, current_app.extensions["languages"]))


@blueprint.get("/oauth-protected-resource")
def resource() -> Response:
    """RFC 9728."""
    return _public(resource_metadata(current_broker().issuer))


@blueprint.get("/jwks.json")
def keys() -> Response:
    """RFC 7517."""
    return _public(dict(current_broker().keys.jwks()))


def _public(document: dict[str, object]) -> Response:
    answer = jsonify(document)
    answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.add_etag()
    answer.make_conditional(request)
    return answer

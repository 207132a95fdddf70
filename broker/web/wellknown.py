"""What anybody may read: metadata and keys. The same for everyone, so it may be cached."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from broker.oauth.context import current_broker
from broker.oauth.metadata import (
    decision_point_metadata,
    resource_metadata,
    server_metadata,
    transmitter_metadata,
)
from broker.proof.keys import MAX_AGE

blueprint = Blueprint("wellknown", __name__, url_prefix="/.well-known")
#: Since when the broker says what it does with Global Privacy Control.
_SAID_ON = "2026-11-23"


@blueprint.get("/oauth-authorization-server")
def server() -> Response:
    """RFC 8414."""
    return _public(server_metadata(current_broker().issuer, current_app.extensions["languages"]))


@blueprint.get("/oauth-protected-resource")
def resource() -> Response:
    """RFC 9728."""
    return _public(resource_metadata(current_broker().issuer))


@blueprint.get("/ssf-configuration")
def transmitter() -> Response:
    """OpenID SSF 1.0 section 7.1. There is no complex subject, so none of its members is critical."""
    return _public(transmitter_metadata(current_broker().issuer))


@blueprint.get("/authzen-configuration")
def decision_point() -> Response:
    """AuthZEN Authorization API 1.0 section 9."""
    return _public(decision_point_metadata(current_broker().issuer))


@blueprint.get("/jwks.json")
def keys() -> Response:
    """RFC 7517."""
    return _public(dict(current_broker().keys.jwks()))


@blueprint.get("/gpc.json")
def privacy_signal() -> Response:
    """W3C Global Privacy Control, section 5: whether the terms in force heed the signal."""
    heeded = all(policy.heeds_signal for policy in current_broker().policies.by_platform.values())
    return _public({"gpc": heeded, "lastUpdate": _SAID_ON})


def _public(document: dict[str, object]) -> Response:
    answer = jsonify(document)
    answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.add_etag()
    answer.make_conditional(request)
    return answer

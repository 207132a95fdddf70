"""The OAuth endpoints that programs call: PAR, token, revocation."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from broker.oauth.context import request_transaction
from broker.oauth.server import ConsentServer

blueprint = Blueprint("oauth", __name__, url_prefix="/oauth")


def consent_server() -> ConsentServer:
    """The authorization server of this application."""
    server: ConsentServer = current_app.extensions["consent_server"]
    return server


@blueprint.post("/par")
def push() -> Response:
    """RFC 9126."""
    with request_transaction():
        return consent_server().create_pushed_response()


@blueprint.post("/token")
def token() -> Response:
    """RFC 6749 section 3.2. A refused exchange commits as well: the code it claimed stays claimed."""
    with request_transaction():
        return consent_server().create_token_response()


@blueprint.post("/revoke")
def revoke() -> Response:
    """RFC 7009."""
    with request_transaction():
        return consent_server().create_revocation_response()

"""The authorization server: which grants, which authentication, and one door for every redirect.

endpoint            authenticated by    answers
POST /oauth/par     private_key_jwt     201 request_uri | 4xx JSON, never a redirect
GET  /oauth/authorize  (the browser)    the linking flow, then a redirect with iss
POST /oauth/token   private_key_jwt     200 token       | 4xx JSON
POST /oauth/revoke  private_key_jwt     200             | 4xx JSON
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Response
from flask import request as flask_request

from broker.actions.broker import Broker
from broker.actions.linking import ConsentRequest
from broker.errors import FlowBroken
from broker.oauth.assertion import PrivateKeyJwt
from broker.oauth.context import current_broker, current_transaction
from broker.oauth.details import read_details
from broker.oauth.grants import CodeGrant, OwnCredentialsGrant, S256Only
from broker.oauth.models import AUTH_METHOD, AccessToken, GrantUser, OAuthClient
from broker.oauth.requests import BrokerRequest, once_each
from broker.oauth.tokens import LIFE, issue_token, read_token
from broker.store.clients import find_client
from broker.store.flows import save_pushed
from broker.store.tokens import revoke_token

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
REQUEST_LIFE = timedelta(seconds=90)
#: What of a pushed request is needed to answer it later.
_KEPT = (
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_MAX_STATE = 512


class ConsentServer(AuthorizationServer):  # type: ignore[misc] # Authlib is untyped
    """Authlib's server with PAR (RFC 9126) and RAR (RFC 9396), and ``iss`` on every redirect (RFC 9207)."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(query_client=_query_client, save_token=_keep_nothing)
        self.broker = broker
        self.register_client_auth_method(AUTH_METHOD, PrivateKeyJwt())
        self.register_grant(CodeGrant, [S256Only()])
        self.register_grant(OwnCredentialsGrant)
        self.register_endpoint(OwnTokenRevocation)

    def generate_token(
        self,
        grant_type: str,  # noqa: ARG002 - Authlib's signature
        client: OAuthClient,
        user: GrantUser | None = None,
        scope: str | None = None,
        **_: object,
    ) -> dict[str, object]:
        """Sign an access token. A code's token has the id under which the code was claimed."""
        token_id = (user and user.token_id) or self.broker.new_id()
        return issue_token(self.broker, client=client, scope=scope or "", token_id=token_id, user=user)

    def create_oauth2_request(self, request: BrokerRequest | None) -> BrokerRequest:
        """The request at hand, its address under the issuer."""
        return request or BrokerRequest(
            once_each(flask_request),
            uri=self.broker.url(flask_request.path),
            method=flask_request.method,
            headers=dict(flask_request.headers),
        )

    def create_token_response(self, request: None = None) -> Response:
        """Answer the token endpoint; a form that cannot be read is an OAuth error too."""
        try:
            answer: Response = super().create_token_response(self.create_oauth2_request(request))
        except OAuth2Error as error:
            return self.handle_error_response(request, error)
        return answer

    def create_revocation_response(self) -> Response:
        """Answer the revocation endpoint."""
        try:
            answer: Response = self.create_endpoint_response("revocation", self.create_oauth2_request(None))
        except OAuth2Error as error:
            return self.handle_error_response(None, error)
        return answer

    def create_pushed_response(self) -> Response:
        """Answer ``POST /oauth/par``."""
        try:
            return self.handle_response(*self._push())
        except OAuth2Error as error:
            # An error with a redirect URI becomes a redirect; at this endpoint nobody is there to follow it.
            error.redirect_uri = None
            return self.handle_error_response(None, error)

    def answer(self, asked: ConsentRequest, user: GrantUser | None) -> Response:
        """Send the browser back to the client, with a code for *user* or with ``access_denied``."""
        request = BrokerRequest(asked.oauth, uri=self.broker.url("/oauth/authorize"))
        grant = self.get_authorization_grant(request)
        try:
            grant.validate_authorization_request()
        except OAuth2Error as error:
            raise FlowBroken("the business is no longer registered for what it asked") from error
        answer: Response = self.create_authorization_response(request, grant_user=user, grant=grant)
        return answer

    def refusal_url(self, asked: ConsentRequest, error: str) -> str:
        """Where a link on an error page leads: back to the client, with *error*."""
        parameters = [("error", error), ("iss", self.broker.issuer)]
        if asked.oauth.get("state"):
            parameters.append(("state", asked.oauth["state"]))
        return str(add_params_to_uri(asked.oauth["redirect_uri"], parameters))

    def handle_error_response(self, request: BrokerRequest | None, error: OAuth2Error) -> Response:
        """RFC 6749's error; a client that could not be authenticated is a 401."""
        if error.error == "invalid_client":
            error.status_code = 401
        answer: Response = super().handle_error_response(request, error)
        return answer

    def handle_response(self, status: int, payload: dict[str, object] | str, headers: Any) -> Response:  # noqa: ANN401 - Authlib's pairs
        """The one door: ``iss`` on redirects, 303 instead of 302, nothing cached."""
        answer = Response(json.dumps(payload) if isinstance(payload, dict) else payload, status=status)
        for name, value in headers:
            answer.headers[name] = value
        if "Location" in answer.headers:
            answer.status_code = 303
            answer.headers["Location"] = add_params_to_uri(answer.headers["Location"], [("iss", self.broker.issuer)])
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _push(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        request = self.create_oauth2_request(None)
        client = self.authenticate_client(request, [AUTH_METHOD], "par")
        request.payload.data.setdefault("client_id", client.get_client_id())
        if "request_uri" in request.payload.data:
            raise InvalidRequestError("request_uri does not belong in a pushed request.")
        if len(request.payload.state or "") > _MAX_STATE:
            raise InvalidRequestError(f"state must not be longer than {_MAX_STATE} characters.")
        # Looked at before Authlib does, which takes unknown addresses apart and fails on some.
        if request.payload.redirect_uri not in client.client.registration.redirect_uris:
            raise InvalidRequestError("redirect_uri must be one that this client registered, to the letter.")
        self.get_authorization_grant(request).validate_authorization_request()
        asked = read_details(
            request.payload.data.get("authorization_details"),
            broker=self.broker,
            client=client.client,
            oauth={name: request.payload.data[name] for name in _KEPT if name in request.payload.data},
        )
        return 201, self._keep(asked), [("Content-Type", "application/json")]

    def _keep(self, asked: ConsentRequest) -> dict[str, object]:
        request_uri = REQUEST_URI + self.broker.new_secret()
        save_pushed(
            current_transaction(),
            request_uri,
            asked.sealed_form(),
            client_id=asked.client_id,
            expires_at=self.broker.now() + REQUEST_LIFE,
            store=self.broker.sealer,
        )
        return {"request_uri": request_uri, "expires_in": int(REQUEST_LIFE.total_seconds())}


class OwnTokenRevocation(RevocationEndpoint):  # type: ignore[misc] # Authlib is untyped
    """RFC 7009: a client ends a token of its own. Anything else is answered alike, so that nothing is learnt."""

    CLIENT_AUTH_METHODS = (AUTH_METHOD,)
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    def authenticate_token(self, request: BrokerRequest, client: OAuthClient) -> AccessToken | None:
        """The client's own token, or None."""
        self.check_params(request, client)
        token = read_token(current_broker(), request.form["token"])
        return token if token is not None and token.check_client(client) else None

    def revoke_token(self, token: AccessToken, request: BrokerRequest) -> None:  # noqa: ARG002 - Authlib's signature
        """From the commit on it is good for nothing."""
        broker = current_broker()
        revoke_token(current_transaction(), token.token_id, expires_at=broker.now() + LIFE)


def _keep_nothing(_token: object, _request: object) -> None:
    """Access tokens are signed, not stored; what is revoked early is."""


def _query_client(client_id: str) -> OAuthClient | None:
    client = find_client(current_transaction(), client_id)
    return OAuthClient(client) if client else None

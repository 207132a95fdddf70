"""The shop as an OAuth client: Authlib's session with private_key_jwt, at addresses the broker publishes."""

import json
import time
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc.jwk import ECKey
from register import CLIENT_FILE, KEY_FILE

TIMEOUT = 10
ASSERTION_LIFE = 60
CLOCK_LEEWAY = 30


class ShopError(Exception):
    """The broker said no, or nothing sensible; the text is fit for a page."""


class Assertion(PrivateKeyJWT):
    """The library's private_key_jwt: issuer as audience, ES256, a short life, a fresh jti each time."""

    alg = "ES256"

    def sign(self, auth: ClientAuth, token_endpoint: str) -> str:
        """Sign an assertion for one request; the library's own would live an hour."""
        signed: str = private_key_jwt_sign(
            auth.client_secret,
            client_id=auth.client_id,
            token_endpoint=token_endpoint,
            alg=self.alg,
            expires_in=ASSERTION_LIFE,
        )
        return signed


class BrokerClient:
    """Everything the shop says to the broker."""

    def __init__(self, *, issuer: str, shop: str, state: Path) -> None:
        self.issuer = issuer
        self.redirect_uri = f"{shop}/callback"
        self._state = state
        self._tokens: dict[str, tuple[str, float]] = {}

    @cached_property
    def client_id(self) -> str:
        """The name the broker gave the shop at registration."""
        return str(json.loads((self._state / CLIENT_FILE).read_text("utf-8"))["client_id"])

    @cached_property
    def key(self) -> ECKey:
        """The shop's own key."""
        return ECKey.import_key(json.loads((self._state / KEY_FILE).read_text("utf-8")))

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The broker's addresses; RFC 8414 section 3.3 refuses a document that names another issuer."""
        found = self._json(requests.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=TIMEOUT))
        if found.get("issuer") != self.issuer:
            raise ShopError("The broker's description names another issuer.")
        return found

    def session(self) -> OAuth2Session:
        """Return the library's session, set up for this shop."""
        session = OAuth2Session(
            self.client_id,
            self.key,
            token_endpoint_auth_method=PrivateKeyJWT.name,
            revocation_endpoint_auth_method=PrivateKeyJWT.name,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT,
        )
        session.register_client_auth_method(Assertion(self.issuer))
        return session

    def push(self, fields: dict[str, str]) -> str:
        """Push a request (RFC 9126), for which the library has no call, and return its request_uri."""
        session = self.session()
        reply = session.post(
            self.metadata["pushed_authorization_request_endpoint"],
            data=fields,
            auth=session.client_auth(PrivateKeyJWT.name),
            withhold_token=True,
        )
        return str(self._json(reply)["request_uri"])

    def redeem(self, code: str, verifier: str) -> dict[str, Any]:
        """Exchange a code for what was granted."""
        token: dict[str, Any] = self.session().fetch_token(
            self.metadata["token_endpoint"],
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=self.redirect_uri,
        )
        return token

    def call(self, method: str, path: str, *, scope: str, body: object = None) -> tuple[int, Any]:
        """Call the broker's API in the shop's own name; return status and JSON."""
        headers = {"Authorization": f"Bearer {self.token(scope)}"}
        reply = requests.request(method, self.issuer + path, json=body, headers=headers, timeout=TIMEOUT)
        if reply.status_code == HTTPStatus.UNAUTHORIZED:
            self._tokens.pop(scope, None)
        if not reply.content:
            return reply.status_code, None
        try:
            return reply.status_code, reply.json()
        except ValueError as fault:
            raise ShopError(f"The broker answered {reply.status_code} with something that is no JSON.") from fault

    def token(self, scope: str) -> str:
        """Return an access token of the shop's own, kept as long as it is good."""
        value, ends = self._tokens.get(scope, ("", 0.0))
        if time.monotonic() < ends:
            return value
        session = self.session()
        token = session.fetch_token(self.metadata["token_endpoint"], grant_type="client_credentials", scope=scope)
        self._tokens[scope] = (token["access_token"], time.monotonic() + token["expires_in"] - CLOCK_LEEWAY)
        return str(token["access_token"])

    @staticmethod
    def _json(reply: requests.Response) -> dict[str, Any]:
        try:
            found = reply.json()
        except ValueError:
            found = None
        if not isinstance(found, dict) or not reply.ok:
            raise ShopError(f"The broker answered {reply.status_code}: {reply.text[:300]}")
        return found

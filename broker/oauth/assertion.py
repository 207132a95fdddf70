"""Client authentication by ``private_key_jwt``, and nothing else (RFC 7523 as FAPI 2.0 narrows it).

Authlib accepts an audience list that contains us and any lifetime. Here ``aud`` is our issuer and nothing
more, the assertion lives at most five minutes, and its ``jti`` counts once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from broker.actions.terms import call_clauses
from broker.core.client import Standing
from broker.errors import BrokerError
from broker.oauth.context import current_broker, current_transaction
from broker.oauth.models import AUTH_METHOD, OAuthClient
from broker.oauth.requests import BrokerRequest
from broker.proof.keys import ALGORITHM
from broker.proof.sdjwt import header_of, payload_of
from broker.store.row_security import bind
from broker.store.tokens import use_assertion

MAX_LIFE = 300
LEEWAY = 10
_TYPES = {None, "JWT", "client-authentication+jwt"}
_MAX_JTI = 256
_HEADER = {"alg", "typ", "kid"}


class PrivateKeyJwt(JWTBearerClientAssertion):  # type: ignore[misc] # Authlib is untyped
    """The one way a client shows who it is."""

    CLIENT_AUTH_METHOD = AUTH_METHOD

    def __call__(self, query_client: Callable[[str], OAuthClient | None], request: BrokerRequest) -> OAuthClient | None:
        """Authenticate; a ``client_id`` beside the assertion must name the same client (RFC 7521 section 4.2)."""
        _check_form(request.form.get("client_assertion"))
        client: OAuthClient | None = super().__call__(query_client, request)
        if client and request.payload.client_id not in (None, client.get_client_id()):
            raise InvalidClientError("client_id is not the client that authenticated.")
        return client

    def resolve_client_public_key(self, client: OAuthClient) -> KeySet:
        """The client's registered keys; never a key from the assertion."""
        keys: KeySet = KeySet.import_key_set(client.client.registration.jwks)  # type: ignore[arg-type] # checked at registration
        return keys

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """Verify signature, type and claims; then count the assertion as used."""
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidClientError("The assertion is not signed by a registered key with ES256.") from error
        if token.header.get("typ") not in _TYPES:
            raise InvalidClientError("The assertion is of another type.")
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """The claims of RFC 7523 section 3, each in its narrow form."""
        broker = current_broker()
        now = int(broker.now().timestamp())
        if claims.get("aud") != broker.issuer:
            raise InvalidClientError("The audience must be the issuer, as one string.")
        if not claims.get("iss") == claims.get("sub"):
            raise InvalidClientError("Issuer and subject must both be the client.")
        expires = _seconds(claims, "exp")
        if not now - LEEWAY < expires <= now + MAX_LIFE + LEEWAY:
            raise InvalidClientError("The assertion has expired, or lives longer than five minutes.")
        for claim in ("iat", "nbf"):
            if claim in claims and _seconds(claims, claim) > now + LEEWAY:
                raise InvalidClientError("The assertion is not valid yet.")
        self._use_once(claims, expires)

    def _use_once(self, claims: dict[str, Any], expires: int) -> None:
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 1 <= len(jti) <= _MAX_JTI or not (jti.isascii() and jti.isprintable()):
            raise InvalidClientError(f"The assertion needs a jti of 1 to {_MAX_JTI} printable ASCII characters.")
        ends = datetime.fromtimestamp(expires + LEEWAY, UTC)
        if not use_assertion(current_transaction(), client_id=claims["sub"], jti=jti, expires_at=ends):
            raise InvalidClientError("The assertion was used before.")

    def authenticate_client(self, client: OAuthClient) -> OAuthClient:
        """Let active clients through."""
        if client.client.standing is Standing.HELD:
            raise InvalidClientError("The client is held until an operator has approved it.")
        if not client.client.active:
            raise SuspendedClientError(call_clauses(current_broker(), client.client))
        bind(current_transaction(), client.get_client_id())
        return client


class SuspendedClientError(InvalidClientError):  # type: ignore[misc] # Authlib is untyped
    """A suspended client, told the clause."""

    def __init__(self, clauses: tuple[str, ...]) -> None:
        super().__init__("The client is suspended.")
        self.clauses = clauses

    def get_body(self) -> list[tuple[str, object]]:
        """RFC 6749's members, and the clauses that stop it."""
        body: list[tuple[str, object]] = super().get_body()
        return [*body, ("clauses", list(self.clauses))] if self.clauses else body


def _check_form(assertion: str | None) -> None:
    """Read header and claims strictly before any library does: what is sent here has been signed by nobody yet."""
    if assertion is None:
        return
    try:
        header = header_of(assertion)
        payload_of(assertion)
    except BrokerError as error:
        raise InvalidClientError("The assertion is not a JWT.") from error
    if not set(header) <= _HEADER:
        raise InvalidClientError("The assertion's header may hold alg, typ and kid, and nothing else.")


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidClientError(f"The claim {name} must be a whole number of seconds.")
    return value

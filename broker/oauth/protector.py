"""Who may call the API: a token of ours, unrevoked, of an active client, with the scope the endpoint asks.

The token's signature needs no database: it is verified before anything is begun, so that nobody waits for a caller
who has none. The client's standing and the token's are read in the transaction that decides: a suspension or a
revocation holds from its commit on.
"""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2 import ResourceProtector
from authlib.oauth2.rfc6749 import MissingAuthorizationError, TokenValidator, UnsupportedTokenTypeError
from flask import Request

from broker.actions.broker import Broker
from broker.actions.terms import call_clauses
from broker.core.client import Client, Standing
from broker.core.consent import ConsentStatus
from broker.errors import Forbidden, Unauthorized
from broker.oauth.models import AccessToken
from broker.oauth.tokens import read_token
from broker.store.clients import enter_client
from broker.store.consents import find_consent
from broker.store.routes import GRANT, find_route
from broker.store.tokens import token_revoked
from broker.store.transaction import Transaction

_NOT_OURS = "the access token is not one of this broker's, or has expired"


class TokenRefused(Unauthorized):
    """A 401. ``error`` is RFC 6750's code; None when no credentials came, and then none is told."""

    def __init__(self, detail: str, *, error: str | None, clauses: tuple[str, ...] = ()) -> None:
        super().__init__(detail, clauses=clauses)
        self.error = error


class ScopeMissing(Forbidden):
    """A 403: the token is good, for other things."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs a token with the scope {scope!r}")
        self.scope = scope


@dataclass(frozen=True)
class Caller:
    """A client that may call, and the token it called with."""

    client: Client
    token: AccessToken


@dataclass(frozen=True)
class Presented:
    """A token of ours as a request brought it, and what says whether it stands."""

    token: AccessToken
    validator: TokenValidator


class _Bearer(TokenValidator):  # type: ignore[misc] # Authlib is untyped
    """RFC 6750 bearer tokens. A proof-of-possession validator registers beside it."""

    TOKEN_TYPE = "bearer"  # noqa: S105 - the scheme's name

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.broker = broker

    def authenticate_token(self, token_string: str) -> AccessToken:
        """A token of ours that has not expired."""
        token = read_token(self.broker, token_string)
        if token is None:
            raise TokenRefused(_NOT_OURS, error="invalid_token")
        return token

    def validate_token(
        self,
        token: AccessToken,
        scopes: list[str],
        request: Request,  # noqa: ARG002 - Authlib's signature
        *,
        tx: Transaction,
    ) -> Caller:
        """Its own standing and its client's, as they are now; it may have waited since it was read."""
        if token.expires_at <= int(self.broker.now().timestamp()):
            raise TokenRefused(_NOT_OURS, error="invalid_token")
        client = _active_client(tx, self.broker, token.client_id)
        if token.standing_number != client.standing_number:
            raise TokenRefused("the access token ended when the client's standing changed", error="invalid_token")
        if token_revoked(tx, token.token_id) or not _grant_stands(tx, self.broker, token):
            raise TokenRefused("the access token was revoked", error="invalid_token")
        if self.scope_insufficient(token.scope, scopes):
            raise ScopeMissing(" ".join(scopes))
        return Caller(client, token)


class Protector(ResourceProtector):  # type: ignore[misc] # Authlib is untyped
    """The API's door."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.register_token_validator(_Bearer(broker))

    def presented(self, request: Request) -> Presented:
        """Return the token of ours that a request brings, or raise :class:`TokenRefused`. It asks no database."""
        try:
            validator, text = self.parse_request_authorization(request)
        except MissingAuthorizationError as error:
            raise TokenRefused("this needs an access token", error=None) from error
        except UnsupportedTokenTypeError as error:
            raise TokenRefused("the access token must come as Bearer", error=None) from error
        return Presented(validator.authenticate_token(text), validator)

    def caller(self, tx: Transaction, presented: Presented, request: Request, *, scope: str) -> Caller:
        """Return who calls, or raise :class:`TokenRefused` or :class:`ScopeMissing`."""
        caller: Caller = presented.validator.validate_token(presented.token, [scope], request, tx=tx)
        return caller


def _grant_stands(tx: Transaction, broker: Broker, token: AccessToken) -> bool:
    """A token behind a consent ends with it."""
    if token.grant_id is None:
        return True
    route = find_route(tx, GRANT, token.grant_id)
    record = find_consent(tx, route.account, token.grant_id) if route else None
    return record is not None and record.status_at(broker.now()) is ConsentStatus.GIVEN


def _active_client(tx: Transaction, broker: Broker, client_id: str) -> Client:
    client = enter_client(tx, client_id)
    if client is not None and client.standing is Standing.SUSPENDED:
        raise TokenRefused("the client is suspended", error="invalid_token", clauses=call_clauses(broker, client))
    if client is None or not client.active:
        raise TokenRefused("the client is held until an operator has approved it", error="invalid_token")
    return client

"""What Authlib's protocols see of our types: frozen, and without secrets.

Its SQLAlchemy mixins lose constructor arguments under SQLModel and keep secrets in clear; its protocols are all
that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin

from broker.core.client import Client
from broker.store.tokens import Code

AUTH_METHOD = "private_key_jwt"
GRANT_TYPES = ("authorization_code", "client_credentials")
#: The one scope of a token that a code was exchanged for. Matching is asked on the client's own credentials.
CODE_SCOPE = "consent"


@dataclass(frozen=True)
class OAuthClient(ClientMixin):  # type: ignore[misc] # Authlib is untyped
    """A registered client as RFC 6749 asks about it."""

    client: Client

    def get_client_id(self) -> str:
        """The client's id."""
        return self.client.client_id

    def get_default_redirect_uri(self) -> None:
        """None: every request names its redirect URI, so that it can be compared."""
        return

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What a code's token is good for: the grant behind it, however much was asked (RFC 6749 section 3.3).

        A scope that was not registered refuses. A client that registered no such scope gets its codes all the same, and
        tokens that open nothing.
        """
        registered = set(self.client.registration.scopes)
        asked = registered if scope is None else set(scope.split())
        return " ".join({CODE_SCOPE} & asked) if asked <= registered else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact strings only (RFC 9700 section 2.1)."""
        return redirect_uri in self.client.registration.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """There are no shared secrets."""
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """One method, at every endpoint."""
        return method == AUTH_METHOD

    def check_response_type(self, response_type: str) -> bool:
        """Codes only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Codes and the client's own credentials; no refresh tokens."""
        return grant_type in GRANT_TYPES


@dataclass(frozen=True, kw_only=True)
class GrantUser:
    """The person behind a grant, as one client sees them."""

    pairwise: str
    account: bytes
    grant_id: str
    token_id: str | None = None

    def get_user_id(self) -> str:
        """The pairwise name that stands in tokens."""
        return self.pairwise


@dataclass(frozen=True)
class ClaimedCode(AuthorizationCodeMixin):  # type: ignore[misc] # Authlib is untyped
    """A code that this request has claimed."""

    code: Code
    code_challenge_method: str = "S256"

    @property
    def code_challenge(self) -> str:
        """The S256 challenge it was bound to."""
        return self.code.challenge

    def get_redirect_uri(self) -> str:
        """The redirect URI it was sent to."""
        return self.code.redirect_uri

    def get_scope(self) -> str:
        """What its token is good for."""
        return self.code.scope


@dataclass(frozen=True, kw_only=True)
class AccessToken(TokenMixin):  # type: ignore[misc] # Authlib is untyped
    """A verified access token."""

    token_id: str
    client_id: str
    scope: str
    expires_at: int
    grant_id: str | None
    standing_number: int | None

    def check_client(self, client: OAuthClient) -> bool:
        """Whether it was issued to *client*."""
        return client.get_client_id() == self.client_id

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope

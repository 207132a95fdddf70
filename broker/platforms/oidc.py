"""Any OpenID provider that the operator names: code flow with PKCE and nonce, identity from the ID token.

The provider's metadata is fetched by ourselves and only four addresses and one fact are taken from it:
handing the whole document to the client library would let it switch off TLS checks or replace the scope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from broker.core.identifiers import Grammar, PlatformAccount, ProvenAccount
from broker.errors import BadConfiguration, CommandRefused
from broker.platforms import Attempt, Recheck
from broker.platforms.client import (
    Credentials,
    Guarded,
    PlatformSession,
    checked_code,
    failed,
    give_back,
    json_of,
    only,
    session,
    talking_to,
    untrusted,
    web_address,
)

SCOPE = "openid profile"
ALGORITHMS = ["ES256", "RS256", "PS256"]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LEEWAY = 30

GRAMMAR = Grammar(id=re.compile(r"[\x21-\x7e]{1,255}"), handle=re.compile(r"[A-Za-z0-9._@+-]{1,64}"))


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What is taken from a provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    sends_iss: bool
    revocation_endpoint: str | None


@dataclass(frozen=True, kw_only=True)
class OpenIdProvider:
    """One provider. The permanent id is ``sub``; the handle is ``preferred_username``."""

    credentials: Credentials
    issuer: str
    name: str
    label: str
    loopback: bool
    grammar: Grammar = GRAMMAR

    @classmethod
    def from_table(cls, name: str, table: Mapping[str, str], *, loopback: bool) -> OpenIdProvider:
        """Read the platform's table of the platforms file."""
        only(table, required={"kind", "issuer", "client_id", "client_secret"}, optional={"label"}, where=name)
        return cls(
            credentials=Credentials(client_id=table["client_id"], client_secret=table["client_secret"]),
            issuer=web_address(table["issuer"], loopback=loopback, where=name),
            name=name,
            label=table.get("label", name),
            loopback=loopback,
        )

    def authorize_url(self, attempt: Attempt) -> str:
        """The provider's sign-in page, with S256 and nonce."""
        url, _ = self._session(attempt).create_authorization_url(
            self._metadata().authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
            # OpenID Connect Core 3.1.2.1: every provider knows login, not every one select_account.
            **({"prompt": "login"} if attempt.choosing else {}),
        )
        return str(url)

    def prove(self, attempt: Attempt, callback: Mapping[str, str]) -> ProvenAccount:
        """Check ``iss``, exchange the code, verify the ID token against this attempt."""
        metadata = self._metadata()
        code = checked_code(callback, issuer=metadata.issuer, iss_required=metadata.sends_iss)
        oauth = self._session(attempt)
        with talking_to(self.label):
            token = oauth.fetch_token(
                metadata.token_endpoint,
                code=code,
                code_verifier=attempt.verifier,
                grant_type="authorization_code",
            )
        try:
            return self._account(self._verified(token.get("id_token"), metadata, attempt))
        finally:
            give_back(oauth, metadata.revocation_endpoint, str(token.get("access_token", "")), label=self.label)

    def recheck(self) -> Recheck:
        """Nobody: OpenID has no way to ask about an account while its owner is away."""
        raise CommandRefused(
            f"{self.name} is an OpenID provider: it speaks of an account only when its owner signs in;"
            " accounts there cannot be rechecked"
        )

    def _verified(self, raw: str | None, metadata: Metadata, attempt: Attempt) -> Mapping[str, object]:
        if not isinstance(raw, str):
            raise failed(self.label, "no ID token")
        with talking_to(self.label):
            document = json_of(_get(metadata.jwks_uri), self.label)
            keys = KeySet.import_key_set(document)  # type: ignore[arg-type] # checked by the library
        rules = jwt.JWTClaimsRegistry(
            now=int(attempt.now.timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": metadata.issuer},
            aud={"essential": True, "value": self.credentials.client_id},
            nonce={"essential": True, "value": attempt.nonce},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            token = jwt.decode(raw, keys, algorithms=ALGORITHMS)
            rules.validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise untrusted(self.label, f"ID token, {type(error).__name__}") from error
        audience = token.claims["aud"]
        if audience not in (self.credentials.client_id, [self.credentials.client_id]):
            raise untrusted(self.label, "the ID token is for somebody else as well")
        return token.claims

    def _account(self, claims: Mapping[str, object]) -> ProvenAccount:
        id_ = claims.get("sub")
        handle = claims.get("preferred_username")
        if not isinstance(id_, str) or not self.grammar.id.fullmatch(id_):
            raise untrusted(self.label, "no sub")
        if not isinstance(handle, str) or not self.grammar.handle.fullmatch(handle):
            raise untrusted(self.label, "no preferred_username, which the notice shows")
        return ProvenAccount(account=PlatformAccount(platform=self.name, id=id_), handle=handle)

    def _metadata(self) -> Metadata:
        with talking_to(self.label):
            document = json_of(_get(self.issuer.rstrip("/") + "/.well-known/openid-configuration"), self.label)
        if document.get("issuer") != self.issuer:
            raise failed(self.label, "it describes another issuer than the configured one")
        try:
            endpoints = {
                name: web_address(str(document.get(name)), loopback=self.loopback, where=self.name)
                for name in (*_ENDPOINTS, *(("revocation_endpoint",) if "revocation_endpoint" in document else ()))
            }
        except BadConfiguration as error:
            raise failed(self.label, "it describes an address that is not https") from error
        return Metadata(
            issuer=self.issuer,
            sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
            revocation_endpoint=endpoints.pop("revocation_endpoint", None),
            **endpoints,
        )

    def _session(self, attempt: Attempt) -> PlatformSession:
        return session(self.credentials, scope=SCOPE, redirect_uri=attempt.redirect_uri)


def _get(address: str) -> requests.Response:
    with Guarded() as client:
        return client.get(address, headers={"Accept": "application/json"})

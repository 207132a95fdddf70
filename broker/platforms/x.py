"""X: OAuth 2.0 with PKCE, and the permanent id from /2/users/me.

X sends no ``iss`` and no ID token: its own redirect URI and its frozen addresses tell its answers from others'.
No ``offline.access`` is asked for, and the token is revoked as soon as the id is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.core.identifiers import Grammar, PlatformAccount, ProvenAccount
from broker.errors import CommandRefused
from broker.platforms import Attempt, Recheck
from broker.platforms.client import (
    Credentials,
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
from broker.platforms.x_recheck import XRecheck

SCOPE = "tweet.read users.read"
ADDRESSES = {
    "authorize_url": "https://x.com/i/oauth2/authorize",
    "token_url": "https://api.x.com/2/oauth2/token",
    "userinfo_url": "https://api.x.com/2/users/me",
    "revoke_url": "https://api.x.com/2/oauth2/revoke",
    "users_url": "https://api.x.com/2/users",
    "compliance_url": "https://api.x.com/2/compliance/jobs",
    "storage_url": "https://storage.googleapis.com",
}

GRAMMAR = Grammar(id=re.compile(r"[1-9][0-9]{0,18}"), handle=re.compile(r"[A-Za-z0-9_]{1,15}"))


@dataclass(frozen=True, kw_only=True)
class X:
    """The X platform, or any server that speaks as X does."""

    credentials: Credentials
    addresses: Mapping[str, str]
    name: str = "x"
    label: str = "X"
    grammar: Grammar = GRAMMAR
    bearer_token: str = field(default="", repr=False)
    loopback: bool = False

    @classmethod
    def from_table(cls, name: str, table: Mapping[str, str], *, loopback: bool) -> X:
        """Read the platform's table of the platforms file."""
        optional = {*ADDRESSES, "bearer_token", "label", "kind"}
        only(table, required={"client_id", "client_secret"}, optional=optional, where=name)
        addresses = {
            key: web_address(table.get(key, default), loopback=loopback, where=name)
            for key, default in ADDRESSES.items()
        }
        credentials = Credentials(client_id=table["client_id"], client_secret=table["client_secret"])
        return cls(
            credentials=credentials,
            addresses=addresses,
            name=name,
            label=table.get("label", "X"),
            bearer_token=table.get("bearer_token", ""),
            loopback=loopback,
        )

    def authorize_url(self, attempt: Attempt) -> str:
        """The sign-in page, with S256."""
        url, _ = self._session(attempt).create_authorization_url(
            self.addresses["authorize_url"], state=attempt.state, code_verifier=attempt.verifier
        )
        return str(url)

    def prove(self, attempt: Attempt, callback: Mapping[str, str]) -> ProvenAccount:
        """Exchange the code, read the permanent id, revoke the token whatever was read."""
        code = checked_code(callback, issuer=None, iss_required=False)
        oauth = self._session(attempt)
        with talking_to(self.label):
            token: str = oauth.fetch_token(
                self.addresses["token_url"],
                code=code,
                code_verifier=attempt.verifier,
                grant_type="authorization_code",
            )["access_token"]
        try:
            return self._account(oauth)
        finally:
            give_back(oauth, self.addresses["revoke_url"], token, label=self.label)

    def recheck(self) -> Recheck:
        """X itself, with the application's own token: a recheck is nobody's sign-in."""
        if not self.bearer_token:
            raise CommandRefused(
                f"[{self.name}] in the platforms file has no bearer_token: accounts there cannot be rechecked"
            )
        return XRecheck(
            token=self.bearer_token,
            users_url=self.addresses["users_url"],
            compliance_url=self.addresses["compliance_url"],
            storage_url=self.addresses["storage_url"],
            label=self.label,
            grammar=self.grammar,
            loopback=self.loopback,
        )

    def _account(self, oauth: PlatformSession) -> ProvenAccount:
        with talking_to(self.label):
            answer = json_of(oauth.get(self.addresses["userinfo_url"]), self.label)
            data = answer["data"]
            if not isinstance(data, dict):
                raise failed(self.label, "no account named")
            id_, handle = data["id"], data["username"]
        # An id as a number would lose its last digits past 2^53, and be another account's.
        if not isinstance(id_, str) or not self.grammar.id.fullmatch(id_):
            raise untrusted(self.label, "an id out of its own grammar")
        if not isinstance(handle, str) or not self.grammar.handle.fullmatch(handle):
            raise untrusted(self.label, "a handle out of its own grammar")
        return ProvenAccount(account=PlatformAccount(platform=self.name, id=id_), handle=handle)

    def _session(self, attempt: Attempt) -> PlatformSession:
        return session(self.credentials, scope=SCOPE, redirect_uri=attempt.redirect_uri)

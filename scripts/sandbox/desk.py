"""Hands out codes and tokens: a code lives 30 seconds and works once, a token lives two hours."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from asking import Ask

CODE_LIFE = 30
TOKEN_LIFE = 7200


class TokenRefusedError(Exception):
    """An exchange refused. X says invalid_request where RFC 6749 section 5.2 has invalid_grant."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """What a code stands for."""

    ask: Ask
    person_id: str
    ends: float


@dataclass(frozen=True, kw_only=True)
class Token:
    """What an access token stands for."""

    person_id: str
    scope: tuple[str, ...]
    ends: float


class Desk:
    """Codes and tokens, in memory only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}
        self._issued = 0
        self._revoked = 0
        self._scopes: set[str] = set()

    def give_code(self, ask: Ask, person_id: str, life: float = CODE_LIFE) -> str:
        """Issue a code for a person who pressed Authorize."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(ask=ask, person_id=person_id, ends=self._clock() + life)
        return code

    def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> tuple[str, Token]:
        """Turn a code into a token. Whatever comes of it, the code is gone: pop() lets one caller win."""
        known = self._codes.pop(code, None)
        if known is None or self._clock() >= known.ends:
            raise TokenRefusedError("Value passed for the authorization code was invalid.")
        if redirect_uri != known.ask.redirect_uri:
            raise TokenRefusedError(
                "Value passed for the redirect uri did not match the uri of the authorization code."
            )
        if not hmac.compare_digest(challenge_of(verifier), known.ask.challenge):
            raise TokenRefusedError("Value passed for code verifier did not match the code challenge.")
        token = Token(person_id=known.person_id, scope=known.ask.scope, ends=self._clock() + TOKEN_LIFE)
        return self._keep(token), token

    def holder(self, value: str) -> Token | None:
        """Return what a live token stands for."""
        token = self._tokens.get(value)
        return token if token and self._clock() < token.ends else None

    def revoke(self, value: str) -> None:
        """End a token; an unknown one is no error (RFC 7009 section 2.2)."""
        with self._lock:
            if self._tokens.pop(value, None):
                self._revoked += 1

    def counts(self) -> dict[str, int | list[str]]:
        """Return how many tokens live, never a token itself, and which scopes were ever granted."""
        with self._lock:
            now = self._clock()
            live = sum(1 for token in self._tokens.values() if now < token.ends)
            return {
                "live": live,
                "issued": self._issued,
                "revoked": self._revoked,
                "scopes": sorted(self._scopes),
            }

    def _keep(self, token: Token) -> str:
        value = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[value] = token
            self._issued += 1
            self._scopes.update(token.scope)
        return value


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

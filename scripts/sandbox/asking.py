"""Reading an authorization request as X reads it: RFC 6749 section 4.1.1 with PKCE (RFC 7636) required."""

import hmac
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from werkzeug.datastructures import MultiDict

SCOPES = frozenset(
    {
        "tweet.read", "tweet.write", "users.read", "users.email", "follows.read", "follows.write",
        "like.read", "like.write", "list.read", "offline.access",
    }
)  # fmt: skip
STATE_LIMIT = 500
CHALLENGE_LENGTH = 43  # base64url of 32 bytes, unpadded


@dataclass(frozen=True, kw_only=True)
class App:
    """The application registered at the platform."""

    client_id: str
    client_secret: str
    name: str
    redirect_uris: frozenset[str]
    bearer_token: str

    def bears(self, token: str | None) -> bool:
        """Tell whether a token is the application's own, in constant time."""
        return hmac.compare_digest((token or "").encode(), self.bearer_token.encode())

    def is_authentic(self, client_id: str, client_secret: str) -> bool:
        """Tell whether these are the application's credentials, in constant time."""
        right_id = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        right_secret = hmac.compare_digest(client_secret.encode(), self.client_secret.encode())
        return right_id and right_secret


@dataclass(frozen=True, kw_only=True)
class Ask:
    """An authorization request that may be shown to a person."""

    redirect_uri: str
    scope: tuple[str, ...]
    state: str
    challenge: str

    def answer(self, **fields: str) -> str:
        """Return the callback address with the given fields and the state."""
        return with_query(self.redirect_uri, **fields, state=self.state)


class BadAskError(Exception):
    """A request that must not lead to a redirect: nothing proves where it would go."""


class RefusedAskError(Exception):
    """A request refused at the application's own callback."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def with_query(uri: str, **fields: str) -> str:
    """Return the address with fields added to its query."""
    parts = urlsplit(uri)
    query = "&".join(piece for piece in (parts.query, urlencode(fields)) if piece)
    return urlunsplit(parts._replace(query=query))


def read_ask(args: MultiDict[str, str], app: App) -> Ask:
    """Check a request; the callback is compared as an exact string, before anything is sent there."""
    repeated = [name for name in args if len(args.getlist(name)) > 1]
    if repeated:
        raise BadAskError(f"{repeated[0]} is given more than once.")
    if args.get("client_id") != app.client_id:
        raise BadAskError("No application with this client_id is registered here.")
    redirect_uri = args.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris:
        raise BadAskError("This redirect_uri is not registered for the application.")
    state = args.get("state", "")
    if not state or len(state) > STATE_LIMIT:
        raise BadAskError(f"state must be 1 to {STATE_LIMIT} characters long.")
    scope = tuple(args.get("scope", "").split())
    challenge = args.get("code_challenge", "")
    ask = Ask(redirect_uri=redirect_uri, scope=scope, state=state, challenge=challenge)
    fault = _fault(args, ask)
    if fault:
        raise RefusedAskError(ask.answer(error=fault[0], error_description=fault[1]))
    return ask


def _fault(args: MultiDict[str, str], ask: Ask) -> tuple[str, str] | None:
    if args.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if not ask.scope or not SCOPES.issuperset(ask.scope):
        return "invalid_scope", "scope is empty or holds a value that is not known"
    if args.get("code_challenge_method") != "S256" or len(ask.challenge) != CHALLENGE_LENGTH:
        return "invalid_request", "code_challenge with code_challenge_method=S256 is required"
    return None

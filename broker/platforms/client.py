"""What the platforms share: their file, S256, bounded calls, and an own check of ``iss``."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from requests import PreparedRequest, RequestException, Response, Session
from requests.exceptions import ChunkedEncodingError, ContentDecodingError
from urllib3.exceptions import HTTPError

from broker.core.addresses import read_address
from broker.core.reading import read_json_object
from broker.errors import BadConfiguration, BrokerError, FlowBroken, MalformedRequest, PlatformFailed
from broker.platforms.line import WatchedAdapter, within

#: Seconds without a byte, and seconds in all. A platform that drips must not hold a thread for long.
TIMEOUT = 5
DEADLINE = 10
MAX_ANSWER = 256 * 1024
_CHUNK = 16 * 1024
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The broker's own registration at a platform."""

    client_id: str
    client_secret: str = field(repr=False)


def failed(label: str, cause: str) -> PlatformFailed:
    """The failure as a person may read it; the cause goes to the operator's log."""
    log.warning("%s did not answer as it should: %s", label, cause)
    return PlatformFailed("%(platform)s did not answer as it should; please try again in a moment", platform=label)


def untrusted(label: str, cause: str) -> FlowBroken:
    """An answer that does not prove what it claims; the cause goes to the operator's log."""
    log.warning("an answer of %s was refused: %s", label, cause)
    return FlowBroken("the answer of %(platform)s does not prove the account", platform=label)


class Guarded(Session):
    """A session that follows no redirect, and reads an answer under one deadline and one size.

    A redirect would carry code and verifier to whatever host the platform names.
    """

    def __init__(self, *known: Any, **options: Any) -> None:  # noqa: ANN401 - Authlib's own options
        super().__init__(*known, **options)
        for scheme in ("https://", "http://"):
            self.mount(scheme, WatchedAdapter())

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # noqa: ANN401 - requests' own options
        """Send, and read the whole answer within bounds."""
        options.update(stream=True, allow_redirects=False, timeout=TIMEOUT)
        request.headers["Accept-Encoding"] = "identity"
        with within(DEADLINE):
            answer = super().send(request, **options)
            try:
                answer._content = _read_bounded(answer)  # noqa: SLF001 - the one way to hand requests a body that was read
            except HTTPError as error:
                # Read past requests, one that stops or is cut short would fail with what nobody here expects.
                raise ChunkedEncodingError("the answer came to no end") from error
        return answer


class PlatformSession(Guarded, OAuth2Session):  # type: ignore[misc] # Authlib is untyped
    """An OAuth client within those bounds."""


def _read_bounded(answer: Response) -> bytes:
    content = b""
    with answer:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise ContentDecodingError(
                "the answer is packed, though it was asked not to be; unpacked it might be endless"
            )
        while chunk := answer.raw.read1(_CHUNK):
            content += chunk
            if len(content) > MAX_ANSWER:
                raise ContentDecodingError("the answer is too long")
    return content


@contextmanager
def talking_to(label: str) -> Iterator[None]:
    """Turn whatever a library raises on the way to a platform into :class:`PlatformFailed`.

    The library's text stays out: it can carry the platform's answer, and with it a token.
    """
    try:
        yield
    except (RequestException, AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise failed(label, type(error).__name__) from None


def session(credentials: Credentials, *, scope: str, redirect_uri: str) -> PlatformSession:
    """An OAuth client that always sends S256; Authlib sends no challenge unless told."""
    client = PlatformSession(
        credentials.client_id,
        credentials.client_secret,
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the method's name
        scope=scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    client.register_compliance_hook("access_token_response", _bounded)
    return client


def _bounded(answer: Response) -> Response:
    """Refuse a token answer that is too long, too deep or no object before the library reads it."""
    try:
        read_json_object(answer.content, max_bytes=MAX_ANSWER)
    except BrokerError as error:
        raise ValueError("the token answer cannot be read") from error
    return answer


def give_back(oauth: PlatformSession, endpoint: str | None, token: str, *, label: str) -> None:
    """Revoke the platform's token. The account is proven either way, so a failure is told to the operator only."""
    if not endpoint or not token:
        return
    try:
        oauth.revoke_token(endpoint, token, token_type_hint="access_token").raise_for_status()  # noqa: S106 - the kind
    except (RequestException, AuthlibBaseError, ValueError) as error:
        log.warning("the token of %s was not revoked: %s", label, type(error).__name__)
    oauth.token = None


def checked_code(callback: Mapping[str, str], *, issuer: str | None, iss_required: bool) -> str:
    """Return the callback's code once ``iss`` is the expected one (RFC 9207; Authlib's client never looks).

    A platform that sends no ``iss`` is told from others by its own redirect URI; an ``iss`` where none is
    expected is somebody else's answer.
    """
    given = callback.get("iss")
    if (given is None and iss_required) or (given is not None and given != issuer):
        raise FlowBroken("the answer came from another issuer than the one asked")
    code = callback.get("code")
    if not code:
        raise FlowBroken("the answer holds no code")
    return code


def json_of(answer: Response, label: str) -> dict[str, object]:
    """The object in an answer of status 200, of bounded size, read as strictly as what is sent to us."""
    if answer.status_code != 200:  # noqa: PLR2004 - HTTP's own number
        raise failed(label, f"status {answer.status_code}")
    try:
        return read_json_object(answer.content, max_bytes=MAX_ANSWER)
    except BrokerError as error:
        raise failed(label, error.detail) from error


def read_platforms_file(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Read the TOML file of platforms: one table each, text values only."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{path}: the platforms file cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfiguration(f"{path}: the platforms file is not TOML: {error}") from error
    for name, table in document.items():
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise BadConfiguration(f"{path}: [{name}] must be a table of text values")
    return document


def only(table: Mapping[str, str], *, required: set[str], optional: set[str], where: str) -> None:
    """Refuse a table that lacks a setting or holds one nobody reads."""
    missing, unknown = required - set(table), set(table) - required - optional
    if missing:
        raise BadConfiguration(f"platforms file, [{where}]: {min(missing)} is missing")
    if unknown:
        raise BadConfiguration(f"platforms file, [{where}]: {min(unknown)!r} is not a setting of this platform")


def web_address(address: str, *, loopback: bool, where: str) -> str:
    """Return *address* when it is https, or http on this machine for a development issuer."""
    try:
        return read_address(address, what="an address", loopback=loopback).text
    except MalformedRequest as error:
        raise BadConfiguration(f"platforms file, [{where}]: {address!r}: {error.detail}") from error

"""What every answer carries, and what every form must bring.

Three locks on a form: the cookie's SameSite, the token in the form, and ``Sec-Fetch-Site`` where a browser sends it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256

from flask import Flask, Request, Response, request

from broker.core.reading import MAX_BYTES
from broker.errors import Forbidden, MalformedRequest
from broker.oauth.context import current_broker

#: Distinct from every other program's: browsers share a host's cookies across its ports.
BROWSER_COOKIE = "__Host-consent-broker-browser"
PERSON_COOKIE = "__Host-consent-broker-person"
_BROWSER_LIFE = 30 * 60
_SAFE_SITES = {None, "same-origin", "none"}
_SECRET_LENGTH = 43

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_VARY = "Cookie, Accept-Language"
#: Chromium holds the redirect after a form to form-action as well, and the client's own page may redirect on.
_POLICY = (
    "default-src 'none'; style-src {style}; script-src 'self'; img-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self' {targets}; require-trusted-types-for 'script'; trusted-types 'none'"
)


def guard(app: Flask) -> None:
    """Put the headers on every answer, errors included."""
    # One more than is read: a chunked body is cut at the limit, and must still be seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES + 1
    app.config["MAX_FORM_PARTS"] = 100
    app.after_request(_add_headers)


def _add_headers(answer: Response) -> Response:
    for name, value in headers_of(current_broker().issuer).items():
        answer.headers.setdefault(name, value)
    if "public" not in answer.headers["Cache-Control"]:
        answer.headers["Vary"] = _VARY
    return answer


@cache
def headers_of(issuer: str) -> Mapping[str, str]:
    """What an answer carries that says nothing else."""
    strict = {"Strict-Transport-Security": "max-age=63072000"} if issuer.startswith("https:") else {}
    return {**_HEADERS, "Content-Security-Policy": _policy(issuer), **strict, "Cache-Control": "no-store"}


def private_headers_of(issuer: str) -> Mapping[str, str]:
    """The same of an answer that no two may share."""
    return {**headers_of(issuer), "Vary": _VARY}


def with_own_style(answer: Response, css: str) -> Response:
    """Let a page bring its style in its empty ``<style>``, so that it can be kept as one file; that style and no other.

    It is put in afterwards: a template escapes what it is given, and trusts nothing.
    """
    answer.set_data(answer.get_data(as_text=True).replace("<style></style>", f"<style>{css}</style>", 1))
    digest = b64encode(sha256(css.encode()).digest()).decode()
    answer.headers["Content-Security-Policy"] = _policy(current_broker().issuer, style=f"'sha256-{digest}'")
    return answer


def _policy(issuer: str, *, style: str = "'self'") -> str:
    targets = "https:" if issuer.startswith("https:") else "https: http:"
    return _POLICY.format(style=style, targets=targets)


def browser_handle() -> str | None:
    """The random name of this browser, if it has one."""
    return _cookie(BROWSER_COOKIE)


def person_session() -> str | None:
    """The session this browser is signed in under, if it claims one."""
    return _cookie(PERSON_COOKIE)


def set_browser_handle(answer: Response, handle: str) -> None:
    """Give the browser its name for half an hour; the cookie holds nothing else."""
    _set_cookie(answer, BROWSER_COOKIE, handle, max_age=_BROWSER_LIFE)


def set_person_session(answer: Response, session: str | None) -> None:
    """Sign the browser in, or with None out."""
    if session is None:
        answer.delete_cookie(PERSON_COOKIE, secure=True, httponly=True, samesite="Lax")
    else:
        _set_cookie(answer, PERSON_COOKIE, session, max_age=None)


def form_token(*parts: str) -> str:
    """The token a form must bring back: bound to this browser's cookie, or to the link that opened the page."""
    return current_broker().blinder.form(*parts)


def check_form(*parts: str) -> None:
    """Refuse a form that did not come from our own page in this browser."""
    if request.headers.get("Sec-Fetch-Site") not in _SAFE_SITES:
        raise Forbidden("this form was sent from another site")
    origin = request.headers.get("Origin")
    if origin not in (None, "null", current_broker().issuer):
        raise Forbidden("this form was sent from another site")
    if not all(parts):
        raise Forbidden("this form is not the one that was shown in this browser")
    given = single(request.form.getlist("csrf"), "csrf")
    if not hmac.compare_digest(given.encode(), form_token(*parts).encode()):
        raise Forbidden("this form is not the one that was shown in this browser")


def single(values: Iterable[str], name: str) -> str:
    """The one value of a parameter; none and two are refused."""
    found = list(values)
    if len(found) != 1:
        raise MalformedRequest(f"{name} must be given exactly once")
    return found[0]


def query(request: Request) -> dict[str, str]:
    """The query's parameters, each of which may come once."""
    for name, values in request.args.lists():
        if len(values) != 1:
            raise MalformedRequest(f"{name[:40]!r} was given twice")
    return request.args.to_dict()


def _cookie(name: str) -> str | None:
    value = request.cookies.get(name)
    return value if value is not None and len(value) == _SECRET_LENGTH else None


def _set_cookie(answer: Response, name: str, value: str, *, max_age: int | None) -> None:
    # __Host- needs Secure and Path=/ and no Domain: no subdomain and no plain-http page can plant it.
    answer.set_cookie(name, value, max_age=max_age, secure=True, httponly=True, samesite="Lax", path="/")

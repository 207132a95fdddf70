"""One request, one answer: no redirects followed, no cookies kept, always a deadline."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

DEADLINE = 30


def call(method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401 (requests' own options)
    """Send one request and return its answer as it came."""
    options.setdefault("timeout", DEADLINE)
    return requests.request(method, url, allow_redirects=False, **options)  # noqa: S113 (set a line above)


def get(url: str, **options: Any) -> requests.Response:  # noqa: ANN401
    """GET, as `call`."""
    return call("GET", url, **options)


def post(url: str, **options: Any) -> requests.Response:  # noqa: ANN401
    """POST, as `call`."""
    return call("POST", url, **options)


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


def query_of(url: str) -> dict[str, str]:
    """Return the query of an address, each name once; a name that stands twice is an error of the test."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return {name: only(values) for name, values in found.items()}


def only(values: list[str]) -> str:
    """Return the single member of a list."""
    (value,) = values
    return value


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def error_of(answer: requests.Response) -> tuple[int, str | None]:
    """Return status and `error` of an OAuth answer."""
    return answer.status_code, answer.json().get("error")


def is_problem(answer: requests.Response) -> bool:
    """Tell whether an answer is an RFC 9457 problem whose parts agree with its status."""
    if answer.headers.get("Content-Type", "").split(";")[0] != "application/problem+json":
        return False
    body: Mapping[str, object] = answer.json()
    return body.get("status") == answer.status_code and {"type", "title", "detail"} <= body.keys()


def fresh(prefix: str) -> str:
    """Return a word that no other test has used."""
    return f"{prefix}{secrets.token_hex(5)}"


def fresh_email() -> str:
    """Return an address that no other test has used."""
    return f"{fresh('jane')}@example.com"


def fresh_account() -> str:
    """Return the id of an account on x that no other test has used and nobody has proved."""
    return str(1 + int(secrets.token_hex(6), 16))


def refusal_of(answer: requests.Response) -> tuple[int, bool, list[str]]:
    """Return status, whether it is a problem, and the clauses."""
    return answer.status_code, is_problem(answer), answer.json().get("clauses", [])

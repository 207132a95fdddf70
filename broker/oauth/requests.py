"""The request as Authlib reads it: its address from the issuer, each parameter once.

The Host header is the caller's, so the address is never taken from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request
from flask import Request

MAX_PARAMETER = 16 * 1024
#: JSON, read by the strict reader; and a value that is only ever given back.
_FREE, _OPAQUE = "authorization_details", "state"


class Parameters(OAuth2Payload):  # type: ignore[misc] # Authlib is untyped
    """Parameters that each came once."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = dict(parameters)

    @property
    def data(self) -> dict[str, str]:
        """The parameters."""
        return self._parameters

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """The parameters, as lists of one."""
        return defaultdict(list, {name: [value] for name, value in self._parameters.items()})


class BrokerRequest(OAuth2Request):  # type: ignore[misc] # Authlib is untyped
    """A form posted to, or kept for, one of our OAuth endpoints."""

    def __init__(
        self,
        parameters: Mapping[str, str],
        *,
        uri: str,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(method=method, uri=uri, headers=headers or {})
        self.payload = Parameters(parameters)

    @property
    def form(self) -> dict[str, str]:
        """The form's fields."""
        return dict(self.payload.data)

    @property
    def args(self) -> dict[str, str]:
        """Nothing of an OAuth request is read from the query."""
        return {}


def once_each(request: Request) -> dict[str, str]:
    """The form's fields; a field given twice, or a query beside the form, is refused (RFC 6749 section 3.2)."""
    if request.args:
        raise InvalidRequestError("Parameters belong in the body.")
    fields: dict[str, str] = {}
    for name, value in request.form.items(multi=True):
        if name in fields:
            raise InvalidRequestError("A parameter was given twice.")
        _check_characters(name, value)
        fields[name] = value
    return fields


def _check_characters(name: str, value: str) -> None:
    """Hold a field to RFC 6749 appendix A: Authlib quotes fields in its errors, and fails on what may not."""
    if len(value) > MAX_PARAMETER:
        raise InvalidRequestError(f"A parameter is longer than {MAX_PARAMETER} characters.")
    if name == _FREE:
        return
    if not (value.isascii() and value.isprintable()) or (name != _OPAQUE and set(value) & set('"\\')):
        raise InvalidRequestError("A parameter holds characters that do not belong in it.")

"""The client file: RFC 7591's names, and ours for the use case."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal
from unicodedata import category

from pydantic import Field

from broker.core.addresses import read_address
from broker.core.client import SCOPES, Registration
from broker.errors import MalformedRequest
from broker.oauth.models import AUTH_METHOD
from broker.proof.clientkeys import read_client_keys
from broker.web.wire import Text, Wire, Word

_NAME = Annotated[str, Field(min_length=1, max_length=80)]
#: Letters that show nothing, and marks stacked over one letter.
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f")
_STACKED = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3}")
_CONTACT = re.compile(
    r"(mailto:)?[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,120}|https://[A-Za-z0-9./_-]{1,120}|(tel:)?\+[0-9 ()-]{5,24}"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class AgreementsWire(Wire):
    """When the business agreed to the platform's documents: dates, ``YYYY-MM-DD``."""

    terms_of_service: str | None = None
    privacy_policy: str | None = None
    developer_agreement: str | None = None
    developer_policy: str | None = None


class ClientWire(Wire):
    """``broker clients register FILE.json``."""

    client_name: _NAME
    client_uri: Text
    redirect_uris: Annotated[list[Text], Field(min_length=1, max_length=20)]
    jwks: dict[str, Any]
    contacts: Annotated[list[Text], Field(min_length=1, max_length=10)]
    policy_uri: Text | None = None
    tos_uri: Text | None = None
    scope: str | None = None
    owner: _NAME
    environment: Literal["dev", "staging", "prod"]
    use_case: Annotated[str, Field(min_length=10, max_length=2000)]
    purposes: Annotated[list[Word], Field(min_length=1, max_length=32)]
    platforms: Annotated[list[Word], Field(min_length=1, max_length=32)]
    brands: Annotated[tuple[_NAME, ...], Field(max_length=200, strict=False)] = ()
    agreements: AgreementsWire = AgreementsWire()
    token_endpoint_auth_method: Literal["private_key_jwt"] = AUTH_METHOD  # type: ignore[assignment] # the same word
    token_endpoint_auth_signing_alg: Literal["ES256"] = "ES256"  # noqa: S105 - an algorithm
    grant_types: tuple[Literal["authorization_code", "client_credentials"], ...] = Field(
        ("authorization_code", "client_credentials"), strict=False
    )
    response_types: tuple[Literal["code"], ...] = Field(("code",), strict=False)

    def to_core(self, *, loopback: bool) -> Registration:
        """The registration, every address and key checked; http only to this machine and in development."""
        for name in ("client_name", "owner", "use_case"):
            _plain(name, getattr(self, name))
        for brand in self.brands:
            _plain("brands", brand)
        return Registration(
            client_name=self.client_name,
            client_uri=_address("client_uri", self.client_uri, loopback=loopback),
            redirect_uris=tuple(_redirect(uri, loopback=loopback) for uri in self.redirect_uris),
            jwks=read_client_keys(self.jwks),
            contacts=tuple(_contact(contact) for contact in self.contacts),
            policy_uri=self.policy_uri and _address("policy_uri", self.policy_uri, loopback=loopback),
            tos_uri=self.tos_uri and _address("tos_uri", self.tos_uri, loopback=loopback),
            scopes=_scopes(self.scope),
            owner=self.owner,
            environment=self.environment,
            use_case=self.use_case,
            purposes=_distinct("purposes", self.purposes),
            platforms=_distinct("platforms", self.platforms),
            brands=_distinct("brands", list(self.brands)),
            agreements=_dates(self.agreements),
        )


def _plain(name: str, text: str) -> None:
    """Text that stands on the consent page: it shows what it is, in one line, and turns no reading round."""
    seen = [letter for letter in text if category(letter)[0] in "LN" and letter not in _INVISIBLE]
    if not seen or not text.isprintable() or text != text.strip() or set(text) & _INVISIBLE or _STACKED.search(text):
        raise MalformedRequest(f"{name} must be plain, visible text in one line, without surrounding blanks")


def _contact(contact: str) -> str:
    """An address people can write to or open: an e-mail address, an https address or a telephone number."""
    if not _CONTACT.fullmatch(contact):
        raise MalformedRequest(
            "contacts must be e-mail addresses, https addresses or telephone numbers, in plain ASCII"
        )
    return contact


def _address(name: str, address: str, *, loopback: bool) -> str:
    return read_address(address, what=name, loopback=loopback).text


def _redirect(address: str, *, loopback: bool) -> str:
    return _address("redirect_uris", address, loopback=loopback)


def _scopes(scope: str | None) -> tuple[str, ...]:
    if scope is None:
        return SCOPES
    asked = tuple(scope.split())
    if not asked or not set(asked) <= set(SCOPES):
        raise MalformedRequest(f"scope must be some of {' '.join(SCOPES)}")
    return _distinct("scope", list(asked))


def _distinct(name: str, values: list[str]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise MalformedRequest(f"{name}: one stands twice")
    return tuple(values)


def _dates(agreements: AgreementsWire) -> dict[str, str]:
    dates = {name: day for name, day in agreements.model_dump().items() if day is not None}
    for name, day in dates.items():
        try:
            well_formed = _DAY.fullmatch(day) and date.fromisoformat(day)
        except ValueError:
            well_formed = None
        if not well_formed:
            raise MalformedRequest(f"agreements.{name} must be a date such as 2026-11-23")
    return dates

"""The client file: RFC 7591's names, and ours for the use case."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from broker.core.action import USUAL, agreed_time
from broker.core.addresses import read_address
from broker.core.client import SCOPES, Registration
from broker.core.purposes import MAX_NARROWER, NARROWER_ID, PURPOSES
from broker.errors import MalformedRequest
from broker.oauth.models import AUTH_METHOD
from broker.proof.clientkeys import read_client_keys
from broker.web.plain import AgreementsWire, plain_text
from broker.web.wire import Text, Wire, Word

_NAME = Annotated[str, Field(min_length=1, max_length=80)]
_CONTACT = re.compile(
    r"(mailto:)?[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,120}|https://[A-Za-z0-9./_-]{1,120}|(tel:)?\+[0-9 ()-]{5,24}"
)


class NarrowerWire(Wire):
    """A purpose of the client's own, under one of the vocabulary."""

    id: Annotated[str, Field(pattern=f"^{NARROWER_ID.pattern}$", max_length=MAX_NARROWER)]
    broader: Word


class ClientWire(Wire):
    """``broker clients register FILE.json``."""

    client_name: _NAME
    client_uri: Text
    redirect_uris: Annotated[list[Text], Field(min_length=1, max_length=20)]
    jwks: dict[str, Any]
    contacts: Annotated[list[Text], Field(min_length=1, max_length=10)]
    address: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    policy_uri: Text | None = None
    tos_uri: Text | None = None
    scope: str | None = None
    owner: _NAME
    environment: Literal["dev", "staging", "prod"]
    use_case: Annotated[str, Field(min_length=10, max_length=2000)]
    purposes: Annotated[list[Word | NarrowerWire], Field(min_length=1, max_length=32)]
    platforms: Annotated[list[Word], Field(min_length=1, max_length=32)]
    brands: Annotated[tuple[_NAME, ...], Field(max_length=200, strict=False)] = ()
    agreements: AgreementsWire = AgreementsWire()
    action_within: Annotated[
        str,
        Field(
            max_length=16, description="How long it may take to say what it did once a consent has ended; at most P30D"
        ),
    ] = USUAL
    token_endpoint_auth_method: Literal["private_key_jwt"] = AUTH_METHOD  # type: ignore[assignment] # the same word
    token_endpoint_auth_signing_alg: Literal["ES256"] = "ES256"  # noqa: S105 - an algorithm
    grant_types: tuple[Literal["authorization_code", "client_credentials"], ...] = Field(
        ("authorization_code", "client_credentials"), strict=False
    )
    response_types: tuple[Literal["code"], ...] = Field(("code",), strict=False)

    def to_core(self, *, loopback: bool) -> Registration:
        """The registration, every address and key checked; http only to this machine and in development."""
        for name in ("client_name", "owner", "use_case"):
            plain_text(name, getattr(self, name))
        for brand in self.brands:
            plain_text("brands", brand)
        if self.address is not None:
            plain_text("address", self.address)
        agreed_time(self.action_within)
        return Registration(
            client_name=self.client_name,
            client_uri=_address("client_uri", self.client_uri, loopback=loopback),
            redirect_uris=tuple(_redirect(uri, loopback=loopback) for uri in self.redirect_uris),
            jwks=read_client_keys(self.jwks),
            contacts=tuple(_contact(contact) for contact in self.contacts),
            address=self.address,
            policy_uri=self.policy_uri and _address("policy_uri", self.policy_uri, loopback=loopback),
            tos_uri=self.tos_uri and _address("tos_uri", self.tos_uri, loopback=loopback),
            scopes=_scopes(self.scope),
            owner=self.owner,
            environment=self.environment,
            use_case=self.use_case,
            purposes=_distinct("purposes", [_purpose_id(purpose) for purpose in self.purposes]),
            narrower={entry.id: entry.broader for entry in self.purposes if isinstance(entry, NarrowerWire)},
            platforms=_distinct("platforms", self.platforms),
            brands=_distinct("brands", list(self.brands)),
            agreements=self.agreements.dates(),
            action_within=self.action_within,
        )


def _purpose_id(purpose: str | NarrowerWire) -> str:
    if isinstance(purpose, str):
        return purpose
    if purpose.id in PURPOSES or purpose.broader not in PURPOSES:
        raise MalformedRequest(f"purposes: {purpose.id!r} must be your own, under one of {', '.join(PURPOSES)}")
    return purpose.id


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

"""``authorization_details`` of type ``off_platform_match`` (RFC 9396): what is asked, in one object.

A client supplies no free text: everything in it is an identifier, a word of a closed vocabulary or a duration.
"""

from __future__ import annotations

from typing import Annotated, Literal

from authlib.oauth2.rfc6749 import OAuth2Error
from flask import g
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.actions.broker import Broker
from broker.actions.linking import ConsentRequest
from broker.actions.terms import found_facts, refuse_forbidden, refuse_purposes, screen_purpose
from broker.core.case import Case
from broker.core.client import Client
from broker.core.decide import Ruling, forbidden
from broker.core.duration import read_duration
from broker.core.identifiers import KINDS, Identifier, read_handle, read_identifier
from broker.core.reading import read_json
from broker.errors import BrokerError, MalformedRequest, PolicyRefused

TYPE = "off_platform_match"
_Word = Annotated[str, Field(min_length=1, max_length=64)]


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc] # Authlib is untyped
    """RFC 9396 section 5."""

    error = "invalid_authorization_details"
    status_code = 400

    def __init__(self, description: str, clauses: tuple[str, ...] = ()) -> None:
        super().__init__("".join(letter if letter.isascii() and letter not in '"\\' else "'" for letter in description))
        self.clauses = clauses

    def get_body(self) -> list[tuple[str, object]]:
        """RFC 6749's members, and the clauses where the terms decided."""
        body: list[tuple[str, object]] = super().get_body()
        return [*body, ("clauses", list(self.clauses))] if self.clauses else body


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class IdentifierWire(_Strict):
    """An off-platform identifier."""

    kind: _Word
    type: _Word
    value: Annotated[str, Field(min_length=1, max_length=512)]
    name: _Word | None = None


class DetailsWire(_Strict):
    """One request to link."""

    type: Literal["off_platform_match"]
    platform: _Word
    identifier: IdentifierWire
    purposes: Annotated[list[_Word], Field(min_length=1, max_length=16)]
    valid_for: _Word = "P1Y"
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    handle: _Word | None = None
    brand: _Word | None = None


def read_details(raw: str | None, *, broker: Broker, client: Client, oauth: dict[str, str]) -> ConsentRequest:
    """Return what is asked, or raise ``invalid_authorization_details`` saying what would be right."""
    try:
        return _checked(_wire(raw), broker=broker, client=client, oauth=oauth)
    except BrokerError as error:
        g.ruled_by = error.clauses
        raise InvalidAuthorizationDetailsError(error.detail, error.clauses) from error


def _wire(raw: str | None) -> DetailsWire:
    if raw is None:
        raise MalformedRequest("authorization_details is missing")
    value = read_json(raw.encode())
    if not isinstance(value, list) or len(value) != 1:
        raise MalformedRequest("authorization_details must be a list of one object")
    try:
        return DetailsWire.model_validate(value[0])
    except ValidationError as error:
        raise MalformedRequest(first_fault(error)) from error


def first_fault(error: ValidationError) -> str:
    """Where the first fault lies and what it is, without the value that was given."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "the object"
    return f"{where}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _checked(wire: DetailsWire, *, broker: Broker, client: Client, oauth: dict[str, str]) -> ConsentRequest:
    platform = broker.platforms.get(wire.platform)
    registered = client.registration
    if platform is None or wire.platform not in registered.platforms:
        raise MalformedRequest(f"platform must be one that this client registered: {', '.join(registered.platforms)}")
    if wire.brand is not None and wire.brand not in registered.brands:
        raise MalformedRequest("brand must be one that this client registered")
    _check_purposes(tuple(wire.purposes), broker=broker, client=client, platform=wire.platform)
    read_duration(wire.valid_for)
    return ConsentRequest(
        client_id=client.client_id,
        environment=registered.environment,
        oauth=oauth,
        platform=wire.platform,
        identifier=known_identifier(broker, wire.platform, wire.identifier),
        purposes=tuple(wire.purposes),
        valid_for=wire.valid_for,
        locale=wire.locale,
        handle=read_handle(wire.handle, platform.grammar) if wire.handle is not None else None,
        brand=wire.brand,
    )


def known_identifier(broker: Broker, platform: str, wire: IdentifierWire) -> Identifier:
    """The identifier, normalised. One of no known kind is refused by the terms' own clause (MATCH-1)."""
    ruling = _ruling_on(broker, platform, wire.kind, wire.type, wire.name)
    clauses = ruling.clauses if ruling else ()
    try:
        identifier = read_identifier(**wire.model_dump())
    except MalformedRequest as error:
        raise MalformedRequest(error.detail, clauses=clauses) from error
    if ruling is not None:
        raise PolicyRefused("the terms do not let this record be tied to an account", clauses=clauses)
    return identifier


def is_known(broker: Broker, platform: str, kind: str, type: str) -> bool:  # noqa: A002 - the wire's word
    """Whether the terms let a record of this kind be tied to an account, whatever its value."""
    return _ruling_on(broker, platform, kind, type, None) is None


def _ruling_on(broker: Broker, platform: str, kind: str, type_: str, name: str | None) -> Ruling | None:
    known = kind if type_ in KINDS.get(kind, ()) else "unknown"
    spoken_of = found_facts(screen_purpose(broker, name or "", {}))
    case = Case(act="identify", words={**spoken_of, "identifier-kind": frozenset({known})})
    return forbidden(case, broker.policies.governing(platform))


def _check_purposes(purposes: tuple[str, ...], *, broker: Broker, client: Client, platform: str) -> None:
    if len(set(purposes)) != len(purposes):
        raise MalformedRequest("purposes: one stands twice")
    policy = broker.policies.governing(platform)
    refuse_purposes(broker, [policy], purposes, narrower=client.registration.narrower)
    for purpose in purposes:
        declared = purpose in client.registration.purposes
        refuse_forbidden(
            Case(act="declare", marks={"purpose-declared": declared}),
            [policy],
            f"the purpose '{purpose}' is not one that this client registered",
        )
        if not declared:
            raise MalformedRequest(f"the purpose '{purpose}' is not one that this client registered")

"""A client: the business that asks, as it was registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

#: What a client's tokens may be good for, in the order they are listed.
SCOPES = ("match", "consent", "ssf.read", "ssf.manage", "redistribute", "contact", "report")


class Standing(StrEnum):
    """Whether a client may act: held ones wait for an operator, suspended ones are stopped at once."""

    ACTIVE = "active"
    HELD = "held"
    SUSPENDED = "suspended"


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a client registered with: RFC 7591's names, and ours for the use case."""

    client_name: str
    client_uri: str
    redirect_uris: tuple[str, ...]
    jwks: Mapping[str, Any]
    contacts: tuple[str, ...]
    policy_uri: str | None
    tos_uri: str | None
    scopes: tuple[str, ...]
    owner: str
    environment: str
    use_case: str
    purposes: tuple[str, ...]
    platforms: tuple[str, ...]
    brands: tuple[str, ...]
    agreements: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Client:
    """A registered client and its standing."""

    client_id: str
    registration: Registration
    standing: Standing
    registered_at: datetime
    standing_why: str | None = None

    @property
    def active(self) -> bool:
        """Whether its tokens and requests count."""
        return self.standing is Standing.ACTIVE

"""A client: the business that asks, as it was registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from broker.core.action import USUAL
from broker.core.names import fold_name
from broker.core.purposes import known_family

#: What a client's tokens may be good for, in the order they are listed.
SCOPES = ("match", "consent", "ssf.read", "ssf.manage", "redistribute", "contact", "report")

#: Instances of one service. Each has data of its own; only prod meets prod's.
ENVIRONMENTS = ("dev", "staging", "prod")
#: What a client, and a recipient of platform content, has agreed to, each with a date.
AGREEMENTS = ("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy")


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
    narrower: Mapping[str, str] = field(default_factory=dict)
    #: Postal, as receipts name it.
    address: str | None = None
    #: How long it may take to answer the end of a consent: an ISO 8601 duration.
    action_within: str = USUAL


@dataclass(frozen=True, kw_only=True)
class Client:
    """A registered client and its standing."""

    client_id: str
    registration: Registration
    standing: Standing
    registered_at: datetime
    standing_why: str | None = None
    standing_number: int = 1

    @property
    def active(self) -> bool:
        """Whether its tokens and requests count."""
        return self.standing is Standing.ACTIVE


def claims_of(registration: Registration) -> list[str]:
    """What an application takes of its owner's use cases, on each platform: its words, and each of its purposes."""
    words = sha256(fold_name(registration.use_case).encode()).hexdigest()
    families = {name for purpose in registration.purposes for name in known_family(purpose, registration.narrower)}
    taken = [f"words:{words}", *sorted(families)]
    # In one order, whoever claims: two who claim the same at once must not wait for each other.
    return [f"{platform} {what}" for platform in sorted(registration.platforms) for what in taken]

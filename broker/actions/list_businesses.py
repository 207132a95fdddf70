"""Every business that has to do with a person's account, and where the person stands to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.actions.broker import Broker
from broker.core.caution import EVERYONE
from broker.core.client import Client
from broker.core.consent import ConsentStatus
from broker.store.businesses import Claim, claims_on, known_to
from broker.store.clients import find_client
from broker.store.consents import list_consents
from broker.store.grounds import has_said_no
from broker.store.objections import list_objections
from broker.store.people import Person
from broker.store.questions import last_asked
from broker.store.signals import Signal, find_signal
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class BusinessView:
    """One business as the person sees it; ``claims`` are what it rests on without consent, and may be beaten."""

    client_id: str
    client: Client | None
    claims: tuple[Claim, ...]
    asked_at: datetime | None
    objected_at: datetime | None
    allowed: bool
    said_no: bool

    @property
    def business(self) -> str:
        """Its name."""
        return self.client.registration.client_name if self.client else self.client_id

    @property
    def narrower(self) -> Mapping[str, str]:
        """Its own purposes, and the one of the vocabulary that each stands under."""
        return self.client.registration.narrower if self.client else {}


@dataclass(frozen=True, kw_only=True)
class Businesses:
    """All of them by name, and since when the person objects to every one there is; what their browser signals."""

    views: tuple[BusinessView, ...]
    objected_at: datetime | None
    signal: Signal | None

    def named(self, client_id: str | None) -> BusinessView | None:
        """The business of that id, if it is one of these."""
        return next((view for view in self.views if view.client_id == client_id), None)


def list_businesses(tx: Transaction, broker: Broker, person: Person) -> Businesses:
    """Return every business with a consent, a refusal, a claim or a decision, and those the person objects to."""
    objections, claims = list_objections(tx, person.key), claims_on(tx, person.key)
    asked, now = last_asked(tx, person.key), broker.now()
    allowed = {
        record.client_id for record in list_consents(tx, person.key) if record.status_at(now) is ConsentStatus.GIVEN
    }
    named = known_to(tx, person.key) | {claim.client_id for claim in claims} | asked.keys()
    views = [
        BusinessView(
            client_id=client_id,
            client=find_client(tx, client_id),
            claims=tuple(claim for claim in claims if claim.client_id == client_id),
            asked_at=asked.get(client_id),
            objected_at=objections.get(client_id),
            allowed=client_id in allowed,
            said_no=has_said_no(tx, person.key, client_id),
        )
        for client_id in named - {EVERYONE}
    ]
    views.sort(key=lambda view: (view.business.casefold(), view.client_id))
    signal = find_signal(tx, person.key)
    return Businesses(views=tuple(views), objected_at=objections.get(EVERYONE), signal=signal)

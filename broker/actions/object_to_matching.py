"""A person objects to being matched: to everyone, or to one client; and may take the objection back.

An objection beats what a person gave and what is public, from its commit on. Consent that the person gives is theirs to
give all the same, and that client's alone.
"""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.core.caution import EVERYONE
from broker.errors import NotFound
from broker.store.clients import find_client
from broker.store.objections import lift_objection, object_to
from broker.store.people import Person
from broker.store.transaction import Transaction

BY_PAGE = "page:consents"


def object_to_matching(tx: Transaction, broker: Broker, person: Person, *, client_id: str = EVERYONE) -> None:
    """Record the objection. Objecting twice is no error."""
    _require_business(tx, client_id)
    object_to(tx, person.key, client_id, why=BY_PAGE, now=broker.now())


def take_objection_back(tx: Transaction, person: Person, *, client_id: str = EVERYONE) -> None:
    """End the objection; what it beat counts again, unless the other objection, to all or to one, beats it still."""
    _require_business(tx, client_id)
    lift_objection(tx, person.key, client_id)


def _require_business(tx: Transaction, client_id: str) -> None:
    if client_id != EVERYONE and find_client(tx, client_id) is None:
        raise NotFound("there is no business of that id")

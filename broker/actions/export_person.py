"""Everything that is kept about a person, for themselves: their answers, who asked about them, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_evidence
from broker.actions.list_businesses import Businesses, list_businesses
from broker.actions.list_consents import Answers, list_answers
from broker.actions.read_grant import sd_jwt_text
from broker.proof.bundle import Bundle
from broker.store.businesses import Told, decisions_about
from broker.store.database import Transaction
from broker.store.people import Person
from broker.store.receipts import list_receipts


@dataclass(frozen=True, kw_only=True)
class Everything:
    """What a person takes home."""

    person: Person
    answers: Answers
    businesses: Businesses
    decisions: tuple[Told, ...]
    receipts: tuple[Bundle, ...]


def export_person(tx: Transaction, broker: Broker, person: Person) -> Everything:
    """Gather it, as it stands in one transaction; the latest of each first."""
    receipts = list_receipts(tx, person.key, store=broker.sealer, person=person.sealer)
    return Everything(
        person=person,
        answers=list_answers(tx, broker, person),
        businesses=list_businesses(tx, broker, person),
        decisions=tuple(decisions_about(tx, person.key)),
        receipts=tuple(bundle_evidence(tx, broker, sd_jwt_text(receipt)) for receipt in receipts),
    )

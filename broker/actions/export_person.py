"""Everything that is kept about a person, for themselves: their answers, who asked about them, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_evidence
from broker.actions.list_businesses import Businesses, list_businesses
from broker.actions.list_confirmations import Confirmations, list_confirmations
from broker.actions.list_consents import Answers, list_answers
from broker.actions.list_questions import Questions, list_questions
from broker.actions.look_at_account import LastLook, look_at_account
from broker.actions.read_grant import sd_jwt_text
from broker.actions.record_action import bundle_action
from broker.proof.bundle import Bundle
from broker.store.people import Person
from broker.store.receipts import list_receipts
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Everything:
    """What a person takes home."""

    person: Person
    look: LastLook
    answers: Answers
    businesses: Businesses
    questions: Questions
    receipts: tuple[Bundle, ...]
    confirmations: Confirmations
    #: The receipts of what businesses confirmed, by their ids.
    actions: Mapping[str, Bundle]


def export_person(tx: Transaction, broker: Broker, person: Person) -> Everything:
    """Gather it, as it stands in one transaction; the latest of each first."""
    confirmations = list_confirmations(tx, broker, person.key)
    said = [action for it in confirmations.by_grant.values() for action in it.statements]
    receipts = list_receipts(tx, person.key, store=broker.sealer, person=person.sealer)
    return Everything(
        person=person,
        look=look_at_account(tx, person),
        answers=list_answers(tx, broker, person),
        businesses=list_businesses(tx, broker, person),
        questions=list_questions(tx, person),
        receipts=tuple(bundle_evidence(tx, broker, sd_jwt_text(receipt)) for receipt in receipts),
        confirmations=confirmations,
        actions={action.action_id: bundle_action(tx, broker, action) for action in said},
    )

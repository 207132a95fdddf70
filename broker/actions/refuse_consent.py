"""A person said no: a receipt for them, a digest of the pair, and nothing the client could learn."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.actions.issue_receipt import issue_receipt
from broker.actions.record_consent import Answered, Choice, asked_of, draft_answer, known_person
from broker.core.client import Client
from broker.core.consent import ConsentStatus
from broker.proof.receipt import ACCOUNT, Event
from broker.store.consents import save_refusal
from broker.store.routes import RECEIPT, add_route
from broker.store.transaction import Transaction


def refuse_consent(tx: Transaction, broker: Broker, client: Client, choice: Choice) -> str:
    """Record the refusal; return its receipt's id.

    The identifier and the words that show it are signed over as digests but not kept: a refused pair must not be
    found in the store.
    """
    request = asked_of(choice.proved)
    person = known_person(tx, broker, choice.proved)
    now, receipt_id = broker.now(), broker.new_id()
    event = Event(
        status=ConsentStatus.REFUSED,
        time=now,
        by="person",
        method="button:refuse",
        valid_until=choice.proved.valid_until or now,
        txn=choice.proved.link_id,
        gpc=choice.gpc,
    )
    draft = draft_answer(
        tx,
        broker,
        Answered(client, person, choice, request.purposes),
        event,
        ids=(receipt_id, broker.new_id()),
        withdrawal_uri=broker.url("/consents"),
        kept=frozenset({ACCOUNT}),
    )
    issue_receipt(tx, broker, draft)
    identifier = broker.blinder.identifier(client.client_id, request.identifier)
    pair = broker.blinder.pair(client.client_id, person.key, identifier)
    save_refusal(tx, person.key, pair, receipt_id=receipt_id, now=now)
    add_route(tx, RECEIPT, receipt_id, account=person.key, target="")
    return receipt_id

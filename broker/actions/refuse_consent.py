"""A person said no: a receipt for them, a digest of the pair, and nothing the client could learn."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.actions.issue_receipt import Draft, account_disclosure, identifier_disclosure, issue_receipt
from broker.actions.record_consent import Choice, asked_of, identifier_value, keep_notice, known_person
from broker.core.client import Client
from broker.core.consent import ConsentStatus
from broker.proof.receipt import ACCOUNT, WORDS, Event
from broker.proof.sdjwt import SALT_SIZE, disclose
from broker.store.consents import save_refusal
from broker.store.database import Transaction
from broker.store.routes import RECEIPT, add_route


def refuse_consent(tx: Transaction, broker: Broker, client: Client, choice: Choice) -> str:
    """Record the refusal; return its receipt's id.

    The identifier and the words that show it are signed over as digests but not kept: a refused pair must not be
    found in the store.
    """
    request = asked_of(choice.proved)
    person = known_person(tx, broker, choice.proved)
    now, receipt_id = broker.now(), broker.new_id()
    words = disclose(WORDS, choice.notice.words(), salt=broker.random(SALT_SIZE))
    issue_receipt(
        tx,
        broker,
        Draft(
            receipt_id=receipt_id,
            grant_id=broker.new_id(),
            replaces=None,
            client=client,
            person=person,
            platform=request.platform,
            purposes=request.purposes,
            notice=keep_notice(tx, broker, choice, words),
            event=Event(
                status=ConsentStatus.REFUSED,
                time=now,
                by="person",
                method="button:refuse",
                valid_until=choice.proved.valid_until or now,
                gpc=choice.gpc,
            ),
            withdrawal_uri=broker.url("/consents"),
            disclosures=[
                account_disclosure(broker, person),
                identifier_disclosure(broker, identifier_value(request.identifier)),
                words,
            ],
            kept=frozenset({ACCOUNT}),
            brand=request.brand,
        ),
    )
    identifier = broker.blinder.identifier(client.client_id, request.identifier)
    pair = broker.blinder.pair(client.client_id, person.key, identifier)
    save_refusal(tx, person.key, pair, receipt_id=receipt_id, now=now)
    add_route(tx, RECEIPT, receipt_id, account=person.key, target="")
    return receipt_id

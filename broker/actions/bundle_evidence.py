"""A receipt or a statement with its proof, as the file that its holder keeps and anybody can check."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.actions.prove_leaf import prove_leaf
from broker.actions.read_grant import sd_jwt_text
from broker.actions.state_provenance import read_statement
from broker.core.blinding import DIGEST_SIZE
from broker.core.consent import ConsentStatus
from broker.core.match import Ground
from broker.errors import NotFound
from broker.proof.bundle import Bundle
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import parse
from broker.store.people import find_person
from broker.store.receipts import find_receipt
from broker.store.routes import RECEIPT, find_route
from broker.store.transaction import Transaction

_NOBODY = bytes(DIGEST_SIZE)


def bundle_evidence(tx: Transaction, broker: Broker, evidence: str) -> Bundle:
    """The bundle of one SD-JWT; without a proof in the few seconds before its leaf is in a checkpoint."""
    return Bundle(
        evidence=evidence,
        proof=prove_leaf(tx, leaf_data(parse(evidence).jwt)),
        jwks=broker.keys.jwks(),
        vkeys=broker.log.vkeys,
    )


def bundle_statement(tx: Transaction, broker: Broker, ground: Ground) -> Bundle:
    """The bundle of the statement that an association rests on."""
    statement = read_statement(tx, broker, ground.account, ground.statement_id)
    if statement is None:
        raise NotFound("this association has no statement")
    return bundle_evidence(tx, broker, statement)


def bundle_for_client(
    tx: Transaction, broker: Broker, *, client_id: str, receipt_id: str, grant_id: str | None = None
) -> Bundle:
    """The bundle of a receipt of the client's own; of one grant's alone when *grant_id* is given.

    A refusal's receipt is the person's alone. That, another client's, and one that is nobody's read alike, from the
    same statements.
    """
    route = find_route(tx, RECEIPT, receipt_id)
    account = route.account if route else _NOBODY
    person = find_person(tx, broker.sealer, account)
    # Nobody's receipts are looked for too: those of whoever was erased are kept without anything to open.
    sealer = person.sealer if person else broker.sealer
    found = find_receipt(tx, account, receipt_id, store=broker.sealer, person=sealer)
    if not found or found.client_id != client_id or found.status is ConsentStatus.REFUSED:
        raise NotFound("this client holds no receipt of that id")
    if grant_id not in (None, found.grant_id):
        raise NotFound("this client holds no receipt of that id")
    return bundle_evidence(tx, broker, sd_jwt_text(found))

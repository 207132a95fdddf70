"""Associations without consent: ``POST``, ``GET`` and ``DELETE /v1/associations``. A refusal names its clause."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from broker.actions.bundle_evidence import bundle_statement
from broker.actions.decide_match import answer_offer
from broker.actions.hold_association import find_association, give_up_association
from broker.actions.state_provenance import read_statement
from broker.core.client import Client
from broker.core.match import Ground
from broker.errors import PolicyRefused
from broker.oauth.context import current_broker
from broker.proof.bundle import MEDIA_TYPE
from broker.store.transaction import Transaction
from broker.web.api import called, called_to_read
from broker.web.idempotency import Reply, answer_once
from broker.web.problems import problem_body
from broker.web.reading import read_body
from broker.web.receipts import bundle_answer
from broker.web.tag_wire import AssociationWire

blueprint = Blueprint("associations", __name__, url_prefix="/v1/associations")


@blueprint.post("")
def offer() -> Response:
    """Offer an association. A refusal is remembered, so it commits like an acceptance."""
    with called(scope="match", items=1) as (tx, caller):
        client = caller.client
        return answer_once(tx, client, lambda: _offered(tx, client))


@blueprint.get("/<association_id>")
def read(association_id: str) -> Response:
    """An association of the client's own; to who asks for a bundle, its statement with the proof."""
    with called_to_read(scope="match") as (tx, caller):
        client = caller.client
        ground = find_association(tx, client, association_id)
        if request.accept_mimetypes.best_match(("application/json", MEDIA_TYPE)) == MEDIA_TYPE:
            return bundle_answer(bundle_statement(tx, current_broker(), ground))
        return jsonify(_body(tx, ground))


@blueprint.delete("/<association_id>")
def give_up(association_id: str) -> Response:
    """The client gives it up; its statement stays what it was."""
    with called(scope="match") as (tx, caller):
        give_up_association(tx, caller.client, association_id)
    return Response(status=204)


def _offered(tx: Transaction, client: Client) -> Reply:
    broker = current_broker()
    question = read_body(request, AssociationWire).to_core(broker)
    outcome = answer_offer(tx, broker, client, question)
    ground = outcome.ground
    if ground is None:
        refusal = PolicyRefused("the terms do not accept this tag as a ground", clauses=outcome.ruling.clauses)
        return Reply(status=refusal.status, body=problem_body(refusal), account=outcome.account)
    return Reply(status=201, body=_body(tx, ground), account=ground.account, statement_id=ground.statement_id)


def _body(tx: Transaction, ground: Ground) -> dict[str, object]:
    return {
        "id": ground.association_id,
        "basis": ground.basis,
        "expected_purposes": list(ground.expected_purposes),
        "statement": read_statement(tx, current_broker(), ground.account, ground.statement_id),
    }

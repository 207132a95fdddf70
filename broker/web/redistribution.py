"""Passing content on: ``POST /v1/recipients`` and ``/v1/redistributions``. A refusal is a 409 with its clause."""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.redistribute import add_recipient, hand_over
from broker.core.client import Client
from broker.oauth.context import current_broker
from broker.proof.receipt import timestamp
from broker.store.transaction import Transaction
from broker.web.api import called
from broker.web.idempotency import Reply, answer_once
from broker.web.reading import read_body
from broker.web.terms_wire import RecipientWire, RedistributionWire

blueprint = Blueprint("redistribution", __name__, url_prefix="/v1")


@blueprint.post("/recipients")
def recipients() -> Response:
    """Record a recipient with its dated agreements."""
    with called(scope="redistribute") as (tx, caller):
        client = caller.client
        return answer_once(tx, client, lambda: _added(tx, client))


@blueprint.post("/redistributions")
def redistributions() -> Response:
    """Count ids that are handed over. Whole objects are handed over by a person, at a terminal."""
    with called(scope="redistribute") as (tx, caller):
        client = caller.client
        return answer_once(tx, client, lambda: _handed(tx, client))


def _added(tx: Transaction, client: Client) -> Reply:
    broker = current_broker()
    recipient = read_body(request, RecipientWire).to_core(broker, client)
    recipient_id = add_recipient(tx, broker, client, recipient)
    body = {"id": recipient_id, "name": recipient.name, "agreements": dict(recipient.agreements)}
    return Reply(status=201, body=body)


def _handed(tx: Transaction, client: Client) -> Reply:
    handed = hand_over(tx, current_broker(), client, read_body(request, RedistributionWire).to_core())
    body = {
        "id": handed.redistribution_id,
        "remaining": handed.remaining,
        "window_ends": timestamp(handed.window_ends),
    }
    return Reply(status=201, body=body)

"""The contact gate: ``POST /v1/contact/check``. The answer has the shape of a decision; a "no" is 200."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from broker.actions.check_contact import check_contact
from broker.oauth.context import current_broker
from broker.web.api import called
from broker.web.budgets import missed
from broker.web.reading import read_body
from broker.web.terms_wire import ContactWire
from broker.web.wire import DecisionWire, dump

blueprint = Blueprint("contact", __name__, url_prefix="/v1/contact")


@blueprint.post("/check")
def check() -> Response:
    """Whether an automated message may go to this account now."""
    broker = current_broker()
    with called(scope="contact", items=1) as (tx, caller):
        client = caller.client
        wire = read_body(request, ContactWire)
        answer = check_contact(tx, broker, client, wire.to_core(broker), wire.fingerprint())
        missed(answer.missed)
    return jsonify(dump(DecisionWire.from_core(answer)))

"""Face 2, the match API: one question, one decision. A "no" is 200."""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.decide_match import decide_match
from broker.oauth.context import current_broker
from broker.proof.receipt import timestamp
from broker.store.pairs import names_of
from broker.web.api import called
from broker.web.batch_text import answer_parts, answer_text
from broker.web.budgets import missed
from broker.web.reading import read_body
from broker.web.tag_wire import MatchWire

blueprint = Blueprint("match", __name__, url_prefix="/v1")


@blueprint.post("/match")
def match() -> Response:
    """``POST /v1/match``."""
    broker = current_broker()
    with called(scope="match", items=1) as (tx, caller):
        client = caller.client
        question = read_body(request, MatchWire).to_core(broker)
        answer = decide_match(tx, broker, client, question)
        missed(answer.missed)
    said = answer_parts(answer.decision), answer.decision_id, timestamp(answer.decided_at), names_of(answer.decision)
    return Response(answer_text(*said), mimetype="application/json")

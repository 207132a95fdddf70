"""Face 2, the match API: one question, one decision. A "no" is 200."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from broker.actions.decide_match import decide_match
from broker.oauth.context import current_broker
from broker.web.api import called
from broker.web.reading import read_body
from broker.web.tag_wire import MatchWire
from broker.web.wire import DecisionWire, dump

blueprint = Blueprint("match", __name__, url_prefix="/v1")


@blueprint.post("/match")
def match() -> Response:
    """``POST /v1/match``."""
    broker = current_broker()
    with called(scope="match") as (tx, caller):
        client = caller.client
        question = read_body(request, MatchWire).to_core(broker)
        answer = decide_match(tx, broker, client, question)
    return jsonify(dump(DecisionWire.from_core(answer)))

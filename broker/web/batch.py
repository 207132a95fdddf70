"""Face 2 in bulk: ``POST /v1/match/batch``, as one JSON object of one moment or as lines without an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask import Blueprint, Response, request, stream_with_context

from broker import watching
from broker.actions.broker import Broker
from broker.actions.decide_matches import decide_columns, decide_matches
from broker.actions.sort_questions import Questions
from broker.core.client import Client
from broker.errors import BrokerError
from broker.oauth.context import current_broker
from broker.proof.receipt import timestamp
from broker.spans import span
from broker.store.transaction import Transaction
from broker.web.api import called, called_to_read, check_token
from broker.web.batch_columns import Asked
from broker.web.batch_reading import read_batch, read_items, read_lines
from broker.web.batch_text import answer_texts, error_text
from broker.web.batch_wire import MOST, BatchWire
from broker.web.budgets import missed
from broker.web.problems import problem_body
from broker.web.reading import NDJSON, check_json, read_body
from broker.web.spool import KEY_SIZE, Spool, spooled

#: Lines that are answered at one moment: few enough that whoever waits behind them hardly notices.
CHUNK = MOST
blueprint = Blueprint("batch", __name__, url_prefix="/v1/match")


@blueprint.post("/batch")
def batch() -> Response:
    """Up to 5,000 questions of one moment; or, as lines, any number."""
    if request.mimetype == NDJSON:
        return _lines()
    check_token()
    broker = current_broker()
    try:
        asked = _read(broker)
    except BrokerError:
        with called_to_read(scope="match"):
            raise  # it was a request all the same; and who may not ask is told that
    watching.count_items("batch", len(asked))
    with called(scope="match", items=len(asked)) as (tx, caller):
        as_of, results = _answered(tx, broker, caller.client, asked)
    body = f'{{"as_of":"{as_of}","results":[{",".join(results)}]}}'
    return Response(body, mimetype="application/json")


def _read(broker: Broker) -> Asked:
    check_json(request)
    asked = read_batch(broker, request.get_data(), most=MOST)
    if asked is None:
        body = read_body(request, BatchWire)
        asked = read_items(broker, body.items, body.purpose)
    return asked


def _lines() -> Response:
    """All is read before the first line is answered: who writes everything before it reads is not kept waiting."""
    with called_to_read(scope="match"):
        pass  # who may not ask is told so before their body is read
    spool = spooled(request.stream, key=current_broker().random(KEY_SIZE))
    return Response(stream_with_context(_answered_lines(spool)), mimetype=NDJSON)


def _answered_lines(spool: Spool) -> Iterator[str]:
    """A line for a line, in order. What was answered is on record before it is sent."""
    broker = current_broker()
    with spool:
        for lines in spool.chunks(CHUNK):
            asked = read_lines(broker, lines)
            yield "\n".join([*_answered_chunk(broker, asked), ""])


def _answered_chunk(broker: Broker, asked: Asked) -> Iterable[str]:
    watching.count_items("lines", len(asked))
    try:
        with span("chunk", {"broker.items": len(asked)}), called(scope="match", items=len(asked)) as (tx, caller):
            return _answered(tx, broker, caller.client, asked)[1]
    except BrokerError as error:
        # The status has long been sent: each line is told, and none of them was answered.
        return [error_text(problem_body(error))] * len(asked)


def _answered(tx: Transaction, broker: Broker, client: Client, asked: Asked) -> tuple[str, Sequence[str]]:
    if not asked.questions:
        return timestamp(broker.now()), _with_errors([], asked)
    answers = (
        decide_columns(tx, broker, client, asked.questions)
        if isinstance(asked.questions, Questions)
        else decide_matches(tx, broker, client, asked.questions)
    )
    missed(answers.misses)
    return timestamp(answers.decided_at), _with_errors(answer_texts(answers), asked)


def _with_errors(texts: Sequence[str], asked: Asked) -> Sequence[str]:
    if not asked.errors:
        return texts
    rest, errors = iter(texts), {place: error_text(problem_body(error)) for place, error in asked.errors.items()}
    return [errors[place] if place in errors else next(rest) for place in range(len(asked))]

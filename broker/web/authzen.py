"""Face 2 as AuthZEN Authorization API 1.0 speaks: the same decision as ``POST /v1/match``, recorded like it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from flask import Blueprint, Response, current_app, g, jsonify, request

from broker.actions.broker import Broker
from broker.actions.decide_in_order import decide_in_order
from broker.actions.decide_match import Answer
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.errors import BrokerError
from broker.oauth.context import current_broker
from broker.store.transaction import Transaction
from broker.web.api import called
from broker.web.authzen_names import Names
from broker.web.authzen_wire import (
    STOPS,
    EvaluationAnswer,
    EvaluationsAnswer,
    EvaluationsWire,
    EvaluationWire,
    FailureWire,
)
from broker.web.budgets import missed, take
from broker.web.problems import problem_body
from broker.web.reading import read_body
from broker.web.wire import DecisionWire, Problem, dump

blueprint = Blueprint("authzen", __name__, url_prefix="/access/v1")


@blueprint.post("/evaluation")
def evaluation() -> Response:
    """Section 6."""
    with called(scope="match", items=1) as (tx, caller):
        client = caller.client
        (answer,) = _decided(tx, client, [read_body(request, EvaluationWire)])
    return jsonify(dump(answer))


@blueprint.post("/evaluations")
def evaluations() -> Response:
    """Section 7: several in one transaction; without a list it is a single one."""
    with called(scope="match") as (tx, caller):
        client = caller.client
        asked = read_body(request, EvaluationsWire)
        take(client.client_id, items=len(asked.evaluations) or 1)
        if not asked.evaluations:
            return jsonify(dump(_decided(tx, client, [asked.one()])[0]))
        answers = _decided(tx, client, asked.each(), stop_at=STOPS[asked.options.evaluations_semantic])
    return jsonify(dump(EvaluationsAnswer(evaluations=answers)))


def current_names() -> Names:
    """How this application calls accounts, records and purposes."""
    names: Names = current_app.extensions["authzen_names"]
    return names


def read_question(broker: Broker, asked: EvaluationWire | BrokerError) -> Question | BrokerError:
    """The question, or why there is none: what cannot be read, and what the terms let nobody ask."""
    if isinstance(asked, BrokerError):
        return asked
    try:
        return current_names().question(broker, asked)
    except BrokerError as error:
        return error


def failure(error: BrokerError) -> FailureWire:
    """A failure within an answer; what the terms refused is counted as it would be outside of one."""
    g.ruled_by = (*g.get("ruled_by", ()), *error.clauses)
    return FailureWire(error=Problem.model_validate(problem_body(error)))


def _decided(
    tx: Transaction, client: Client, asked: Sequence[EvaluationWire | BrokerError], *, stop_at: bool | None = None
) -> list[EvaluationAnswer]:
    """Answer in order, up to the first answer that is *stop_at*; what could not be read is a denial."""
    broker = current_broker()
    read = [read_question(broker, entry) for entry in asked]
    # Where a denial ends everything, nothing behind what cannot be read is asked: the person would see a question.
    reached = takewhile(lambda entry: isinstance(entry, Question), read) if stop_at is False else read
    questions = [entry for entry in reached if isinstance(entry, Question)]
    decided = decide_in_order(tx, broker, client, questions, stop_at=stop_at)
    missed(sum(answer.missed for answer in decided))
    given = iter(decided)
    answers: list[EvaluationAnswer] = []
    for entry in read:
        answers.append(_answer(entry if isinstance(entry, BrokerError) else next(given)))
        if answers[-1].decision is stop_at:
            break
    return answers


def _answer(found: Answer | BrokerError) -> EvaluationAnswer:
    if isinstance(found, BrokerError):
        return EvaluationAnswer(decision=False, context=failure(found))
    wire = DecisionWire.from_core(found)
    return EvaluationAnswer(decision=wire.decision, context=wire.context)

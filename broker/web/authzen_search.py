"""The searches of AuthZEN 1.0 (section 8): what an evaluation would permit, and nothing else.

The candidates are the client's own links, and for actions the purposes that it declared. Each is put to the terms as a
match and recorded as one, since the client learns what is answered; those that are permitted are the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from broker.actions.decide_in_order import decide_in_order
from broker.actions.find_links import Links, find_accounts, find_identifiers
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.errors import BrokerError, Forbidden
from broker.oauth.context import current_broker
from broker.store.transaction import Transaction
from broker.web.api import called
from broker.web.authzen import current_names, failure, read_question
from broker.web.authzen_pages import Pages, pages_of
from broker.web.authzen_wire import (
    ActionSearchWire,
    EntityWire,
    EvaluationWire,
    FailureWire,
    FoundAction,
    FoundEntity,
    PageAnswer,
    ResourceSearchWire,
    Search,
    SearchAnswer,
    SubjectSearchWire,
)
from broker.web.budgets import missed, take
from broker.web.reading import read_body
from broker.web.wire import dump

blueprint = Blueprint("authzen_search", __name__, url_prefix="/access/v1/search")
Found = FoundEntity | FoundAction
_WIDTH = 4


@dataclass(frozen=True)
class Candidates:
    """What may be found, each with the evaluation that decides it, and the token of the next page."""

    pairs: Sequence[tuple[Found, EvaluationWire]]
    token: str


@blueprint.post("/subject")
def subject() -> Response:
    """Section 8.4: the accounts that may be tied to a record."""
    return _searched(SubjectSearchWire, _subjects)


@blueprint.post("/resource")
def resource() -> Response:
    """Section 8.5: the records that may be tied to an account."""
    return _searched(ResourceSearchWire, _resources)


@blueprint.post("/action")
def action() -> Response:
    """Section 8.6: the purposes for which a pair may be tied."""
    return _searched(ActionSearchWire, _actions)


def _searched(model: type[Search], look: Callable[[Transaction, Client, Search, Pages], Candidates]) -> Response:
    """One page. What cannot be read names nobody, so that the result is empty (section 8), and the context says why."""
    broker = current_broker()
    with called(scope="match") as (tx, holder):
        if holder.token.grant_id is not None:
            raise Forbidden("a token behind one grant opens that grant alone; search with one of the client's own")
        search = read_body(request, model)
        pages = pages_of(broker, holder.client, search)
        try:
            candidates = look(tx, holder.client, search, pages)
        except BrokerError as error:
            if error.status >= 500:  # noqa: PLR2004 - HTTP's own number
                raise
            return _page([], "", why=failure(error))
        return _page(_permitted(tx, holder.client, candidates), candidates.token)


def _permitted(tx: Transaction, client: Client, candidates: Candidates) -> list[Found]:
    broker = current_broker()
    read = [(found, read_question(broker, asked)) for found, asked in candidates.pairs]
    # A tag is offered with an evaluation; here it would be offered for everybody who is found.
    asked = [(found, entry._replace(provenance=None)) for found, entry in read if isinstance(entry, Question)]
    take(client.client_id, items=len(asked))
    answers = decide_in_order(tx, broker, client, [question for _, question in asked])
    missed(sum(answer.missed for answer in answers))
    return [found for (found, _), answer in zip(asked, answers, strict=True) if answer.decision.permitted]


def _subjects(tx: Transaction, client: Client, search: SubjectSearchWire, pages: Pages) -> Candidates:
    broker, names = current_broker(), current_names()
    names.purpose(search.action)
    record = names.record(search.resource)
    links = find_accounts(tx, broker, client, record, after=pages.after, limit=pages.limit)
    found = [entity for entity in map(names.subject, links.ends) if entity.type == search.subject.type]
    evaluations = [EvaluationWire(subject=one, action=search.action, resource=search.resource) for one in found]
    return Candidates([(_entity(asked.subject), asked) for asked in evaluations], _next(links, pages))


def _resources(tx: Transaction, client: Client, search: ResourceSearchWire, pages: Pages) -> Candidates:
    broker, names = current_broker(), current_names()
    names.purpose(search.action)
    account = names.account(broker, search.subject)
    links = find_identifiers(tx, broker, client, account, after=pages.after, limit=pages.limit)
    found = [entity for entity in map(names.resource, links.ends) if entity.type == search.resource.type]
    evaluations = [EvaluationWire(subject=search.subject, action=search.action, resource=one) for one in found]
    return Candidates([(_entity(asked.resource), asked) for asked in evaluations], _next(links, pages))


def _actions(_tx: Transaction, client: Client, search: ActionSearchWire, pages: Pages) -> Candidates:
    names = current_names()
    names.account(current_broker(), search.subject)
    names.record(search.resource)
    begin = int.from_bytes(pages.after)
    every = names.actions(client)
    evaluations = [
        EvaluationWire(subject=search.subject, action=one, resource=search.resource)
        for one in every[begin : begin + pages.limit]
    ]
    end = begin + len(evaluations)
    token = pages.token(end.to_bytes(_WIDTH)) if end < len(every) else ""
    found = [FoundAction(name=asked.action.name, properties=asked.action.properties or None) for asked in evaluations]
    return Candidates(list(zip(found, evaluations, strict=True)), token)


def _entity(entity: EntityWire) -> FoundEntity:
    return FoundEntity(type=entity.type, id=entity.id)


def _next(links: Links[Any], pages: Pages) -> str:
    return pages.token(links.last) if links.more else ""


def _page(found: Sequence[Found], token: str, *, why: FailureWire | None = None) -> Response:
    answer = SearchAnswer(page=PageAnswer(next_token=token, count=len(found)), context=why, results=list(found))
    return jsonify(dump(answer))

"""Face 3, what lies behind: who asked about me and what they were told, and everything that has ended, page by page."""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.list_businesses import list_businesses
from broker.actions.list_confirmations import list_confirmations
from broker.actions.list_consents import list_answers
from broker.actions.list_questions import list_questions
from broker.core.names import is_id
from broker.errors import MalformedRequest, Unauthorized
from broker.oauth.context import current_broker
from broker.web.pages import render, see_other
from broker.web.places import PAGE, read_place, write_place
from broker.web.security import form_token, person_session, query
from broker.web.visiting import visit

blueprint = Blueprint("history", __name__, url_prefix="/consents")


@blueprint.get("/asked")
def asked() -> Response:
    """Every question about the person, the latest first: by whom, for what, and what they were told."""
    broker, session, wanted = current_broker(), person_session(), query(request)
    before, business = read_place(wanted.get("before")), wanted.get("business") or None
    if business is not None and not is_id(business):
        raise MalformedRequest("there is no business of that id")
    try:
        with visit(filed=True) as (tx, person):
            questions = list_questions(tx, person, client_id=business, before=before, limit=PAGE)
            businesses = [view for view in list_businesses(tx, broker, person).views if view.asked_at]
    except Unauthorized:
        return see_other("/consents")
    return render(
        "asked.html",
        person=person.proven,
        platform=broker.label_of(person.proven.account.platform),
        questions=questions.views,
        more=write_place(questions.more) if questions.more else None,
        later=before is not None,
        businesses=businesses,
        chosen=business,
        kept_since=questions.kept_since,
        csrf=form_token(session or ""),
    )


@blueprint.get("/past")
def past() -> Response:
    """Every consent that has ended and every refusal, the latest first."""
    broker, session = current_broker(), person_session()
    before = read_place(query(request).get("before"))
    try:
        with visit() as (tx, person):
            answers = list_answers(tx, broker, person, past_before=before, live=0, past=PAGE)
            confirmations = list_confirmations(tx, broker, person.key)
    except Unauthorized:
        return see_other("/consents")
    return render(
        "past.html",
        confirmations=confirmations,
        person=person.proven,
        platform=broker.label_of(person.proven.account.platform),
        past=answers.past,
        more=write_place(answers.more_past) if answers.more_past else None,
        later=before is not None,
        csrf=form_token(session or ""),
    )

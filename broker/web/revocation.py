"""Face 3, the person's pages: what have I answered, and taking it back.

Withdrawing is one click from the list, or from the link in a receipt without any sign-in. GET changes nothing, so
that a mail scanner that opens links withdraws nothing. Each page re-reads the store before it says what is.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.lift_signal import heed_signal, lift_signal
from broker.actions.list_businesses import list_businesses
from broker.actions.list_confirmations import list_confirmations
from broker.actions.list_consents import list_answers, open_capability
from broker.actions.look_at_account import look_at_account
from broker.actions.object_to_matching import object_to_matching, take_objection_back
from broker.actions.sign_in import claims_visit, environment_of
from broker.actions.withdraw_consent import withdraw_all, withdraw_by_link, withdraw_consent
from broker.core.blinding import PRODUCTION
from broker.core.caution import EVERYONE
from broker.core.client import ENVIRONMENTS
from broker.errors import MalformedRequest, PlatformFailed, Unauthorized
from broker.oauth.context import current_broker, request_reading, request_transaction
from broker.store.flows import end_session
from broker.web.linking import go_to_platform
from broker.web.news import ALL, news_of
from broker.web.pages import failure_page, render, see_other
from broker.web.places import PAGE, read_place, write_place
from broker.web.security import (
    browser_handle,
    check_form,
    form_token,
    person_session,
    set_browser_handle,
    set_person_session,
    single,
)
from broker.web.visiting import act, knock, visit

blueprint = Blueprint("revocation", __name__, url_prefix="/consents")
#: So many of those that ended or were refused are on the first page; a page of their own has them all.
RECENT = 10


@blueprint.get("")
def overview() -> Response:
    """What the person allows, and the last of what they answered otherwise; or the way to sign in."""
    broker, session = current_broker(), person_session()
    try:
        with visit(filed=True) as (tx, person):
            before = read_place(request.args.get("before"))
            answers = list_answers(tx, broker, person, live_before=before, live=PAGE, past=RECENT)
            businesses = list_businesses(tx, broker, person)
            confirmations, look = list_confirmations(tx, broker, person.key), look_at_account(tx, person)
    except Unauthorized:
        return _sign_in_page()
    return render(
        "consents.html",
        person=person.proven,
        platform=broker.label_of(person.proven.account.platform),
        environment=environment_of(broker, person),
        answers=answers,
        more_live=write_place(answers.more_live) if answers.more_live else None,
        later=before is not None,
        businesses=businesses,
        confirmations=confirmations,
        look=look,
        signalled=sorted(broker.policies.governing(person.proven.account.platform).signalled),
        news=news_of(request.args, answers, businesses),
        csrf=form_token(session or ""),
    )


@blueprint.post("/sign-in")
def sign_in_at() -> Response:
    """Send the person to the platform of their choice."""
    check_form(browser_handle() or "")
    platform = single(request.form.getlist("platform"), "platform")
    if platform not in current_broker().platforms:
        raise MalformedRequest("there is no platform of that name here")
    environment = request.form.get("environment") or PRODUCTION
    if environment not in ENVIRONMENTS:
        raise MalformedRequest("there is no environment of that name here")
    try:
        return go_to_platform(current_broker(), platform, None, environment=environment)
    except PlatformFailed as failure:
        return failure_page(failure, back="/consents")


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forget who is signed in here."""
    session = person_session() or ""
    check_form(session)
    with request_reading() as tx:
        known = claims_visit(tx, session)
    if known:
        with request_transaction() as tx:
            end_session(tx, session)
    answer = see_other("/consents")
    set_person_session(answer, None)
    return answer


@blueprint.post("/not-me")
def not_me() -> Response:
    """Somebody else is signed in on this device: end that, and let the platform ask who this is."""
    session, broker = person_session() or "", current_broker()
    check_form(session)
    with act() as (tx, earlier):
        end_session(tx, session)
    platform, environment = earlier.proven.account.platform, environment_of(broker, earlier)
    try:
        answer = go_to_platform(broker, platform, None, environment=environment, choosing=True)
    except PlatformFailed as failure:
        answer = failure_page(failure, back="/consents")
    set_person_session(answer, None)
    return answer


@blueprint.post("/withdraw")
def withdraw() -> Response:
    """Withdraw one consent of the person who is signed in."""
    session, broker = person_session() or "", current_broker()
    check_form(session)
    grant_id = single(request.form.getlist("grant_id"), "grant_id")
    with act() as (tx, person):
        withdraw_consent(tx, broker, account=person.key, grant_id=grant_id)
    return see_other(f"/consents?ended={grant_id}#news")


@blueprint.post("/withdraw-all")
def withdraw_everything() -> Response:
    """Withdraw every consent of the person who is signed in, in one transaction."""
    session, broker = person_session() or "", current_broker()
    check_form(session)
    with act() as (tx, person):
        withdraw_all(tx, broker, account=person.key)
    return see_other(f"/consents?ended={ALL}#news")


@blueprint.post("/object")
def object_() -> Response:
    """Object to all matching, or to one business's; or take that back."""
    session, broker = person_session() or "", current_broker()
    check_form(session)
    choice = single(request.form.getlist("choice"), "choice")
    client_id = request.form.get("client_id") or EVERYONE
    if choice not in {"object", "allow-again"}:
        raise MalformedRequest("choice must be object or allow-again")
    with act() as (tx, person):
        if choice == "object":
            object_to_matching(tx, broker, person, client_id=client_id)
        else:
            take_objection_back(tx, person, client_id=client_id)
    done = "objected" if choice == "object" else "lifted"
    return see_other(f"/consents?{done}={ALL if client_id == EVERYONE else client_id}#news")


@blueprint.post("/signal")
def signal() -> Response:
    """Lift what the browser signals, or let it count again."""
    session, broker = person_session() or "", current_broker()
    check_form(session)
    choice = single(request.form.getlist("choice"), "choice")
    if choice not in {"lift", "heed"}:
        raise MalformedRequest("choice must be lift or heed")
    with act() as (tx, person):
        if choice == "lift":
            lift_signal(tx, broker, person)
        else:
            heed_signal(tx, person)
    return see_other(f"/consents?signal={choice}#news")


@blueprint.get("/<capability>")
def one(capability: str) -> Response:
    """The one consent that a receipt's link opens. Opening it changes nothing."""
    knock(capability)
    with request_transaction() as tx:
        opened = open_capability(tx, current_broker(), capability)
    return render(
        "one_consent.html",
        consent=opened.consent,
        confirmations=opened.confirmations,
        csrf=form_token(capability),
    )


@blueprint.post("/<capability>")
def withdraw_one(capability: str) -> Response:
    """Withdraw the one consent that a receipt's link opens."""
    check_form(capability)
    knock(capability)
    with request_transaction() as tx:
        withdraw_by_link(tx, current_broker(), capability=capability)
    return see_other(f"/consents/{capability}")


def _sign_in_page() -> Response:
    browser = browser_handle() or current_broker().new_secret()
    environment = request.args.get("environment")
    answer = render(
        "sign_in.html",
        platforms=current_broker().platforms.values(),
        csrf=form_token(browser),
        environment=environment if environment in ENVIRONMENTS else PRODUCTION,
    )
    set_browser_handle(answer, browser)
    return answer

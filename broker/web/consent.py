"""Face 1, the consent page: the notice, nothing ticked, and two buttons of the same weight.

Only a POST here links. GET shows, as often as one likes.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.linking import Proved, leave_proved, open_proved
from broker.actions.record_consent import Choice, asked_of, record_consent
from broker.actions.refuse_consent import refuse_consent
from broker.actions.terms import check_notice
from broker.core.client import Client
from broker.errors import FlowBroken, MalformedRequest, PlatformFailed
from broker.oauth.context import current_broker, current_transaction, request_reading, request_transaction
from broker.oauth.models import GrantUser
from broker.store.clients import find_client
from broker.store.flows import claim_choice, end_session
from broker.store.people import pairwise_name, sealer_of
from broker.web.languages import prefer
from broker.web.linking import go_to_platform
from broker.web.notices import notice_for
from broker.web.oauth import consent_server
from broker.web.pages import failure_page, render
from broker.web.security import browser_handle, check_form, form_token, person_session, set_person_session, single
from broker.web.signals import signalled

blueprint = Blueprint("consent", __name__)


@blueprint.get("/consent/<link_id>")
def show(link_id: str) -> Response:
    """Show the notice."""
    browser = _browser()
    with request_reading() as tx:  # whoever makes a link up begins nothing
        open_proved(tx, current_broker(), link_id, browser=browser)
    with request_transaction():
        proved, client = _opened(link_id, browser)
        return _page(proved, client, browser)


@blueprint.post("/consent/<link_id>")
def choose(link_id: str) -> Response:
    """Take the person's one choice."""
    browser = _browser()
    check_form(browser, *_form(link_id))
    choice = single(request.form.getlist("choice"), "choice")
    ticked = tuple(request.form.getlist("purpose"))
    if choice not in {"allow", "refuse"}:
        raise MalformedRequest("choice must be allow or refuse")
    with request_transaction():
        proved, client = _opened(link_id, browser)
        if choice == "allow" and not ticked:
            return _page(proved, client, browser, status=422)
        return _answer(proved, client, browser, ticked=ticked if choice == "allow" else None)


@blueprint.post("/consent/<link_id>/not-me")
def not_me(link_id: str) -> Response:
    """The account is somebody else's: forget this way and who is signed in, and let the platform ask who this is."""
    browser, session, broker = _browser(), person_session(), current_broker()
    check_form(browser, *_form(link_id))
    with request_transaction() as tx:
        asked = leave_proved(tx, broker, link_id, browser=browser)
        if session is not None:
            end_session(tx, session)
    prefer(asked.locale)
    try:
        answer = go_to_platform(broker, asked.platform, asked, choosing=True)
    except PlatformFailed as failure:
        answer = failure_page(failure, back=consent_server().refusal_url(asked, "temporarily_unavailable"))
    set_person_session(answer, None)
    return answer


def _answer(proved: Proved, client: Client, browser: str, *, ticked: tuple[str, ...] | None) -> Response:
    """Record the choice and send the person back, in one transaction."""
    broker, tx, asked = current_broker(), current_transaction(), asked_of(proved)
    if not claim_choice(tx, proved.link_id, browser=browser, now=broker.now()):
        raise FlowBroken("this request was answered already; what you answered stands under your consents")
    notice, text = notice_for(broker, client, proved)
    gpc = proved.gpc or signalled()
    choice = Choice(proved=proved, notice=notice, text=text, purposes=ticked or (), gpc=gpc)
    if ticked is None:
        refuse_consent(tx, broker, client, choice)
        return consent_server().answer(asked, None)
    record = record_consent(tx, broker, client, choice)
    pairwise = pairwise_name(sealer_of(tx, broker.sealer, record.account), client.client_id)
    return consent_server().answer(
        asked, GrantUser(pairwise=pairwise, account=record.account, grant_id=record.grant_id)
    )


def _opened(link_id: str, browser: str) -> tuple[Proved, Client]:
    broker, tx = current_broker(), current_transaction()
    proved = open_proved(tx, broker, link_id, browser=browser)
    asked = asked_of(proved)
    prefer(asked.locale)
    client = find_client(tx, asked.client_id)
    if client is None or not client.active:
        raise FlowBroken("this business may not ask at the moment; nothing was linked")
    check_notice(broker, client, asked.platform, asked.purposes)
    return proved, client


def _form(link_id: str) -> tuple[str, str]:
    """What the form is about. One that was shown before a meaning changed is not taken: nobody read the new one."""
    return link_id, str(current_broker().policies.meanings)


def _browser() -> str:
    browser = browser_handle()
    if browser is None:
        raise FlowBroken("this request was not begun in this browser; please start again where you came from")
    return browser


def _page(proved: Proved, client: Client, browser: str, *, status: int = 200) -> Response:
    notice, _text = notice_for(current_broker(), client, proved)
    return render(
        "consent.html",
        status=status,
        notice=notice,
        not_me=f"/consent/{proved.link_id}/not-me",
        person=proved.proven,
        platform=current_broker().label_of(proved.proven.account.platform),
        nothing_ticked=status != 200,  # noqa: PLR2004 - HTTP's own number
        csrf=form_token(browser, *_form(proved.link_id)),
    )

"""From the business to the platform and back: the browser's part of linking, up to the notice."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from broker.actions.broker import Broker
from broker.actions.linking import (
    ConsentRequest,
    begin_link,
    claim_callback,
    knock_at_callback,
    new_attempt,
    record_proof,
)
from broker.actions.sign_in import sign_in
from broker.core.blinding import PRODUCTION
from broker.core.identifiers import ProvenAccount
from broker.errors import BrokerError, FlowBroken, HandleMismatch, PlatformFailed
from broker.oauth.context import current_broker, request_reading, request_transaction
from broker.platforms import Attempt
from broker.store.clients import find_client
from broker.store.flows import Link, claim_pushed, drop_link, end_session, is_pushed
from broker.web.languages import prefer
from broker.web.oauth import consent_server
from broker.web.pages import failure_page, see_other
from broker.web.security import browser_handle, person_session, query, set_browser_handle, set_person_session
from broker.web.signals import signalled

blueprint = Blueprint("linking", __name__)


@blueprint.get("/oauth/authorize")
def authorize() -> Response:
    """Take a pushed request, once, and send the person to the platform. Nothing else starts the flow."""
    _get_only()
    parameters = query(request)
    asked = _pushed(parameters.get("client_id"), parameters.get("request_uri"))
    prefer(asked.locale)
    try:
        return go_to_platform(current_broker(), asked.platform, asked)
    except PlatformFailed as failure:
        return _stopped(failure, asked, error="temporarily_unavailable")


@blueprint.get("/link/<platform>/callback")
def callback(platform: str) -> Response:
    """The platform's answer: claimed once, in the browser that began, before anything in it is believed."""
    _get_only()
    broker, parameters = current_broker(), query(request)
    browser, state = browser_handle(), parameters.get("state")
    if browser is None or state is None or platform not in broker.platforms:
        raise FlowBroken("this sign-in was not begun in this browser; please start again where you came from")
    with request_reading() as tx:
        knock_at_callback(tx, broker, platform=platform, state=state, browser=browser)
    with request_transaction() as tx:
        link, attempt = claim_callback(tx, broker, platform=platform, state=state, browser=browser)
    asked = ConsentRequest.from_sealed(link.request) if link.request else None
    prefer(asked.locale if asked else None)
    if "error" in parameters:
        return _declined(asked, link)
    try:
        proven = broker.platforms[platform].prove(attempt, parameters)
        return _proved(link, proven, browser)
    except HandleMismatch as failure:
        return _stopped(failure, asked, link, error="access_denied")
    except (PlatformFailed, FlowBroken) as failure:
        return _stopped(failure, asked, link, error="temporarily_unavailable")


def go_to_platform(
    broker: Broker,
    platform: str,
    asked: ConsentRequest | None,
    *,
    environment: str = PRODUCTION,
    choosing: bool = False,
) -> Response:
    """Begin one attempt in this browser, and send it to the platform; *choosing*, it is to ask who this is."""
    attempt: Attempt = new_attempt(broker, platform, choosing=choosing)
    location = broker.platforms[platform].authorize_url(attempt)
    browser = browser_handle() or broker.new_secret()
    with request_transaction() as tx:
        begin_link(
            tx, broker, platform=platform, attempt=attempt, request=asked, browser=browser, environment=environment
        )
    answer = see_other(location)
    set_browser_handle(answer, browser)
    return answer


def _pushed(client_id: str | None, request_uri: str | None) -> ConsentRequest:
    if not client_id or not request_uri:
        raise FlowBroken("this address opens nothing by itself; please start again where you came from")
    broker = current_broker()
    over = FlowBroken("this request was used already or took too long; please start again where you came from")
    with request_reading() as tx:  # a made-up address must not keep anybody waiting
        if not is_pushed(tx, request_uri, client_id=client_id, now=broker.now()):
            raise over
    with request_transaction() as tx:
        stored = claim_pushed(tx, request_uri, client_id=client_id, now=broker.now(), store=broker.sealer)
        client = find_client(tx, client_id)
    if stored is None or client is None or not client.active:
        raise over
    return ConsentRequest.from_sealed(stored)


def _proved(link: Link, proven: ProvenAccount, browser: str) -> Response:
    broker = current_broker()
    with request_transaction() as tx:
        person = record_proof(tx, broker, link, proven, browser=browser, gpc=signalled())
        if link.request is not None:
            return see_other(f"/consent/{link.link_id}")
        drop_link(tx, link.link_id)
        earlier = person_session()
        if earlier is not None:
            end_session(tx, earlier)
        answer = see_other("/consents")
        set_person_session(answer, sign_in(tx, broker, person))
        return answer


def _declined(asked: ConsentRequest | None, link: Link) -> Response:
    """The person turned back at the platform: nobody is known, so there is nothing to record."""
    _end(link)
    return see_other(consent_server().refusal_url(asked, "access_denied") if asked else "/consents")


def _stopped(failure: BrokerError, asked: ConsentRequest | None, link: Link | None = None, *, error: str) -> Response:
    if link is not None:
        _end(link)
    back = consent_server().refusal_url(asked, error) if asked else "/consents"
    return failure_page(failure, back=back)


def _end(link: Link) -> None:
    """Leave nothing behind of a way that led nowhere."""
    with request_transaction() as tx:
        drop_link(tx, link.link_id)


def _get_only() -> None:
    """A link preview sends HEAD, and a browser may fetch ahead: neither must use up what works once."""
    if request.method != "GET":
        raise MethodNotAllowed(["GET"])
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        raise FlowBroken("please open this address yourself; it works once")

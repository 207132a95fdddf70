"""Face 3, the person's pages: what have I answered, and taking it back.

Withdrawing is one click from the list, or from the link in a receipt without any sign-in. GET changes nothing, so
that a mail scanner that opens links withdraws nothing. Each page re-reads the store before it says what is.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.list_consents import list_answers, open_capability, open_receipt
from broker.actions.sign_in import signed_in
from broker.actions.withdraw_consent import withdraw_by_link, withdraw_consent
from broker.errors import MalformedRequest, PlatformFailed, Unauthorized
from broker.oauth.context import current_broker, request_transaction
from broker.proof.verify import verify_receipt
from broker.store.flows import end_session
from broker.web.linking import go_to_platform
from broker.web.pages import failure_page, render, see_other
from broker.web.security import (
    browser_handle,
    check_form,
    form_token,
    person_session,
    set_browser_handle,
    set_person_session,
    single,
)

blueprint = Blueprint("revocation", __name__, url_prefix="/consents")


@blueprint.get("")
def overview() -> Response:
    """Every answer the person gave; or the way to sign in."""
    broker, session = current_broker(), person_session()
    try:
        with request_transaction() as tx:
            person = signed_in(tx, broker, session)
            answers = list_answers(tx, broker, person)
    except Unauthorized:
        return _sign_in_page()
    ended = request.args.get("ended")
    return render(
        "consents.html",
        person=person.proven,
        platform=broker.label_of(person.proven.account.platform),
        answers=answers,
        just_ended=next((view for view in answers.consents if view.grant_id == ended and not view.live), None),
        csrf=form_token(session or ""),
    )


@blueprint.post("/sign-in")
def sign_in_at() -> Response:
    """Send the person to the platform of their choice."""
    check_form(browser_handle() or "")
    platform = single(request.form.getlist("platform"), "platform")
    if platform not in current_broker().platforms:
        raise MalformedRequest("there is no platform of that name here")
    try:
        return go_to_platform(current_broker(), platform, None)
    except PlatformFailed as failure:
        return failure_page(failure, back="/consents")


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forget who is signed in here."""
    session = person_session() or ""
    check_form(session)
    with request_transaction() as tx:
        end_session(tx, session)
    answer = see_other("/consents")
    set_person_session(answer, None)
    return answer


@blueprint.post("/withdraw")
def withdraw() -> Response:
    """Withdraw one consent of the person who is signed in."""
    session, broker = person_session() or "", current_broker()
    check_form(session)
    grant_id = single(request.form.getlist("grant_id"), "grant_id")
    with request_transaction() as tx:
        person = signed_in(tx, broker, session)
        withdraw_consent(tx, broker, account=person.key, grant_id=grant_id)
    return see_other(f"/consents?ended={grant_id}")


@blueprint.get("/receipts/<receipt_id>")
def receipt(receipt_id: str) -> Response:
    """A receipt in plain words, checked by the same steps that anybody can run."""
    broker = current_broker()
    with request_transaction() as tx:
        person = signed_in(tx, broker, person_session())
        file = open_receipt(tx, broker, person, receipt_id)
    verdict = verify_receipt(file.text, jwks=broker.keys.jwks())
    platform = person.proven.account.platform
    return render(
        "receipt.html",
        receipt=file,
        verdict=verdict,
        record=verdict.payload.get("record"),
        platform=broker.label_of(platform),
    )


@blueprint.get("/receipts/<receipt_id>/download")
def download(receipt_id: str) -> Response:
    """The receipt as a file."""
    broker = current_broker()
    with request_transaction() as tx:
        file = open_receipt(tx, broker, signed_in(tx, broker, person_session()), receipt_id)
    answer = Response(file.text + "\n", mimetype="application/sd-jwt")
    answer.headers["Content-Disposition"] = f'attachment; filename="consent-receipt-{receipt_id}.sd-jwt"'
    return answer


@blueprint.get("/<capability>")
def one(capability: str) -> Response:
    """The one consent that a receipt's link opens. Opening it changes nothing."""
    with request_transaction() as tx:
        view = open_capability(tx, current_broker(), capability)
    return render("one_consent.html", consent=view, csrf=form_token(capability))


@blueprint.post("/<capability>")
def withdraw_one(capability: str) -> Response:
    """Withdraw the one consent that a receipt's link opens."""
    check_form(capability)
    with request_transaction() as tx:
        withdraw_by_link(tx, current_broker(), capability=capability)
    return see_other(f"/consents/{capability}")


def _sign_in_page() -> Response:
    browser = browser_handle() or current_broker().new_secret()
    answer = render("sign_in.html", platforms=current_broker().platforms.values(), csrf=form_token(browser))
    set_browser_handle(answer, browser)
    return answer

"""The person's pages for erasing everything: what happens, the choice, and the certificate, which is shown once.

A yes and a no of the same weight, and nothing ticked. The page of the certificate comes with the answer to the form:
it holds what the broker keeps nowhere, and can be shown by nobody a second time.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from broker.actions.erase_person import Order, erase_person
from broker.actions.file_tapes import file_tapes
from broker.actions.find_traces import traces_of_account
from broker.actions.list_consents import businesses_told
from broker.actions.read_certificate import read_certificate
from broker.errors import MalformedRequest, Unauthorized, Unavailable
from broker.oauth.context import current_broker
from broker.proof.sdjwt import SdJwt
from broker.web.pages import render, see_other
from broker.web.receipts import bundle_answer
from broker.web.security import check_form, form_token, person_session, set_person_session, single
from broker.web.visiting import act, visit
from broker.web.wording import failure_title

blueprint = Blueprint("erasing", __name__)
_FORM = "erase"


@blueprint.get("/consents/erase")
def ask() -> Response:
    """Say plainly what erasing does, and what it cannot reach. Nothing is changed."""
    broker, session = current_broker(), person_session() or ""
    try:
        with visit() as (tx, person):
            told = businesses_told(tx, broker, person)
    except Unauthorized:
        return see_other("/consents")
    return render(
        "erase.html",
        person=person.proven,
        platform=broker.label_of(person.proven.account.platform),
        standing=told.standing,
        told=told.ever,
        csrf=form_token(session, _FORM),
    )


@blueprint.post("/consents/erase")
def erase() -> Response:
    """Take the person's choice. After a yes there is no account here, and no session."""
    session = person_session() or ""
    check_form(session, _FORM)
    choice = single(request.form.getlist("choice"), "choice")
    if choice == "keep":
        return see_other("/consents")
    if choice != "erase":
        raise MalformedRequest("choice must be erase or keep")
    order = Order(erasure_id=current_broker().new_id(), objects=request.form.get("objects") == "yes")
    try:
        certificate = _erase(order)
    except Unavailable:
        return _unknown(order)
    current_broker().database.scrub()
    return _erased(certificate, order)


@blueprint.get("/erasures/<erasure_id>")
def certificate(erasure_id: str) -> Response:
    """The certificate with its proof, for anybody who has its name; whose it is stands in the person's copy alone."""
    with current_broker().database.reading() as tx:
        return bundle_answer(read_certificate(tx, current_broker(), erasure_id))


def _erase(order: Order) -> SdJwt:
    broker = current_broker()
    file_tapes(broker, at_once=True)
    with act(erasing=True) as (tx, person):
        return erase_person(tx, broker, traces_of_account(tx, broker, person.proven.account), order)


def _erased(certificate: SdJwt, order: Order) -> Response:
    answer = render(
        "erased.html",
        certificate=str(certificate),
        # The file is in the page: a second request could not bring it.
        file=f"data:application/sd-jwt,{quote(str(certificate))}",
        name=f"erasure-certificate-{order.erasure_id}.sd-jwt",
        address=_address(order),
        objects=order.objects,
    )
    set_person_session(answer, None)
    return answer


def _unknown(order: Order) -> Response:
    """The store did not finish: it is done by now, will be done in a moment, or was not begun."""
    detail = _(
        "Whether it was done is not known yet. Look at %(address)s in a minute: if there is a certificate, everything "
        "is erased. If there is none, nothing has changed, and you can try again.",
        address=_address(order),
    )
    return render("problem.html", status=503, title=failure_title(Unavailable.type), detail=detail, back="/consents")


def _address(order: Order) -> str:
    return current_broker().url(f"/erasures/{order.erasure_id}")

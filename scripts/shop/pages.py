"""The shop's pages: sign up, link an account, use the link, give it up."""

import re
from http import HTTPStatus

from authlib.integrations.base_client import OAuthError
from client import ShopError
from customers import Customer
from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from given import FROM_FORM, SAYABLE, disclosure, paper_text
from linking import Answer, ForeignAnswerError
from matching import ASKABLE, Asked, ask_given, ask_match
from requests import RequestException
from state import SEE_OTHER, browser, check_form, customer, shop, visitor
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse
from words import PURPOSE_WORDS

pages = Blueprint("pages", __name__)

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
POPUP = re.compile(r"[a-z0-9]{1,28}")
LANGUAGES = ("en", "de", "ar")
Page = AnyResponse | tuple[str, int] | str


@pages.get("/")
def home() -> Page:
    """Offer an account, or show the one there is."""
    return redirect(url_for("pages.account"), SEE_OTHER) if visitor() else signup_page({}, {})


@pages.post("/signup")
def signup() -> Page:
    """Open an account."""
    check_form()
    given = {name: request.form.get(name, "").strip() for name in ("name", "email", "handle")}
    given["handle"] = given["handle"].removeprefix("@")
    faults = faults_in(given)
    if faults:
        return signup_page(given, faults), HTTPStatus.UNPROCESSABLE_ENTITY
    told = disclosure(shop=shop().address, issuer=shop().broker.issuer)
    session["customer"] = shop().customers.sign_up(**given, told=told).id
    return redirect(url_for("pages.account"), SEE_OTHER)


@pages.get("/account")
def account() -> Page:
    """Show the customer's account and its link."""
    return account_page(customer(), news=session.pop("news", ""), in_window="window" in request.args)


@pages.post("/link")
def link() -> Page:
    """Send the browser to the broker; a button in another window may be waiting under the name that came along."""
    check_form()
    locale = request.accept_languages.best_match(LANGUAGES, "en") or "en"
    given = request.form.get("popup", "")
    popup = given if POPUP.fullmatch(given) else ""
    return redirect(shop().linking.start(customer(), browser=browser(), locale=locale, popup=popup), SEE_OTHER)


@pages.get("/callback")
def callback() -> Page:
    """Take the broker's answer; nothing of it stays in the address."""
    answer = shop().linking.finish(request.args, browser=browser())
    session["news"] = keep(answer)
    if not answer.popup:
        return redirect(url_for("pages.account"), SEE_OTHER)
    session["answered"] = {"outcome": "linked" if answer.link else "refused", "popup": answer.popup}
    return redirect(url_for("pages.answered"), SEE_OTHER)


@pages.get("/answered")
def answered() -> Page:
    """Tell the window that waits, once."""
    told = session.pop("answered", None)
    return render_template("answered.html", **told) if told else redirect(url_for("pages.account"), SEE_OTHER)


@pages.get("/receipt")
def receipt() -> Page:
    """Hand the receipt over as the broker signed it."""
    found = customer().link
    if found is None:
        abort(HTTPStatus.NOT_FOUND, "There is no receipt, because nothing is linked.")
    reply = Response(found.receipt, content_type="application/sd-jwt")
    reply.headers["Content-Disposition"] = f'attachment; filename="receipt-{found.grant_id}.sd-jwt"'
    return reply


@pages.post("/match")
def match() -> Page:
    """Ask the broker whether the shop may tie this account to this customer."""
    check_form()
    found = customer()
    if found.link is None:
        abort(HTTPStatus.CONFLICT, "Nothing is linked.")
    by, purpose = request.form.get("by", "id"), request.form.get("purpose", ASKABLE[0])
    return account_page(found, asked=ask_match(shop().broker, found, found.link, by=by, purpose=purpose))


@pages.post("/ask")
def ask() -> Page:
    """Ask the broker on nothing but what the customer gave in the signup form."""
    check_form()
    found = customer()
    if not found.gave_handle:
        abort(HTTPStatus.CONFLICT, "There is no handle to ask about.")
    said, purpose = request.form.get("said", FROM_FORM), request.form.get("purpose", ASKABLE[0])
    if said not in SAYABLE:
        abort(HTTPStatus.BAD_REQUEST, "The shop says no such thing.")
    return account_page(found, asked=ask_given(shop().broker, found, purpose=purpose, said=said))


@pages.post("/unlink")
def unlink() -> Page:
    """Give the link up at the broker, then forget it here."""
    check_form()
    found = customer()
    if found.link is None:
        return redirect(url_for("pages.account"), SEE_OTHER)
    status, _ = shop().broker.call("DELETE", f"/v1/grants/{found.link.grant_id}", scope="consent")
    if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise ShopError(f"The broker answered {status}; the link is still there.")
    shop().customers.set_link(found.id, None)
    session["news"] = "The link is given up. The shop has forgotten your handle."
    return redirect(url_for("pages.account"), SEE_OTHER)


@pages.post("/sign-out")
def sign_out() -> Page:
    """Let somebody else use this browser."""
    check_form()
    session.clear()
    return redirect(url_for("pages.home"), SEE_OTHER)


@pages.get("/privacy")
@pages.get("/terms")
def paper() -> Page:
    """Show the two papers that a registration names."""
    return paper_text(request.path.strip("/"), issuer=shop().broker.issuer)


@pages.app_errorhandler(HTTPException)
def http_fault(fault: HTTPException) -> Page:
    """Show a plain sentence for what this request got wrong."""
    if fault.response is not None:
        return fault.get_response()
    return render_template("fault.html", fault=fault.description), fault.code or HTTPStatus.BAD_REQUEST


@pages.app_errorhandler(ForeignAnswerError)
def foreign_answer(fault: ForeignAnswerError) -> Page:
    """Show that a callback was not the broker's answer to this browser."""
    return render_template("fault.html", fault=str(fault)), HTTPStatus.BAD_REQUEST


@pages.app_errorhandler(ShopError)
@pages.app_errorhandler(OAuthError)
@pages.app_errorhandler(RequestException)
def broker_fault(fault: Exception) -> Page:
    """Show what went wrong on the way to the broker."""
    return render_template("fault.html", fault=str(fault)), HTTPStatus.BAD_GATEWAY


def keep(answer: Answer) -> str:
    """Keep what was answered, and return it in words."""
    if answer.link is None:
        return "You said no. Your account works all the same."
    shop().customers.set_link(answer.customer_id, answer.link)
    return f"Your X account @{answer.link.handle} is linked."


def faults_in(given: dict[str, str]) -> dict[str, str]:
    """Return a sentence for each field of the signup that cannot stand."""
    faults = {}
    if not given["name"]:
        faults["name"] = "Please tell us your name."
    if not EMAIL.fullmatch(given["email"]):
        faults["email"] = "Please give an address such as jane@example.com."
    if given["handle"] and not HANDLE.fullmatch(given["handle"]):
        faults["handle"] = "A handle is 1 to 15 letters, digits or underscores."
    return faults


def signup_page(given: dict[str, str], faults: dict[str, str]) -> str:
    """Render the signup form."""
    return render_template(
        "signup.html",
        given=given,
        faults=faults,
        csrf=browser(),
        issuer=shop().broker.issuer,
    )


def account_page(found: Customer, *, news: str = "", asked: Asked | None = None, in_window: bool = False) -> str:
    """Render the account, with the broker's answer where one was asked for."""
    return render_template(
        "account.html",
        customer=found,
        csrf=browser(),
        news=news,
        in_window=in_window,
        asked=asked,
        askable=ASKABLE,
        sayable=SAYABLE,
        words=PURPOSE_WORDS,
    )

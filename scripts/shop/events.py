"""The shop's button for events. A real shop has a job that does this, and no button."""

from flask import Blueprint, redirect, session, url_for
from listening import Listening
from state import SEE_OTHER, check_form, customer, shop
from werkzeug.wrappers import Response

events = Blueprint("events", __name__)


@events.post("/events")
def catch_up() -> Response:
    """Fetch what the broker has to tell, for all customers at once."""
    check_form()
    customer()
    ended = Listening(shop().broker, shop().customers).catch_up()
    session["news"] = (
        f"{ended} consents have ended. The shop unlinked them, and told the broker so." if ended else "No news."
    )
    return redirect(url_for("pages.account"), SEE_OTHER)

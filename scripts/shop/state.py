"""What the views share, and how they know who is asking."""

import secrets
from dataclasses import dataclass

from client import BrokerClient
from customers import Customer, Customers
from flask import abort, current_app, redirect, request, session, url_for
from linking import Linking

SEE_OTHER = 303


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One shop: its address, its customers and its line to the broker."""

    address: str
    broker: BrokerClient
    customers: Customers
    linking: Linking


def shop() -> Shop:
    """Return the shop that this request is for."""
    found: Shop = current_app.extensions["shop"]
    return found


def visitor() -> Customer | None:
    """Return the customer signed in with this browser."""
    return shop().customers.find(session.get("customer", ""))


def customer() -> Customer:
    """Return the customer signed in with this browser, or send the browser to the front page."""
    found = visitor()
    if found is None:
        abort(redirect(url_for("pages.home"), SEE_OTHER))
    return found


def browser() -> str:
    """Return this browser's secret: forms carry it, and a link ends in the browser that began it."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(24)
    return str(session["browser"])


def check_form() -> None:
    """Refuse a form that this browser did not get from the shop."""
    if not secrets.compare_digest(request.form.get("csrf", "").encode(), browser().encode()):
        abort(400, "This form is too old. Go back, reload the page and try again.")

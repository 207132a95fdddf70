"""The front door: what this is, and where to go."""

from __future__ import annotations

from flask import Blueprint, Response

from broker.web.pages import render

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def home() -> Response:
    """Say what the broker is."""
    return render("home.html")

"""What the views share."""

from dataclasses import dataclass

from asking import App
from desk import Desk
from faults import Faults
from flask import current_app
from people import People


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One platform: its application, its people, its tokens, its failures."""

    app: App
    people: People
    desk: Desk
    faults: Faults


def sandbox() -> Sandbox:
    """Return the platform that this request is for."""
    found: Sandbox = current_app.extensions["sandbox"]
    return found

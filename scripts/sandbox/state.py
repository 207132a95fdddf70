"""What the views share."""

from dataclasses import dataclass

from asking import App
from desk import Desk
from faults import Faults
from flask import current_app
from jobs import Jobs
from limits import Limits
from people import People


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One platform: its application, its people, its tokens, its failures; the application's own calls and jobs."""

    app: App
    people: People
    desk: Desk
    faults: Faults
    limits: Limits
    jobs: Jobs


def sandbox() -> Sandbox:
    """Return the platform that this request is for."""
    found: Sandbox = current_app.extensions["sandbox"]
    return found

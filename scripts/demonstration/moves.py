"""An account that moves: it takes another handle, goes, and comes back; the broker follows it by its permanent id."""

import json
import sqlite3
from contextlib import closing

import requests

from demonstration.browser import Browser
from demonstration.stage import Stage
from demonstration.steps import expect, step
from demonstration.visit import Account, Visitor, denied, permitted

MAYA = Account(id="987654321", handle="jane_doe")
NEW_HANDLE = "maya_grows"
CARE = "customer-care"
TIMEOUT = 10


def walk_moves(stage: Stage) -> None:
    """Walk it; the first step that fails ends the walk."""
    at, browser = stage.addresses, Browser()
    maya = Visitor(
        name="Maya Stone", email="maya@example.com", masked="m•••@example.com", account=MAYA, browser=browser
    )
    with step("Maya links her account", browser):
        maya.sign_up(at)
        maya.link(at, purposes=(CARE,))
    with step("she takes another handle at the platform, and a recheck notices it", browser):
        at_the_platform(stage, "rename", handle=NEW_HANDLE)
        rechecked(stage, "renamed")
        expect(that=told(stage) == ["renamed"], otherwise=f"the shop was told {told(stage)}")
    with step("the match by her number goes on; her old handle leads to nobody", browser):
        permitted(maya.match(at))
        denied(maya.match(at, by="handle"), reason="no_basis")
    with step("she deactivates her account; after a recheck nobody is matched with it", browser):
        at_the_platform(stage, "mark", mark="active", on="no")
        rechecked(stage, "gone")
        denied(maya.match(at), reason="suspended", clause="MATCH-2")
    with step("she comes back, and so does her consent", browser):
        at_the_platform(stage, "mark", mark="active", on="yes")
        rechecked(stage, "back")
        permitted(maya.match(at))
        expect(that=told(stage) == ["back", "gone", "renamed"], otherwise=f"the shop was told {told(stage)}")


def at_the_platform(stage: Stage, what: str, **form: str) -> None:
    """Press one of the buttons on the platform's page of people."""
    address = f"{stage.addresses.platform_url}/people/{what}"
    reply = requests.post(address, data={"person": MAYA.id, **form}, allow_redirects=False, timeout=TIMEOUT)
    expect(that=reply.is_redirect, otherwise=f"the platform answered {reply.status_code}")


def rechecked(stage: Stage, what: str) -> None:
    """Let the operator ask the platform, which has one thing to say."""
    said = stage.broker("recheck")
    expect(that=f"1 {what}" in said, otherwise=f"the recheck says {said!r}")


def told(stage: Stage) -> list[str]:
    """Return what the shop is told of changes, in the order of the alphabet."""
    with closing(sqlite3.connect(stage.database, timeout=TIMEOUT)) as raw:
        rows = raw.execute("SELECT told FROM deliveries WHERE kind = 'handle-changed'").fetchall()
    return sorted(json.loads(told)["change"] for (told,) in rows)

"""The page that checks evidence, opened from disk with the network off, and asked as often as one likes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from broker.proof.verify import Verdict
from harness.running import CHECKOUT

ADDRESS = (CHECKOUT / "broker" / "web" / "static" / "verify.html").as_uri()
#: One change each: where, how many letters go, and what comes in their place.
Edit = tuple[int, int, str]
Outcome = tuple[list[tuple[str, bool | None]], bool, bool, bool]

_ASK = "([texts, keys]) => Promise.all(texts.map(text => verifyEvidence(text, keys)))"
_ASK_STATUS = """([pairs, keys]) =>
  Promise.all(pairs.map(([text, status]) => verifyEvidence(text, {...keys, status})))"""
_ASK_EDITED = """([text, edits, keys]) => Promise.all(edits.map(([at, gone, come]) =>
  verifyEvidence(text.slice(0, at) + come + text.slice(at + gone), keys)))"""


class VerifierPage:
    """Asks the page's own function; the browser is Chromium."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def ask(self, texts: Sequence[str], *, jwks: str | None, vkeys: str | None = None) -> list[dict[str, Any]]:
        """Return the page's verdict on each text."""
        found: list[dict[str, Any]] = self.page.evaluate(_ASK, [list(texts), {"jwks": jwks, "vkeys": vkeys}])
        return found

    def ask_status(
        self, pairs: Sequence[tuple[str, str]], *, jwks: str | None, vkeys: str | None = None, now: float
    ) -> list[dict[str, Any]]:
        """Return the page's verdict on each text by the status list beside it, at a time in seconds."""
        keys = {"jwks": jwks, "vkeys": vkeys, "now": now}
        found: list[dict[str, Any]] = self.page.evaluate(_ASK_STATUS, [[list(pair) for pair in pairs], keys])
        return found

    def ask_edited(
        self, text: str, edits: Sequence[Edit], *, jwks: str | None, vkeys: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the page's verdict on a text after each of many edits; the text travels once."""
        keys = {"jwks": jwks, "vkeys": vkeys}
        found: list[dict[str, Any]] = self.page.evaluate(_ASK_EDITED, [text, [list(edit) for edit in edits], keys])
        return found


@contextmanager
def verifier_page(chromium: Browser, **options: object) -> Iterator[VerifierPage]:
    """Open the page from disk, with the network off."""
    context = chromium.new_context(**{"locale": "en-GB", **options, "offline": True})
    page = context.new_page()
    page.goto(ADDRESS)
    yield VerifierPage(page)
    context.close()


def edited(text: str, edit: Edit) -> str:
    """Return a text after an edit, as the page makes it."""
    at, gone, come = edit
    return text[:at] + come + text[at + gone :]


def outcome(verdict: Verdict) -> Outcome:
    """Return what the command line's verifier and the page must agree on."""
    steps = [(step.name, step.ok) for step in verdict.steps]
    return steps, verdict.holds, verdict.anchored, verdict.logged


def outcome_of_page(verdict: Mapping[str, Any]) -> Outcome:
    """Return the same of the page's answer."""
    steps = [(step["name"], step["ok"]) for step in verdict["steps"]]
    return steps, verdict["holds"], verdict["anchored"], verdict["logged"]

"""Lighthouse on every page of the broker: accessibility 100, in each language. By flag: it is a large program.

``LIGHTHOUSE=/path/to/lighthouse/cli/index.js``, as ``npm install lighthouse@12`` leaves it; the browser is ours.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from harness import wire
from harness.chromium import OPTIONS, program
from harness.programs import free_port
from journeys.claims import acquaint
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Browser

LIGHTHOUSE = os.environ.get("LIGHTHOUSE")
LANGUAGES = ("en", "de", "ar")
HUNDRED = 1
pytestmark = pytest.mark.skipif(LIGHTHOUSE is None, reason="LIGHTHOUSE names no program")


@dataclass(frozen=True)
class Lit:
    """A browser in which somebody is signed in, open to Lighthouse on a port of its own, and every page's address."""

    port: int
    addresses: list[str]

    def score(self, address: str) -> tuple[float, list[str]]:
        """Return the score of a page, and what it lost points by."""
        asked = (f"--port={self.port}", "--only-categories=accessibility", "--disable-storage-reset", "--output=json")
        run = subprocess.run(
            ["node", str(LIGHTHOUSE), address, *asked, "--quiet"],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        found = json.loads(run.stdout)
        category = found["categories"]["accessibility"]
        lost = [
            ref["id"]
            for ref in category["auditRefs"]
            if ref["weight"]
            and (found["audits"][ref["id"]]["score"] or 0) < 1
            and found["audits"][ref["id"]]["scoreDisplayMode"] not in {"notApplicable", "manual"}
        ]
        return category["score"], lost


def walked(visitor: Visitor) -> list[str]:
    """Do everything that has a page of its own, and return the pages' addresses, the notice's last."""
    visitor.links("customer-care")
    by_link = visitor.withdrawal_link()
    visitor.refuses()
    acquaint(visitor.town.broker.business(client_name="Contoso Market"), visitor.account.id).asks()
    visitor.signals()
    visitor.signs_in()
    receipt = visitor.page.locator("article").get_by_role("link").first.get_attribute("href")
    paths = ["/", "/consents", "/consents/asked", "/consents/past", "/consents/everything", "/consents/erase"]
    paths += [
        str(receipt),
        by_link.removeprefix(visitor.town.issuer),
        "/policies",
        "/policies/x-developer-terms",
        "/verify",
    ]
    visitor.comes_to_notice()
    return [*(f"{visitor.town.issuer}{path}" for path in paths), visitor.page.url]


@pytest.fixture(scope="module")
def lit(chromium: Browser, town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lit]:
    """Let somebody do everything in a browser whose own profile Lighthouse can look into, and leave it open."""
    port = free_port()
    context = chromium.browser_type.launch_persistent_context(
        tmp_path_factory.mktemp("profile"),
        executable_path=program(),
        args=[*OPTIONS, f"--remote-debugging-port={port}"],
    )
    yield Lit(port, walked(Visitor(context, town)))
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_scores_a_hundred(lit: Lit, language: str) -> None:
    scores = {address: lit.score(f"{address}?lang={language}") for address in lit.addresses}
    assert {address: score for address, score in scores.items() if score[0] != HUNDRED} == {}
    assert wire.origin_of(lit.addresses[0])

"""Foreign pages around ours: they get nothing to show, to reach or to click."""

from collections.abc import Iterator

import pytest
from harness import wire
from journeys.foreign import Foreign, foreign_site
from journeys.visitor import Visitor
from journeys.watch import bare_parts
from playwright.sync_api import Page, expect

#: One machine: another port is another origin yet the same site, so cookies travel; the other name is another site.
SAME_SITE, OTHER_SITE = "127.0.0.1", "localhost"
FRAME = '<!doctype html><title>Win a prize</title><iframe src="{}" width="600" height="400"></iframe>'
WINDOW = """<!doctype html><title>Win a prize</title><button onclick="opened = window.open('{}')">Win</button>"""


@pytest.fixture
def site() -> Iterator[Foreign]:
    """Give a site of somebody else's."""
    with foreign_site() as running:
        running.pages["/harmless"] = "<!doctype html><title>Harmless</title><p>Harmless"
        yield running


def test_a_foreign_page_frames_nothing_of_ours(visitor: Visitor, site: Foreign) -> None:
    visitor.links()
    capability = visitor.withdrawal_link()
    visitor.signs_in()
    visitor.page.goto(f"{visitor.town.shop_url}/account")
    visitor.page.get_by_role("button", name="Give up this link").click()
    visitor.asks_to_link()
    visitor.proves()
    expect(visitor.page.locator("[data-notice]")).to_be_visible()
    ours = [visitor.page.url, f"{visitor.town.issuer}/consents", capability, visitor.town.issuer]
    for host in (SAME_SITE, OTHER_SITE):
        assert {framed(visitor.page, site, host, address) for address in ours} == {""}
        assert framed(visitor.page, site, host, site.at(host, "/harmless")) == "Harmless"


def framed(page: Page, site: Foreign, host: str, address: str) -> str:
    """Return what a frame in a foreign page shows of an address."""
    site.pages["/frame"] = FRAME.format(address)
    page.goto(site.at(host, "/frame"), wait_until="load")
    inside = page.frames[1]
    refused = inside.evaluate("() => location.protocol") == "chrome-error:"
    return "" if refused else inside.locator("body").inner_text()


def test_a_page_that_opens_ours_in_a_window_holds_no_handle_to_it(visitor: Visitor, site: Foreign) -> None:
    site.pages["/window"] = WINDOW.format(f"{visitor.town.issuer}/consents")
    visitor.page.goto(site.at(SAME_SITE, "/window"))
    with visitor.context.expect_page() as coming:
        visitor.page.get_by_role("button", name="Win").click()
    expect(coming.value.get_by_role("heading", level=1)).to_be_visible()
    assert visitor.page.evaluate("() => opened.closed") is True
    assert coming.value.evaluate("() => window.opener") is None


PATHS = {
    "/": 200, "/consents": 200, "/nowhere": 404, "/consent/nobody": 400, "/consents/nobody": 404,
    "/consents/receipts/nobody": 401, "/oauth/authorize": 400, "/link/x/callback": 400, "/link/nowhere/callback": 400,
}  # fmt: skip


def test_every_html_answer_carries_the_headers_failures_included(visitor: Visitor) -> None:
    found = {}
    for path in PATHS:
        answer = wire.get(f"{visitor.town.issuer}{path}", headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"].startswith("text/html")
        assert bare_parts(path, answer.status_code, lower(answer.headers)) == []
        found[path] = answer.status_code
    assert found == PATHS


def test_a_form_from_nowhere_is_refused_on_a_page_with_the_headers(visitor: Visitor) -> None:
    for form in ("consents/withdraw", "consents/sign-in", "consents/sign-out", "consent/nobody", "consents/nobody"):
        path = f"/{form}"
        answer = wire.post(f"{visitor.town.issuer}{path}", data={"choice": "withdraw"}, headers={"Accept": "text/html"})
        assert 400 <= answer.status_code < 500
        assert bare_parts(path, answer.status_code, lower(answer.headers)) == []


def lower(headers: object) -> dict[str, str]:
    """Return headers by lower-case name."""
    return {name.lower(): value for name, value in dict(headers).items()}

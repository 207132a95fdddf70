"""Every page that the broker can show, visited one after another, in one language."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from harness import wire
from harness.answering import said, signed, states, told
from harness.business import PURPOSES
from harness.evidence import payload_of
from journeys.claims import acquaint
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Locator

LONG_NAME = "Donaudampfschifffahrtsgesellschaft Kundendienst und Fahrkartenverkauf"


def pages(visitor: Visitor) -> Iterator[str]:
    """Yield the name of each page while the visitor's browser shows it."""
    for part in (
        *(_front_door, _terms, _notice, _failures, _person, _receipts, _by_link, _after, _objecting),
        *(_signalling, _history, _moving, _erasing),
    ):
        yield from part(visitor)


def _front_door(visitor: Visitor) -> Iterator[str]:
    visitor.open(visitor.town.issuer)
    yield "home"
    visitor.open(f"{visitor.town.issuer}/consents")
    yield "sign-in"
    visitor.click(visitor.page.locator("form[action$='/sign-in'] button"))
    visitor.proves()
    yield "list-empty"


def _terms(visitor: Visitor) -> Iterator[str]:
    visitor.page.goto(f"{visitor.town.issuer}/policies")
    yield "terms"
    visitor.page.goto(f"{visitor.town.issuer}/policies/x-developer-terms#MATCH-4a")
    visitor.page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    yield "terms-of-x"
    visitor.page.goto(f"{visitor.town.issuer}/policies/nothing-of-the-kind")
    yield "no-such-terms"


def _notice(visitor: Visitor) -> Iterator[str]:
    visitor.comes_to_notice()
    visitor.button("allow").and_(visitor.page.locator(":enabled")).wait_for()
    yield "notice"
    visitor.answers("allow")
    yield "notice-alert"
    visitor.answers("allow", "customer-care", "newsletter")
    visitor.at_shop()
    yield from _long_notice(visitor)


def _long_notice(visitor: Visitor) -> Iterator[str]:
    """Ask as a business does whose name and number are long, for all that it may ask."""
    own = {"id": "repair-questions", "broader": "customer-care"}
    business = visitor.town.broker.business(client_name=LONG_NAME, purposes=[*PURPOSES, own])
    number = {"kind": "person", "type": "customer_id", "value": f"{wire.fresh('DDSG-2027-')}-000000000042"}
    locale = visitor.page.evaluate("navigator.language").partition("-")[0]
    details = business.details(identifier=number, purposes=[*PURPOSES, own["id"]], locale=locale)
    visitor.page.goto(business.authorize_url(business.par(details=details)))
    visitor.proves()
    yield "notice-long"


def _failures(visitor: Visitor) -> Iterator[str]:
    visitor.page.goto(f"{visitor.town.issuer}/nowhere")
    yield "nowhere"
    visitor.page.goto(f"{visitor.town.issuer}/consents/{'x' * 43}")
    yield "no-such-link"
    visitor.page.goto(f"{visitor.town.issuer}/oauth/authorize?client_id=nobody")
    yield "flow-broken"
    visitor.signs_up(handle="somebody_else")
    visitor.asks_to_link()
    visitor.proves()
    yield "another-account"
    yield from _platform_fails(visitor, visitor.town)


def _platform_fails(visitor: Visitor, town: Town) -> Iterator[str]:
    visitor.signs_up()
    visitor.asks_to_link()
    town.rehearses(userinfo=500)
    visitor.proves()
    town.rehearses()
    yield "platform-failed"


def _person(visitor: Visitor) -> Iterator[str]:
    visitor.refuses()
    visitor.links("newsletter")
    visitor.open(f"{visitor.town.issuer}/consents")
    yield "list"
    visitor.click(visitor.button("withdraw").first)
    visitor.page.get_by_role("status").wait_for()
    yield "list-just-ended"


def _receipts(visitor: Visitor) -> Iterator[str]:
    everything = f"{visitor.town.issuer}/consents"
    for status in ("given", "withdrawn", "refused"):
        visitor.page.goto(everything)
        addresses = receipts_of(visitor)
        visitor.page.goto(addresses[status])
        yield f"receipt-{status}"


def receipts_of(visitor: Visitor) -> dict[str, str]:
    """Return the address of one receipt of each kind from the list that is shown."""
    cards = visitor.page.locator("article")
    live = cards.filter(has=visitor.button("withdraw"))
    ended = cards.filter(has_not=visitor.button("withdraw")).filter(has=visitor.page.locator("dl"))
    refused = cards.filter(has_not=visitor.page.locator("dl"))
    found = {"given": live, "withdrawn": ended, "refused": refused}  # the latest receipt stands first
    return {status: address_in(visitor, card.first.get_by_role("link").first) for status, card in found.items()}


def address_in(visitor: Visitor, link: Locator) -> str:
    """Return where a link leads."""
    return f"{visitor.town.issuer}{link.get_attribute('href')}"


def _by_link(visitor: Visitor) -> Iterator[str]:
    visitor.links("customer-care")
    visitor.page.goto(visitor.withdrawal_link())
    yield "one-consent"
    visitor.withdraws()
    yield "one-consent-ended"
    yield from _confirmed(visitor)


def _confirmed(visitor: Visitor) -> Iterator[str]:
    """Follow the link of a business that says what it did."""
    business = visitor.town.broker.business(client_name="Contoso Market", redirect_uri=f"{visitor.town.shop_url}/back")
    asked = business.par()
    visitor.page.goto(business.authorize_url(asked))
    visitor.proves()
    visitor.answers("allow", "newsletter")
    visitor.page.wait_for_url(f"{visitor.town.shop_url}/**")
    (code,) = parse_qs(urlsplit(visitor.page.url).query)["code"]
    receipt = business.exchange(code, asked.verifier).json()["authorization_details"][0]["receipt"]
    visitor.page.goto(payload_of(receipt)["record"]["withdrawal"]["uri"])
    visitor.withdraws()
    (event,) = told(business)
    if states(business, signed(business, said(event, action="deleted"))).status_code != 201:
        raise AssertionError("the business was not believed")
    visitor.page.reload()
    yield "one-consent-confirmed"


def _after(visitor: Visitor) -> Iterator[str]:
    visitor.page.goto(f"{visitor.town.issuer}/consents")
    yield "list-after"


def _objecting(visitor: Visitor) -> Iterator[str]:
    """Object to one business that knows the person by what they gave it, and then to all."""
    acquaint(visitor.town.broker.business(client_name=LONG_NAME), visitor.account.id).asks()
    visitor.page.reload()
    visitor.click(visitor.page.locator("li").filter(has_text=LONG_NAME).first.locator("button[value=object]"))
    visitor.page.get_by_role("status").wait_for()
    yield "list-objected-to-one"
    visitor.click(visitor.page.locator("section button[value=object]"))
    visitor.page.get_by_role("status").wait_for()
    yield "list-objected-to-all"
    visitor.click(visitor.button("withdraw"))
    visitor.page.goto(f"{visitor.town.issuer}/consents?ended=all")
    visitor.page.get_by_role("status").wait_for()
    yield "list-all-ended"
    visitor.click(visitor.page.locator("form[action$='/sign-out'] button"))
    visitor.page.goto(f"{visitor.town.issuer}/consents?environment=staging")
    yield "sign-in-to-test-data"


def _signalling(visitor: Visitor) -> Iterator[str]:
    """Come with a browser that signals Global Privacy Control: to the notice of who advertises, and to one's pages."""
    visitor.signals()
    business = visitor.town.broker.business(client_name="Contoso Market", purposes=["direct-marketing", "newsletter"])
    locale = visitor.page.evaluate("navigator.language").partition("-")[0]
    details = business.details(purposes=["direct-marketing", "newsletter"], locale=locale)
    visitor.page.goto(business.authorize_url(business.par(details=details)))
    visitor.proves()
    yield "notice-signalled"
    visitor.signs_in()
    yield "list-signalled"
    visitor.click(visitor.button("lift"))
    visitor.page.get_by_role("status").wait_for()
    yield "list-signal-lifted"
    visitor.signals(on=False)


def _history(visitor: Visitor) -> Iterator[str]:
    """Read what lies behind: who asked, also by the handle; what has ended; and everything on one page."""
    everything = f"{visitor.town.issuer}/consents"
    stranger = visitor.town.broker.business(client_name=LONG_NAME)
    stranger.match({"platform": "x", "handle": visitor.account.handle}, wire.fresh_email())
    for page in ("asked", "past", "everything"):
        visitor.page.goto(f"{everything}/{page}")
        yield page


def _moving(visitor: Visitor) -> Iterator[str]:
    """Let the platform say something else of the account: another name, that it is protected, and that it is gone."""
    moves = visitor.town.changes
    moves(visitor.account, "mark", mark="protected", on="yes")
    moves(visitor.account, "rename", handle=f"moved_{visitor.account.id[-3:]}")
    visitor.page.goto(f"{visitor.town.issuer}/consents/everything")
    yield "everything-renamed"
    moves(visitor.account, "mark", mark="suspended", on="yes")
    visitor.page.goto(f"{visitor.town.issuer}/consents")
    yield "list-gone"


def _erasing(visitor: Visitor) -> Iterator[str]:
    """Read what erasing does, do it, and look at the certificate, its letters unfolded as well."""
    visitor.page.goto(f"{visitor.town.issuer}/consents/erase")
    yield "erase"
    visitor.click(visitor.button("erase"))
    visitor.page.get_by_role("status").wait_for()
    visitor.click(visitor.page.locator("summary"))
    yield "erased"

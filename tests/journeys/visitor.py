"""Somebody who walks through the town, and what it costs them: every click, field and sign-in is counted as made."""

from dataclasses import astuple, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness import wire
from harness.evidence import payload_of
from journeys.stack import Account, Town
from journeys.watch import Watch
from playwright.sync_api import BrowserContext, Locator, Page, expect


@dataclass
class Effort:
    """What a way through the pages has cost so far."""

    clicks: int = 0
    fields: int = 0
    logins: int = 0

    def at_most(self, other: "Effort") -> bool:
        """Tell whether nothing about this way costs more than the other."""
        return all(mine <= theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))


class Visitor:
    """A person with a browser of their own, an address at the shop, and an account at the platform."""

    def __init__(self, context: BrowserContext, town: Town) -> None:
        self.town = town
        self.watch = Watch(context, town.issuer)
        self.context = context
        self.page: Page = context.new_page()
        self.account: Account = town.newcomer()
        self.effort = Effort()

    # --- what hands do

    def open(self, url: str) -> None:
        """Open an address, which costs no less than following a link."""
        self.effort.clicks += 1
        self.page.goto(url)

    def click(self, target: Locator) -> None:
        """Click."""
        self.effort.clicks += 1
        target.click()

    def type(self, target: Locator, text: str) -> None:
        """Type into a field."""
        self.effort.fields += 1
        target.fill(text)

    def signals(self, *, on: bool = True) -> None:
        """Let the browser send Global Privacy Control from now on, or no more."""
        self.context.set_extra_http_headers({"Sec-GPC": "1"} if on else {})

    # --- at the shop

    def signs_up(self, *, handle: str = "") -> None:
        """Open an account at the shop, as somebody whom it has not met."""
        self.context.clear_cookies(name="example-shop")
        self.page.goto(self.town.shop_url)
        self.type(self.page.locator("#name"), "Erika Mustermann")
        self.type(self.page.locator("#email"), self.town.email())
        self.type(self.page.locator("#handle"), handle)
        self.click(self.page.get_by_role("button", name="Create account"))

    def asks_to_link(self) -> None:
        """Press the shop's button, which leads by way of the broker to the platform."""
        self.effort = Effort()
        self.click(self.linking_button())

    def linking_button(self) -> Locator:
        """Return the shop's button, as it is once the page is whole: until then the plain one stands in its place."""
        button = self.page.get_by_role("button", name="Link your X account")
        button.wait_for()
        self.page.wait_for_load_state("load")
        return button

    def asks_match(self, purpose: str = "customer-care", *, by: str = "id") -> str:
        """Let the shop ask the match API, and return the verdict that it shows."""
        self.page.goto(f"{self.town.shop_url}/account")
        self.page.select_option("#by", by)
        self.page.select_option("#purpose", purpose)
        self.page.get_by_role("button", name="Ask the match API").click()
        return self.page.locator("#verdict").inner_text()

    # --- at the platform

    def proves(self, account: Account | None = None) -> None:
        """Sign in at the platform."""
        self.effort.logins += 1
        self.click(self.page.locator(f"input[name=person][value='{(account or self.account).id}']"))
        self.click(self.page.locator("button[value=authorize]"))

    # --- at the broker

    def comes_to_notice(self, *, handle: str = "") -> None:
        """Walk from the shop's front door to the notice."""
        self.signs_up(handle=handle)
        self.asks_to_link()
        self.proves()
        self.page.wait_for_load_state("load")  # its style sheet, too: before that nothing has its size
        expect(self.page.locator("[data-notice]")).to_be_visible()

    def answers(self, choice: str, *purposes: str) -> None:
        """Tick purposes and press one of the two buttons."""
        for purpose in purposes:
            self.click(self.box(purpose))
        self.click(self.button(choice))

    def links(self, *purposes: str) -> None:
        """Walk the whole way to a link, and end at the shop."""
        self.comes_to_notice()
        self.answers("allow", *(purposes or ("customer-care",)))
        expect(self.page.locator("#linked-handle")).to_have_text(f"@{self.account.handle}")

    def refuses(self) -> None:
        """Walk to the notice, say no, and end at the shop."""
        self.comes_to_notice()
        self.answers("refuse")
        self.at_shop()

    def signs_in(self) -> None:
        """Open the person's pages and prove the account there."""
        self.open(f"{self.town.issuer}/consents")
        self.click(self.page.locator("form[action$='/sign-in'] button"))
        self.proves()
        expect(self.page).to_have_url(f"{self.town.issuer}/consents")

    def withdraws(self) -> None:
        """Press the page's only Withdraw."""
        self.click(self.button("withdraw"))
        expect(self.page.get_by_role("status")).to_be_visible()

    def box(self, purpose: str) -> Locator:
        """Return a purpose's box."""
        return self.page.locator(f"input[name=purpose][value='{purpose}']")

    def button(self, choice: str) -> Locator:
        """Return the button of a choice."""
        return self.page.locator(f"button[name=choice][value='{choice}']")

    # --- what eyes see

    def reads_notice(self) -> str:
        """Return the notice's words as they stand on the screen, one block a line."""
        # Before the stylesheet is there, a box's title and explanation run together.
        self.page.wait_for_load_state("load")
        return canonical(self.page.locator("[data-notice]").inner_text())

    def downloads(self, link: Locator) -> str:
        """Follow a link to a file and return what is in it."""
        with self.page.expect_download() as coming:
            self.click(link)
        return Path(coming.value.path()).read_text().strip()

    def downloads_at_shop(self) -> str:
        """Return the receipt that the shop hands over."""
        self.page.goto(f"{self.town.shop_url}/account")
        return self.downloads(self.page.get_by_role("link", name="Download the receipt"))

    def withdrawal_link(self) -> str:
        """Return the link that stands in the receipt which the shop hands over."""
        link: str = payload_of(self.downloads_at_shop())["record"]["withdrawal"]["uri"]
        return link

    def at_shop(self) -> str:
        """Expect to be back at the shop, and return what it says."""
        expect(self.page).to_have_url(f"{self.town.shop_url}/account")
        return self.page.locator("#news").inner_text()

    def is_at_broker(self) -> bool:
        """Tell whether the page is the broker's."""
        return wire.origin_of(self.page.url) == self.town.issuer

    def path(self) -> str:
        """Return the path of the page."""
        return urlsplit(self.page.url).path


def canonical(text: str) -> str:
    """Return the lines of a text that hold words, each with single spaces."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)

"""What a visitor does more than once: sign up, go to link, prove an account, ask the match API."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from demonstration.browser import Browser, Page
from demonstration.stage import Addresses
from demonstration.steps import expect


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account at the platform."""

    id: str
    handle: str


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What the shop asked, what the broker answered, and how the shop puts that in words."""

    question: dict[str, Any]
    answer: dict[str, Any]
    told: str

    @property
    def learnt(self) -> tuple[dict[str, Any], str]:
        """Everything the shop can see of the answer but its number and its time."""
        context = {name: value for name, value in self.answer["context"].items() if name not in {"id", "decided_at"}}
        return {**self.answer, "context": context}, self.told


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A person with a browser, an address, an account at the platform, and perhaps a handle to claim."""

    name: str
    email: str
    masked: str
    account: Account
    handle: str = ""
    browser: Browser = field(repr=False)

    def sign_up(self, at: Addresses) -> Page:
        """Open an account at the shop."""
        page = self.browser.open(at.shop_url)
        page = self.browser.send(page.form(action="/signup"), name=self.name, email=self.email, handle=self.handle)
        return arrived(page, at.shop_url, "/account")

    def ask_to_link(self, at: Addresses) -> Page:
        """Press the shop's button, which leads by way of the broker to the platform."""
        page = self.browser.open(f"{at.shop_url}/account")
        page = self.browser.send(page.form(action="/link"))
        expect(that=any(hop.startswith(at.issuer) for hop in page.trail), otherwise="the broker was passed by")
        return arrived(page, at.platform_url, "/i/oauth2/authorize")

    def prove(self, then: str, path: str) -> Page:
        """Sign in at the platform that the browser shows, which leads somewhere."""
        page = self.shown()
        page = self.browser.send(page.form(button="authorize"), choice="authorize", person=self.account.id)
        return arrived(page, then, path)

    def answer(self, choice: str, *, ticked: tuple[str, ...] = ()) -> Page:
        """Tick purposes on the notice and press one of its buttons."""
        return self.browser.send(self.shown().form(button=choice), choice=choice, purpose=list(ticked))

    def link(self, at: Addresses, *, purposes: tuple[str, ...]) -> Page:
        """Go the whole way to a linked account."""
        self.ask_to_link(at)
        self.prove(at.issuer, "/consent/")
        page = arrived(self.answer("allow", ticked=purposes), at.shop_url, "/account")
        expect(that=f"@{self.account.handle}" in page.words, otherwise="the shop shows no linked handle")
        return page

    def match(self, at: Addresses, *, by: str = "id", purpose: str = "customer-care") -> dict[str, Any]:
        """Let the shop ask the match API and return the answer."""
        page = self.browser.open(f"{at.shop_url}/account")
        page = self.browser.send(page.form(action="/match"), by=by, purpose=purpose)
        arrived(page, at.shop_url, "/match")
        answer: dict[str, Any] = json.loads(page.reading.marked["answer"])
        return answer

    def ask_on_given(self, at: Addresses, *, purpose: str = "customer-care", said: str = "form") -> Exchange:
        """Let the shop ask on the handle alone that was given at the signup, saying where it has it from."""
        page = self.browser.open(f"{at.shop_url}/account")
        page = self.browser.send(page.form(action="/ask"), purpose=purpose, said=said)
        marked = arrived(page, at.shop_url, "/ask").reading.marked
        return Exchange(
            question=json.loads(marked["question"]),
            answer=json.loads(marked["answer"]),
            told=f"{marked['verdict']} {marked.get('why', '')}",
        )

    def sign_in(self, at: Addresses) -> Page:
        """Sign in at the broker by proving the account."""
        page = self.browser.open(f"{at.issuer}/consents")
        self.browser.send(page.form(action="/consents/sign-in"))
        return self.prove(at.issuer, "/consents")

    def shown(self) -> Page:
        """Return the page that the browser shows."""
        page = self.browser.page
        if page is None:
            raise LookupError("no page is open")
        return page


def arrived(page: Page, site: str, path: str) -> Page:
    """Return a page that is good and where it should be."""
    expect(that=page.status == HTTPStatus.OK, otherwise=f"a page with status {page.status}")
    expect(that=page.address.startswith(site + path), otherwise=f"expected {site}{path}")
    return page


def permitted(answer: dict[str, Any], *, basis: str = "consent", clause: str = "MATCH-2") -> None:
    """Expect a permit on one ground, in the name of one clause."""
    expect(that=answer.get("decision") is True, otherwise=f"the answer is {answer}")
    expect(that=answer["context"].get("basis") == basis, otherwise=f"the answer is {answer}")
    decided_by(answer, clause)


def denied(answer: dict[str, Any], *, reason: str, clause: str = "") -> None:
    """Expect a denial for one reason, in the name of one clause where one is given."""
    expect(that=answer.get("decision") is False, otherwise=f"the answer is {answer}")
    found = answer["context"].get("reason")
    expect(that=found == reason, otherwise=f"expected the reason {reason}, found {found}")
    if clause:
        decided_by(answer, clause)


def decided_by(answer: dict[str, Any], clause: str) -> None:
    """Expect that one clause, and no other, made the answer."""
    found = answer["context"].get("clauses")
    expect(that=found == [clause], otherwise=f"expected the clause {clause}, found {found}")

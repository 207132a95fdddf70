"""A person who proves an account, reads the notice, and says yes or no."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from harness import wire
from harness.browser import Browser, Page
from harness.business import Asked, Business
from harness.forms import Form
from harness.running import Account, RunningBroker, RunningSandbox


@dataclass(frozen=True)
class Linked:
    """A consent that was given, from both ends."""

    account: Account
    email: str
    asked: Asked
    code: str
    token: dict[str, Any]

    @property
    def grant_id(self) -> str:
        """The grant's id."""
        grant_id: str = self.token["grant_id"]
        return grant_id

    @property
    def granted(self) -> dict[str, Any]:
        """The one object of authorization_details in the token answer."""
        (granted,) = self.token["authorization_details"]
        found: dict[str, Any] = granted
        return found

    @property
    def receipt(self) -> str:
        """The SD-JWT receipt of the consent."""
        receipt: str = self.granted["receipt"]
        return receipt


class Person:
    """Somebody with an account at the sandbox and a browser."""

    def __init__(self, broker: RunningBroker, sandbox: RunningSandbox, *, language: str = "en") -> None:
        self.broker = broker
        self.sandbox = sandbox
        self.account = sandbox.stranger()
        self.browser = Browser(broker.issuer, sandbox.url, language=language)

    def close(self) -> None:
        """Close the browser."""
        self.browser.close()

    def prove_account(self, at: Page, account: Account | None = None, *, choice: str = "authorize") -> Page:
        """Sign in at the platform's page and go where it sends the browser."""
        who = account or self.account
        return self.browser.submit(at.form, typed={"person": who.id}, button=("choice", choice))

    def callback_url(self, at: Page, *, choice: str = "authorize") -> str:
        """Sign in at the platform's page, but stop before the browser follows the way back."""
        self.browser.visits.discard(self.broker.issuer)
        page = self.prove_account(at, choice=choice)
        self.browser.visits.add(self.broker.issuer)
        return page.url

    def to_platform(self, business: Business, asked: Asked) -> Page:
        """Follow the business's link as far as the platform's page."""
        return self.browser.open(business.authorize_url(asked))

    def to_notice(self, business: Business, asked: Asked) -> Page:
        """Follow the business's link, prove the account, and stand before the notice."""
        page = self.prove_account(self.to_platform(business, asked))
        if page.status != 200 or "/consent/" not in page.url:
            raise AssertionError(f"no notice but {page.status} {page.url}: {page.words}")
        return page

    def allow(self, notice: Page, purposes: Collection[str]) -> Page:
        """Tick purposes and press Allow."""
        return self.browser.submit(notice.form, ticked=set(purposes), button=("choice", "allow"))

    def refuse(self, notice: Page) -> Page:
        """Press Don't allow."""
        return self.browser.submit(notice.form, button=("choice", "refuse"))

    def code(self, business: Business, asked: Asked, purposes: Collection[str] = ("customer-care",)) -> str:
        """Walk the whole way and return the code that the business receives."""
        landed = self.allow(self.to_notice(business, asked), purposes)
        if "code" not in landed.query:
            raise AssertionError(f"no code but {landed.status} {landed.url}: {landed.words}")
        return landed.query["code"]

    def consents(
        self, business: Business, purposes: Collection[str] = ("customer-care",), /, **details: object
    ) -> Linked:
        """Give a consent and let the business fetch it."""
        email = wire.fresh_email()
        identifier = {"kind": "person", "type": "email", "value": email}
        asked = business.par(details=business.details(**{"identifier": identifier, **details}))
        if asked.answer.status_code != 201:
            raise AssertionError(f"the pushed request was refused: {asked.answer.text}")
        code = self.code(business, asked, purposes)
        answer = business.exchange(code, asked.verifier)
        if answer.status_code != 200:
            raise AssertionError(f"no token: {answer.status_code} {answer.text}")
        return Linked(self.account, email, asked, code, answer.json())

    def signs_in(self, account: Account | None = None, *, environment: str | None = None) -> Page:
        """Open /consents and prove the account there; an environment is asked for in the address."""
        self.browser.cookies.pop("__Host-consent-broker-person", None)  # who was signed in, is so no more
        asked = f"?environment={environment}" if environment else ""
        page = self.browser.open(f"{self.broker.issuer}/consents{asked}")
        (form,) = [form for form in page.reading.forms if form.action.endswith("/consents/sign-in")]
        button = next(((c.name, c.value) for c in form.controls if c.kind == "submit" and c.name), None)
        return self.prove_account(self.browser.submit(form, button=button), account)

    def withdraws(self, grant_id: str) -> Page:
        """Withdraw one consent on /consents."""
        page = self.signs_in()
        (form,) = [f for f in page.reading.forms if f.named("grant_id") and f.value_of("grant_id") == grant_id]
        return self.browser.submit(form, button=("choice", "withdraw"))

    def objects(self, client_id: str | None = None, *, choice: str = "object", environment: str | None = None) -> Page:
        """Object to all matching, or to one business's, on /consents; `allow-again` takes it back."""
        forms = self.signs_in(environment=environment).reading.forms
        (form,) = [form for form in forms if form.action.endswith("/consents/object") and _about(form) == client_id]
        return self.browser.submit(form, button=("choice", choice))


def _about(form: Form) -> str | None:
    """Return the business that a form is about; None when it is about every one."""
    return form.value_of("client_id") if form.named("client_id") else None

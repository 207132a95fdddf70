"""An honest OpenID provider, npm's oidc-provider, as the platform where a person proves an account."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pytest
from harness import wire
from harness.browser import Browser, Page, explains
from harness.business import Asked, Business, person_email
from harness.postgres import PostgresCluster
from harness.programs import Program, free_port
from harness.running import RunningBroker, RunningSandbox
from harness.strangers import command

ACCOUNTS = {"sub-0001": "erika.mustermann", "sub-0002": "max.mustermann"}
CLIENT = {"client_id": "broker", "client_secret": "secret-of-the-provider-for-the-tests"}


@dataclass(frozen=True)
class Place:
    """A broker that knows the provider, a business, and the provider itself."""

    broker: RunningBroker
    business: Business
    provider: str

    def be(self, sub: str) -> None:
        """Choose who is signed in at the provider."""
        assert 204 == wire.post(f"{self.provider}/who?sub={quote(sub)}").status_code

    def ask(self) -> tuple[Asked, str]:
        """Push a request for an account of the provider."""
        email = wire.fresh_email()
        details = self.business.details(platform="provider", identifier=person_email(email))
        asked = self.business.par(details=details)
        assert 201 == asked.answer.status_code, asked.answer.text
        return asked, email


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int],
    platform_of_all: RunningSandbox, postgres: Callable[[], PostgresCluster],
) -> Iterator[Place]:  # fmt: skip
    """Run provider and broker."""
    home = tmp_path_factory.mktemp(f"provider-{request.param}")
    port, broker_port = free_port(), ports["first"]
    issuer = f"http://127.0.0.1:{port}"
    callback = f"http://127.0.0.1:{broker_port}/link/provider/callback"
    settings = json.dumps({**CLIENT, "redirect_uri": callback, "accounts": ACCOUNTS})
    provider = Program(command("oidc_provider.mjs", str(port), settings), log=home / "provider.log")
    provider.until(provider.answers(f"{issuer}/.well-known/openid-configuration"))
    section = (
        f'[provider]\nkind = "oidc"\nissuer = "{issuer}"\nlabel = "Provider"\n'
        f'client_id = "{CLIENT["client_id"]}"\nclient_secret = "{CLIENT["client_secret"]}"\n'
    )
    url = postgres().fresh_database() if request.param == "postgres" else f"sqlite:///{home / 'broker.db'}"
    broker = RunningBroker(home, port=broker_port, database_url=url, platforms=platform_of_all.section() + section)
    yield Place(broker, broker.business(platforms=["x", "provider"]), issuer)
    broker.stop()
    provider.stop()


@pytest.fixture
def browser(place: Place) -> Iterator[Browser]:
    """Give a browser that visits broker and provider, as the first of the accounts."""
    place.be("sub-0001")
    browser = Browser(place.broker.issuer, place.provider)
    yield browser
    browser.close()


def callback_of(place: Place, browser: Browser, asked: Asked) -> str:
    """Go through the provider, but stop before the browser follows the way back."""
    started = browser.open(place.business.authorize_url(asked), follow=False)
    browser.visits.discard(place.broker.issuer)
    page = browser.open(started.answer.headers["Location"])
    browser.visits.add(place.broker.issuer)
    return page.url


def nothing_is_linked(place: Place, email: str) -> bool:
    """Tell whether the business holds nothing about the first account."""
    decision = place.business.match({"platform": "provider", "id": "sub-0001"}, email)
    return decision["decision"] is False


def allow(browser: Browser, notice: Page) -> Page:
    """Tick customer care and press Allow."""
    return browser.submit(notice.form, ticked={"customer-care"}, button=("choice", "allow"))


def test_an_account_of_the_provider_is_linked_by_its_permanent_id(place: Place, browser: Browser) -> None:
    asked, email = place.ask()
    notice = browser.open(place.business.authorize_url(asked))
    assert (200, True) == (notice.status, "erika.mustermann" in notice.words)
    token = place.business.exchange(allow(browser, notice).query["code"], asked.verifier).json()
    account = token["authorization_details"][0]["account"]
    assert {"platform": "provider", "id": "sub-0001", "handle": "erika.mustermann"} == account
    assert not nothing_is_linked(place, email)


def test_an_account_of_one_platform_is_none_of_another(place: Place, browser: Browser) -> None:
    asked, email = place.ask()
    notice = browser.open(place.business.authorize_url(asked))
    place.business.exchange(allow(browser, notice).query["code"], asked.verifier)
    other = place.business.ask_match(place.business.match_request({"platform": "x", "id": "1"}, email))
    assert other.json()["decision"] is False


@pytest.mark.parametrize(
    "iss",
    [None, "https://attacker.example", "", "PROVIDER/"],
    ids=["none", "another", "empty", "with a slash"],
)
def test_the_provider_must_say_that_it_was_it(place: Place, browser: Browser, iss: str | None) -> None:
    asked, email = place.ask()
    callback = callback_of(place, browser, asked)
    query = wire.query_of(callback)
    assert place.provider == query.pop("iss")
    if iss is not None:
        query["iss"] = iss.replace("PROVIDER", place.provider)
    page = browser.open(f"{callback.split('?')[0]}?{urlencode(query)}")
    assert (True, True) == (page.status in {400, 403}, explains(page))
    assert nothing_is_linked(place, email)


def test_an_answer_of_one_platform_is_no_answer_of_another(place: Place, browser: Browser) -> None:
    asked, email = place.ask()
    callback = callback_of(place, browser, asked)
    query = wire.query_of(callback)
    query.pop("iss")
    for misled in (callback, f"{callback.split('?')[0]}?{urlencode(query)}"):
        page = browser.open(misled.replace("/link/provider/", "/link/x/"))
        assert page.status in {400, 403}
    assert nothing_is_linked(place, email)
    assert 200 == browser.open(callback).status


def test_who_turns_back_at_the_provider_has_refused(place: Place, browser: Browser) -> None:
    place.be("nobody")
    asked, email = place.ask()
    landed = browser.open(place.business.authorize_url(asked))
    assert ("access_denied", asked.state, place.broker.issuer) == (
        landed.query["error"], landed.query["state"], landed.query["iss"],
    )  # fmt: skip
    assert nothing_is_linked(place, email)


def test_another_browser_cannot_bring_back_the_providers_answer(place: Place, browser: Browser) -> None:
    asked, email = place.ask()
    callback = callback_of(place, browser, asked)
    other = Browser(place.broker.issuer, place.provider)
    page = other.open(callback)
    other.close()
    assert page.status in {400, 403}
    assert nothing_is_linked(place, email)

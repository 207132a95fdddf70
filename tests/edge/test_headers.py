"""What every answer carries, whatever it answers: pages cannot be framed, kept or sniffed."""

from collections.abc import Callable

import pytest
import requests
from harness import wire
from harness.business import Business
from harness.evidence import payload_of
from harness.person import Person
from harness.running import RunningBroker

#: What is looked at here happens before any row is, or after: one kind of database is enough.
pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

PAGES = [
    "notice",
    "notice asked again",
    "consents",
    "consents signed in",
    "receipt",
    "capability",
    "withdrawn",
    "a broken link",
    "a page that is not there",
    "a refused callback",
]


@pytest.fixture(scope="module")
def pages(broker: RunningBroker, request: pytest.FixtureRequest) -> dict[str, requests.Response]:
    """Walk once through every page and keep the answers."""
    sandbox = request.getfixturevalue("platform_of_all")
    business: Business = request.getfixturevalue("shared_business")
    person = Person(broker, sandbox)
    notice = person.to_notice(business, business.par())
    found = {"notice": notice, "notice asked again": person.allow(notice, [])}
    linked = person.consents(business)
    found["consents"] = person.browser.open(f"{broker.issuer}/consents")
    found["consents signed in"] = person.signs_in()
    found["receipt"] = person.browser.open(f"{broker.issuer}/consents/receipts/{payload_of(linked.receipt)['jti']}")
    found["capability"] = person.browser.open(payload_of(linked.receipt)["record"]["withdrawal"]["uri"])
    found["withdrawn"] = person.browser.submit(found["capability"].form, button=("choice", "withdraw"))
    found["a broken link"] = person.browser.open(f"{broker.issuer}/oauth/authorize")
    found["a page that is not there"] = person.browser.open(f"{broker.issuer}/nothing")
    found["a refused callback"] = person.browser.open(f"{broker.issuer}/link/x/callback?code=a&state=b")
    person.close()
    return {name: page.answer for name, page in found.items()}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_can_be_framed(pages: dict[str, requests.Response], name: str) -> None:
    policy = pages[name].headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "DENY" == pages[name].headers["X-Frame-Options"]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_runs_what_it_did_not_bring(pages: dict[str, requests.Response], name: str) -> None:
    rules = {
        rule.split()[0]: rule.split()[1:]
        for rule in pages[name].headers["Content-Security-Policy"].split(";")
        if rule.strip()
    }
    assert ["'none'"] == rules["default-src"]
    assert ["'none'"] == rules["base-uri"]
    # Chromium holds the redirect after a form to form-action too, and the business's page may stand anywhere.
    words = {word for name, values in rules.items() if name != "form-action" for word in values}
    assert set() == words & {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "https:", "http:"}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_every_page_keeps_to_itself(pages: dict[str, requests.Response], name: str, header: str, expected: str) -> None:
    assert expected == pages[name].headers[header]


@pytest.mark.parametrize("name", PAGES)
def test_no_cache_keeps_a_page(pages: dict[str, requests.Response], name: str) -> None:
    assert "no-store" in pages[name].headers["Cache-Control"]


@pytest.mark.parametrize("name", [page for page in PAGES if page != "a page that is not there"])
def test_pages_that_read_the_session_vary_by_it(pages: dict[str, requests.Response], name: str) -> None:
    assert "cookie" in pages[name].headers["Vary"].lower()


@pytest.mark.parametrize("name", PAGES)
def test_no_page_may_be_read_by_another_origin(pages: dict[str, requests.Response], name: str) -> None:
    allowed = [header for header in pages[name].headers if header.lower().startswith("access-control-")]
    assert [] == allowed


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_a_language_and_a_main_part(pages: dict[str, requests.Response], name: str) -> None:
    text = pages[name].text
    assert ("<html lang=" in text, "<main" in text) == (True, True)


def test_what_is_answered_to_programs_is_not_kept_or_framed(broker: RunningBroker, business: Business) -> None:
    answers = [
        business.ask_match(business.match_request("12", "jane@example.com")),
        business.grant("a" * 26),
        business.token_request(grant_type="client_credentials"),
        business.par().answer,
        broker.post("/v1/match"),
        broker.post("/oauth/token"),
    ]
    for answer in answers:
        assert "no-store" in answer.headers["Cache-Control"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]


def test_a_form_leads_on_by_303(business: Business, new_person: Callable[..., Person]) -> None:
    person = new_person()
    person.consents(business)
    person.signs_in()
    posted = [
        answer for answer in person.browser.answers if answer.request.method == "POST" and business.issuer in answer.url
    ]
    assert {303} == {answer.status_code for answer in posted if 300 <= answer.status_code < 400}
    assert posted


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"X-Forwarded-Host": "attacker.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=attacker.example"},
        {"X-Original-URL": "/v1/match"},
    ],
    ids=["Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL"],
)
def test_addresses_are_made_from_the_issuer_alone(
    broker: RunningBroker, business: Business, headers: dict[str, str]
) -> None:
    metadata = broker.get("/.well-known/oauth-authorization-server", headers=headers)
    if metadata.status_code == 200:
        assert "attacker.example" not in metadata.text
    answer = wire.get(business.authorize_url(business.par()), headers=headers)
    assert answer.status_code in {303, 400, 421}
    assert "attacker.example" not in answer.headers.get("Location", "") + answer.text


def test_the_server_does_not_say_what_it_is_made_of(broker: RunningBroker) -> None:
    said = " ".join(f"{name}: {value}" for name, value in broker.get("/consents").headers.items()).lower()
    assert [] == [word for word in ("werkzeug", "python", "flask") if word in said]

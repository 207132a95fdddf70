"""Every form of the person's pages is locked three times over, and no GET changes anything.

The forms are found in the application's own map of addresses: one that is new is held to this, or this goes red.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from builders import BROWSER, a_request, asked, consented, proved, refused, registered
from flask.testing import FlaskClient
from harness.forms import Form, read
from raw_rows import Rows, all_rows

from broker.actions.broker import Broker
from broker.actions.list_consents import open_receipt
from broker.actions.sign_in import sign_in
from broker.app import create_app
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.proof.journal import create_journal
from broker.store.people import Person, find_person
from broker.web.problems import _API
from broker.web.security import BROWSER_COOKIE, PERSON_COOKIE

HOME = "https://localhost"
#: The browser's own name, in the form of a cookie.
THIS_BROWSER = BROWSER.replace(" ", "-").ljust(43, "x")


@dataclass(frozen=True)
class Sent:
    """One form as its page would send it, by the rule of the address it goes to."""

    rule: str
    path: str
    pairs: list[tuple[str, str]]


@dataclass
class Visit:
    """A browser in which somebody is signed in, with everything that the pages can show."""

    broker: Broker
    http: FlaskClient
    client: Client
    record: ConsentRecord
    link: str
    capability: str

    @property
    def pages(self) -> list[str]:
        """The address of every page that has a form of the person's."""
        return ["/consents", "/consents/erase", self.capability, self.link]

    def rows(self) -> Rows:
        """Every row there is."""
        with self.broker.database.transaction() as tx:
            return all_rows(tx)

    def get(self, path: str, method: str = "GET", **headers: str) -> Any:  # noqa: ANN401 - a test client's answer
        """Open an address."""
        return self.http.open(path, method=method, base_url=HOME, headers=headers)

    def forms(self) -> Iterator[Sent]:
        """Every form of every page, each button by itself."""
        for page in ("/consents", "/consents/erase", self.capability, self.link):
            yield from self._forms_of(page)
        self.http.delete_cookie(PERSON_COOKIE, domain="localhost")
        yield from self._forms_of("/consents")

    def _forms_of(self, page: str) -> Iterator[Sent]:
        text = self.get(page).text
        forms = [form for form in read(f"{HOME}{page}", text).forms if form.method == "post"]
        # A button may send its form elsewhere.
        others = [
            Form(f"{HOME}{path}", "post", forms[0].controls) for path in re.findall(r'formaction="([^"]+)"', text)
        ]
        for form in [*forms, *others]:
            path = form.action.removeprefix(HOME)
            yield Sent(self.rule_of(path), path, form.filled(button=("choice", _button(form))))

    def rule_of(self, path: str) -> str:
        """The rule of the application's map that an address is found by."""
        rule, _arguments = self.http.application.url_map.bind("localhost").match(path, "POST", return_rule=True)
        return str(rule)


def _button(form: Form) -> str:
    named = [control for control in form.controls if control.kind == "submit" and control.name == "choice"]
    return named[0].value if named else ""


def person_of(broker: Broker, record: ConsentRecord) -> Person:
    """The person behind a consent."""
    with broker.database.transaction() as tx:
        found = find_person(tx, broker.sealer, record.account)
    assert found is not None
    return found


@pytest.fixture
def visit(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Let somebody give two consents, refuse another, be asked about, signal, sign in, and stand before a notice."""
    monkeypatch.setattr("builders.BROWSER", THIS_BROWSER)
    create_journal(broker.log.marks)
    client, other = registered(broker), registered(broker, client_name="Contoso Market")
    record = consented(broker, client)
    consented(broker, other)
    refused(broker, registered(broker, client_name="Fabrikam"))
    asked(broker, client)
    person = person_of(broker, record)
    seen = proved(broker, person.proven, a_request(client), gpc=True)
    with broker.database.transaction() as tx:
        session = sign_in(tx, broker, person)
        capability = open_receipt(tx, broker, person, record.receipt_id).withdrawal_uri.removeprefix(broker.issuer)
    http = create_app(broker).test_client()
    for name, value in ((PERSON_COOKIE, session), (BROWSER_COOKIE, THIS_BROWSER)):
        http.set_cookie(name, value, domain="localhost", secure=True)
    return Visit(broker, http, client, record, f"/consent/{seen.link_id}", capability)


def rules_of_people(broker: Broker) -> set[str]:
    """Every address that takes a form from a person's page: all that take POST and are not for programs."""
    rules = [rule for rule in create_app(broker).url_map.iter_rules() if "POST" in (rule.methods or ())]
    return {str(rule) for rule in rules if not str(rule).startswith((*_API, "/oauth/"))}


def test_every_form_there_is_stands_on_a_page_that_these_tests_open(visit: Visit) -> None:
    assert rules_of_people(visit.broker) == {sent.rule for sent in visit.forms()}


LOCKS: dict[str, tuple[dict[str, str], str | None]] = {
    "from another site": ({"Sec-Fetch-Site": "cross-site"}, None),
    "from another host of the site": ({"Sec-Fetch-Site": "same-site"}, None),
    "by another origin": ({"Origin": "https://attacker.example"}, None),
    "without a token": ({}, ""),
    "with two tokens": ({}, "two"),
    "with a guess": ({}, "A" * 43),
    "with a token in other letters": ({}, "gu\u00e9ss"),
}


@pytest.mark.parametrize(("headers", "token"), LOCKS.values(), ids=LOCKS.keys())
def test_no_form_is_taken(visit: Visit, headers: dict[str, str], token: str | None) -> None:
    forms = list(visit.forms())
    before = visit.rows()
    for sent in forms:
        answer = send(visit, sent, headers=headers, token=token)
        assert answer.status_code in {400, 403}, f"{sent.rule}: {answer.status_code}"
    assert before == visit.rows()


def test_the_token_of_one_browser_opens_no_form_of_another(visit: Visit) -> None:
    forms = list(visit.forms())
    before = visit.rows()
    for sent in forms:
        if sent.rule == "/consents/<capability>":
            continue  # the link is the key: whoever holds it may, in any browser
        answer = send(visit, sent, cookies={PERSON_COOKIE: "p" * 43, BROWSER_COOKIE: "b" * 43})
        assert answer.status_code in {400, 403}, f"{sent.rule}: {answer.status_code}"
    assert before == visit.rows()


def test_each_form_as_its_page_sends_it_is_taken(visit: Visit) -> None:
    """Else the tests above would show nothing: what is refused there is refused for the lock alone."""
    cookies = {cookie.key: cookie.value for cookie in visit.http._cookies.values()}  # noqa: SLF001 - Werkzeug hides them
    forms = {sent.path: sent for sent in visit.forms()}
    # What ends the visit comes last; each of these would take the ground from under the others.
    last = ("/consents/sign-out", "/consents/erase", "/consents/not-me", f"{visit.link}/not-me")
    for path in [path for path in forms if path not in last] + ["/consents/erase"]:
        answer = send(visit, forms[path], headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"}, cookies=cookies)
        assert answer.status_code in {200, 303, 422}, f"{path}: {answer.status_code} {answer.text[:500]}"


def send(
    visit: Visit,
    sent: Sent,
    *,
    headers: dict[str, str] | None = None,
    token: str | None = None,
    cookies: dict[str, str] | None = None,
) -> Any:  # noqa: ANN401 - a test client's answer
    """Send a form, its token changed, from a browser with these cookies."""
    pairs = [(name, value) for name, value in sent.pairs if name != "csrf" or token is None]
    if token:
        pairs += [("csrf", dict(sent.pairs)["csrf"])] * 2 if token == "two" else [("csrf", token)]
    if cookies is not None:
        for name, value in cookies.items():
            visit.http.set_cookie(name, value, domain="localhost", secure=True)
    data: dict[str, list[str]] = {}
    for name, value in pairs:
        data.setdefault(name, []).append(value)
    return visit.http.post(sent.path, base_url=HOME, data=data, headers=headers or {})


def links_of(visit: Visit, pages: list[str]) -> set[str]:
    """Every address that a page of the person's or a receipt names and that is the broker's own."""
    found = set(pages)
    for page in [*pages, "/consents/asked", "/consents/past", "/consents/everything", "/"]:
        found |= {
            link.removeprefix(HOME).partition("#")[0] for link in read(f"{HOME}{page}", visit.get(page).text).links
        }
    return {link for link in found if link.startswith("/")}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_that_follows_every_link_changes_nothing(visit: Visit, method: str) -> None:
    links = links_of(visit, visit.pages)
    assert len(links) > 12
    before = {name: rows for name, rows in visit.rows().items() if name != "person_sessions"}
    for link in sorted(links):
        assert visit.get(link, method, **{"Sec-Fetch-Site": "cross-site"}).status_code < 500
    # And as a scanner of mails, which is nobody.
    visit.http.delete_cookie(PERSON_COOKIE, domain="localhost")
    visit.http.delete_cookie(BROWSER_COOKIE, domain="localhost")
    for link in sorted(links):
        assert visit.get(link, method).status_code < 500
    # A visit that is used stays awake; nothing else has changed.
    assert before == {name: rows for name, rows in visit.rows().items() if name != "person_sessions"}

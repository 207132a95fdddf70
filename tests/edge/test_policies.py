"""The terms in force, for people and for programs."""

import hashlib
import json

import pytest
from harness import wire
from harness.business import Business
from harness.forms import read
from harness.running import RunningBroker
from harness.terms import DOCUMENT, clause_ids

from broker.policies import SHIPPED

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

PAGE = "/policies/x-developer-terms"


def test_people_read_every_clause(broker: RunningBroker) -> None:
    answer = broker.get(PAGE, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
    page = read(answer.url, answer.text)
    assert [] == [clause for clause in clause_ids() if clause not in page.words]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


BROWSERS = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html",
    "application/xhtml+xml",
    "application/json,text/html",
]
#: They name neither: an address from a decision opens wherever it is put.
WHOEVER = ["*/*", None, "", "text/html;q=0", "application/json;q=0", "a/b;q=x,,;"]
PROGRAMS = ["application/json", "application/json,text/html;q=0.9", "application/*", "application/json,*/*;q=0.1"]


@pytest.mark.parametrize(
    ("accept", "kind"), [*((a, "text/html") for a in BROWSERS + WHOEVER), *((a, "json") for a in PROGRAMS)]
)
def test_json_for_who_names_it_and_likes_it_better_and_a_page_for_everybody_else(
    broker: RunningBroker, accept: str | None, kind: str
) -> None:
    for path in ("/policies", PAGE):
        assert kind in broker.get(path, headers={"Accept": accept}).headers["Content-Type"]
    assert "json" in broker.get(f"{PAGE}.json", headers={"Accept": accept}).headers["Content-Type"]


def test_the_page_speaks_the_readers_language(broker: RunningBroker) -> None:
    english, german = (
        broker.get(PAGE, headers={"Accept-Language": language, "Accept": "text/html"}) for language in ("en", "de")
    )
    assert ("en", "de") == (read(PAGE, english.text).language, read(PAGE, german.text).language)
    assert {"Accept", "Accept-Language"} <= {name.strip() for name in german.headers["Vary"].split(",")}
    assert "Cookie" not in english.headers["Vary"]


def test_who_has_the_document_is_told_so(broker: RunningBroker) -> None:
    first = broker.get(f"{PAGE}.json")
    again = broker.get(f"{PAGE}.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (304, b"") == (again.status_code, again.content)


def test_programs_read_the_document_that_decisions_name(broker: RunningBroker, business: Business) -> None:
    answer = broker.get(PAGE, headers={"Accept": "application/json"})
    body = answer.json()
    assert (200, "application/json") == (answer.status_code, answer.headers["Content-Type"])
    decided = business.match("12", wire.fresh_email())["context"]["policy"]
    assert decided == {name: body[name] for name in ("id", "version", "digest")}
    assert "sha256:" + hashlib.sha256((SHIPPED / DOCUMENT).read_bytes()).hexdigest() == body["digest"]
    assert clause_ids() == list(dict.fromkeys(clause["id"] for clause in body["clauses"]))
    for clause in body["clauses"]:
        assert {"id", "effect", "says", "source", "when", "decides", "explains"} < clause.keys()
        assert ("basis" if clause["effect"] == "permit" else "reason") in clause
        assert clause["when"]["act"]
    assert 1_500_000 == body["limits"]["ids-per-recipient-30-days"]


def test_a_document_for_another_platform_stands_beside_it(broker: RunningBroker) -> None:
    body = broker.get("/policies/mastodon-covenant-terms", headers={"Accept": "application/json"}).json()
    assert "mastodon" == body["platform"]


@pytest.mark.parametrize("name", ["nobody", "X-DEVELOPER-TERMS", "..%2f..%2fetc%2fpasswd", "%00", "%ff", "a" * 4000])
def test_terms_that_are_not_there_are_a_page_that_says_so(broker: RunningBroker, name: str) -> None:
    answer = broker.get(f"/policies/{name}", headers={"Accept": "text/html"})
    assert 404 == answer.status_code
    assert answer.headers["Content-Type"].startswith("text/html")
    assert name not in json.dumps(read(answer.url, answer.text).words)


def test_terms_that_are_not_there_are_a_problem_to_programs(broker: RunningBroker) -> None:
    for path in ("/policies/nobody", "/policies/nobody.json"):
        answer = broker.get(path, headers={"Accept": "application/json"})
        assert (404, True) == (answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nobody_changes_the_terms_over_the_wire(broker: RunningBroker, method: str) -> None:
    assert wire.call(method, f"{broker.issuer}{PAGE}").status_code in {403, 405}

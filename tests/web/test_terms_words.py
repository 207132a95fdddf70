"""The terms in plain words: every id has some, and a reader finds each clause once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import a_broker, a_pen
from flask import Flask
from werkzeug.test import TestResponse

from broker.app import create_app
from broker.core.compare import explain
from broker.core.conditions import ACTS
from broker.core.evidence import TAGS
from broker.core.policy import BASES, LIMITS
from broker.errors import NotFound, PolicyRefused
from broker.policies import SHIPPED, load_policy
from broker.store.database import Database
from broker.web import terms_words
from broker.web.pages import clause_address, failure_page
from broker.web.terms_page import families

X = load_policy(SHIPPED / "x-developer-terms.toml")
DOCUMENT = f"/policies/{X.ref.id}"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """Give the whole application; its database stays empty."""
    database = Database(f"sqlite:///{tmp_path / 'broker.db'}", pen=a_pen())
    yield create_app(a_broker(database))
    database.close()


def as_json(app: Flask) -> TestResponse:
    """Ask for the document as a program does."""
    return app.test_client().get(DOCUMENT, headers={"Accept": "application/json"})


def test_everything_with_an_id_in_a_document_has_words() -> None:
    assert {name for names in LIMITS.values() for name in names} == terms_words.LIMITS.keys()
    assert set(BASES) == terms_words.BASES.keys()
    assert set(TAGS) == terms_words.CLAIMS.keys()
    assert set() == {terms_words.family_of(clause.id) for clause in X.clauses} - terms_words.FAMILIES.keys()


def test_what_a_clause_decides_is_said_in_the_pages_language(app: Flask) -> None:
    (clause,) = [clause for clause in X.clauses if clause.id == "SURVEILLANCE-8"]
    told = []
    for language in ("en", "de"):
        with app.test_request_context(headers={"Accept-Language": language}):
            told.append((terms_words.verdict_words(clause), terms_words.rule_words(clause)))
    assert ("Forbids", (ACTS["call"],)) == (told[0][0], told[0][1].acts)
    assert [("the application is", ("suspended",))] == [(one.words, one.values) for one in told[0][1].conditions]
    assert [] == [pair for pair in zip(*told, strict=True) if pair[0] == pair[1]]


def test_every_clause_is_read_once_and_every_rule_of_it_there(app: Flask) -> None:
    with app.test_request_context():
        entries = [entry for family in families(X) for entry in family.entries]
    assert sorted({clause.id for clause in X.clauses}) == sorted(entry.id for entry in entries)
    assert len(X.clauses) == sum(len(sentence.rules) for entry in entries for sentence in entry.sentences)


def test_clauses_stand_in_the_order_of_their_numbers(app: Flask) -> None:
    with app.test_request_context():
        found = {family.id: [entry.id for entry in family.entries] for family in families(X)}
    assert ["MATCH-1", "MATCH-2", "MATCH-3", "MATCH-4", "MATCH-4a", "MATCH-4b1", "MATCH-4b2"] == found["MATCH"]
    assert ["SENSITIVE-1", "SENSITIVE-1.health", "SENSITIVE-1.financial"] == found["SENSITIVE"][:3]
    assert "SENSITIVE-2" == found["SENSITIVE"][-1]


#: Who asks how, and whether they get the page.
ASKED = {
    "a browser": (BROWSER, True),
    "for a page": ("text/html", True),
    "for XHTML": ("application/xhtml+xml", True),
    "for any text": ("text/*", True),
    "for both alike": ("application/json, text/html", True),
    "for a page rather": ("application/json;q=0.4, text/html;q=0.5", True),
    "for JSON rather": ("application/json;q=0.5, text/html;q=0.4", False),
    "for JSON": ("application/json", False),
    "for anything": ("*/*", True),
    "for nothing": (None, True),
    "for no page": ("text/html;q=0, application/json", False),
    "for JSON, and else anything": ("application/json, */*;q=0.5", False),
    "for no JSON": ("application/json;q=0", True),
    "for what there is not": ("image/png", True),
    "for nonsense": (";;,q=x", True),
}


@pytest.mark.parametrize("path", ["/policies", DOCUMENT, "/policies/nothing-of-the-kind"])
@pytest.mark.parametrize(("accept", "page"), ASKED.values(), ids=ASKED.keys())
def test_people_get_a_page_and_programs_json_found_or_not(
    app: Flask,
    path: str,
    accept: str | None,
    page: bool,  # noqa: FBT001 - a column of the table
) -> None:
    answer = app.test_client().get(path, headers={"Accept": accept} if accept else {})
    found = path != "/policies/nothing-of-the-kind"
    expected = "text/html" if page else "application/json" if found else "application/problem+json"
    assert (200 if found else 404, expected) == (answer.status_code, answer.mimetype)


def test_one_address_is_json_for_everybody(app: Flask) -> None:
    answers = [app.test_client().get(f"{DOCUMENT}.json", headers={"Accept": kind}) for kind in (BROWSER, "*/*")]
    assert ["application/json"] * 2 == [answer.mimetype for answer in answers]
    assert answers[0].data == answers[1].data == as_json(app).data
    missing = app.test_client().get("/policies/nothing.json", headers={"Accept": BROWSER})
    assert (404, "application/problem+json") == (missing.status_code, missing.mimetype)


def test_the_json_says_what_the_document_says_and_what_each_clause_decides(app: Flask) -> None:
    body = json.loads(as_json(app).data)
    assert (X.ref.id, X.ref.version, X.ref.digest) == (body["id"], body["version"], body["digest"])
    assert dict(X.limits) == body["limits"]
    assert [(clause.id, clause.says, explain(clause)) for clause in X.clauses] == [
        (clause["id"], clause["says"], clause["explains"]) for clause in body["clauses"]
    ]
    assert all(set(clause["decides"]) == set(clause["when"]["act"]) <= ACTS.keys() for clause in body["clauses"])


@pytest.mark.parametrize("accept", [BROWSER, "application/json"])
def test_who_has_the_terms_already_is_told_so_and_another_form_is_another(app: Flask, accept: str) -> None:
    client = app.test_client()
    first = client.get(DOCUMENT, headers={"Accept": accept})
    again = client.get(DOCUMENT, headers={"Accept": accept, "If-None-Match": first.headers["ETag"]})
    assert (304, b"") == (again.status_code, again.data)
    assert {"Accept", "Accept-Language"} == set(first.headers["Vary"].split(", "))
    forms = [{"Accept": BROWSER}, {"Accept": BROWSER, "Accept-Language": "de"}, {"Accept": "application/json"}]
    assert 3 == len({client.get(DOCUMENT, headers=form).headers["ETag"] for form in forms})


def test_a_refusals_page_leads_to_the_clauses_that_decided(app: Flask) -> None:
    with app.test_request_context():
        page = failure_page(PolicyRefused("no", clauses=("SURVEILLANCE-5", "NOBODYS-1"))).get_data(as_text=True)
        other = failure_page(NotFound("nothing")).get_data(as_text=True)
        assert clause_address("NOBODYS-1") is None
    assert f'<a href="{DOCUMENT}#SURVEILLANCE-5">SURVEILLANCE-5</a>' in page
    assert (False, False) == ("NOBODYS-1" in page, "Decided by" in other)

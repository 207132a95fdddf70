"""What travels is described by schemas/, and schemas/ is exported from the code."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import a_broker, a_pen, a_question, a_tag, registered
from contract import answered, faults
from flask.testing import FlaskClient

from broker.actions.broker import Broker
from broker.actions.decide_match import answer_offer
from broker.app import create_app
from broker.policies import SHIPPED
from broker.proof.sdjwt import parse, payload_of
from broker.store.database import Database
from broker.store.grounds import find_statement
from broker.store.migrating import migrate
from broker.store.people import sealer_of
from broker.web.tag_wire import ProvenanceWire

ROOT = Path(__file__).resolve().parents[2]
#: Pages for browsers, and addresses that a standard describes.
UNDESCRIBED = re.compile(
    r"/|/static/.*|/verify|/embed\.js|/consents.*|/consent/.*|/link/.*|/oauth/authorize|/\.well-known/.*|/health/.*|/metrics"
)


def written(name: str) -> dict[str, Any]:
    """Return a schema as it lies in the folder."""
    found: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.json").read_text())
    return found


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Give a whole broker on a database of its own."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('schemas') / 'broker.db'}", pen=a_pen())
    migrate(database)
    return a_broker(database)


@pytest.fixture(scope="module")
def http(broker: Broker) -> FlaskClient:
    """Give a way to ask its faces."""
    return create_app(broker).test_client()


def test_the_schemas_are_those_of_the_code() -> None:
    """When this is red: run scripts/schemas, and look at what changed on the wire."""
    documents = runpy.run_path(str(ROOT / "scripts" / "schemas.py"))["documents"]()

    found = {path.name: path.read_text() for path in (ROOT / "schemas").glob("*.json")}

    assert documents == found


def test_every_path_of_the_api_is_described_with_its_methods_and_no_other(http: FlaskClient) -> None:
    served: dict[str, set[str]] = {}
    for rule in http.application.url_map.iter_rules():
        if not UNDESCRIBED.fullmatch(rule.rule):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            served.setdefault(path, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})

    paths = written("openapi")["paths"]

    assert served == {
        path: {method.upper() for method in methods if method != "parameters"} for path, methods in paths.items()
    }


def references(value: object) -> Iterator[str]:
    """Yield every reference within a document."""
    if isinstance(value, dict):
        yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from references(entry)


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "schemas").glob("*.json")))
def test_every_reference_leads_somewhere(name: str) -> None:
    document = written(name)
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


# --- policy documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*-terms.toml")), ids=lambda path: path.stem)
def test_the_shipped_terms_are_policy_documents(path: Path) -> None:
    assert [] == list(faults(tomllib.loads(path.read_text()), written("policy-document")))


def spoilt(spoil: Callable[[dict[str, Any], dict[str, Any]], object]) -> dict[str, Any]:
    """Return the terms of X with something done to the document and its first clause."""
    document = tomllib.loads((SHIPPED / "x-developer-terms.toml").read_text())
    spoil(document, document["clause"][0])
    return document


DEFECTS: Mapping[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "no limits": lambda document, _: document.pop("limits"),
    "a limit that is missing": lambda document, _: document["limits"].pop("report-cohort"),
    "a limit of what it does not permit": lambda document, _: document.update(
        clause=[it for it in document["clause"] if it["effect"] == "forbid" or it["when"]["act"] != ["hydrate"]]
    ),
    "a limit of nothing": lambda document, _: document["limits"].update({"report-cohort": 0}),
    "no clause": lambda document, _: document.update(clause=[]),
    "an unknown key": lambda document, _: document.update(author="me"),
    "an empty when": lambda _, clause: clause.update(when={}),
    "a when without an act": lambda _, clause: clause["when"].pop("act"),
    "an unknown act": lambda _, clause: clause["when"].update(act=["gaze"]),
    "an unknown condition": lambda _, clause: clause["when"].update(mood=["good"]),
    "a forbid with a basis": lambda _, clause: clause.update(basis="consent"),
    "a forbid without a reason": lambda _, clause: clause.pop("reason"),
}


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS.keys())
def test_a_document_with_a_defect_is_no_policy_document(
    defect: Callable[[dict[str, Any], dict[str, Any]], object],
) -> None:
    assert list(faults(spoilt(defect), written("policy-document")))


# --- provenance tags -----------------------------------------------------------------------------------------

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
GIVEN: dict[str, Any] = {
    "tag": "user_provided", "collected_at": "2026-03-01", "channel": "signup-form", "relationship": "customer",
    "expected_purposes": ["customer-care"],
    "disclosure": {"url": "https://northwind.example/privacy", "version": "3", "sha256": DIGEST},
}  # fmt: skip
FOUND: dict[str, Any] = {
    "tag": "public", "expected_purposes": ["professional-contact"],
    "source": {"kind": "directory", "url": "https://architects.example/jane", "retrieved_at": "2026-03-01",
               "sha256": DIGEST},
}  # fmt: skip
SHOWN: dict[str, Any] = {
    "tag": "public", "expected_purposes": ["customer-care"],
    "source": {"kind": "platform", "field": "bio", "retrieved_at": "2026-03-01T09:30:00Z"},
}  # fmt: skip
POST = {**SHOWN, "source": {**SHOWN["source"], "field": "post", "post_id": "1849"}}


def test_a_tag_with_all_its_evidence_is_a_provenance_tag_and_complete() -> None:
    for tag in (GIVEN, FOUND, SHOWN, POST, {**GIVEN, "origin": "bought"}):
        assert [] == list(faults(tag, written("provenance-tag"))), tag
        assert ProvenanceWire.model_validate(tag).to_core(loopback=False).complete


def lacking() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every tag that lacks one thing, or has one that is not what it should be."""
    for tag in (GIVEN, FOUND, SHOWN, POST):
        inside = "disclosure" if tag is GIVEN else "source"
        for name in tag[inside]:
            rest = {key: value for key, value in tag[inside].items() if key != name}
            yield f"{tag['tag']} without {inside}.{name}", {**tag, inside: rest}
        for name in tag.keys() - {"tag", "expected_purposes"}:
            yield f"{tag['tag']} without {name}", {key: value for key, value in tag.items() if key != name}
    yield "a relationship that is none", {**GIVEN, "relationship": "stranger"}
    yield "a digest that is none", {**FOUND, "source": {**FOUND["source"], "sha256": "abc"}}
    yield "an address that is none", {**FOUND, "source": {**FOUND["source"], "url": "architects.example"}}
    yield "a field that is not public", {**SHOWN, "source": {**SHOWN["source"], "field": "direct_message"}}
    yield "a channel that is a sentence", {**GIVEN, "channel": "she wrote to us, and told us: all"}
    yield "a channel with more than 32 letters", {**GIVEN, "channel": "a" * 33}
    yield "a version that is a sentence", {**GIVEN, "disclosure": {**GIVEN["disclosure"], "version": "the new one"}}
    yield "a post's id that is none", {**POST, "source": {**POST["source"], "post_id": "the first one"}}
    yield "a day from before there was a platform", {**GIVEN, "collected_at": "2002-12-31"}
    yield "a day that is a week", {**GIVEN, "collected_at": "2026-W40-1"}
    yield "a moment that is none", {**FOUND, "source": {**FOUND["source"], "retrieved_at": "2026-03-01T9"}}
    long = f"https://architects.example/{'a' * 2048}"
    yield "an address that is too long", {**FOUND, "source": {**FOUND["source"], "url": long}}
    yield "a paper that is too far", {**GIVEN, "disclosure": {**GIVEN["disclosure"], "url": long}}
    yield "a person's word with a source", {**GIVEN, "source": FOUND["source"]}
    yield "a public source with a channel", {**FOUND, "channel": "signup-form"}
    yield "a directory with a field", {**FOUND, "source": {**FOUND["source"], "field": "bio"}}
    yield "a field with an address", {**SHOWN, "source": {**SHOWN["source"], "url": FOUND["source"]["url"]}}
    yield "a bio with a post", {**SHOWN, "source": {**SHOWN["source"], "post_id": "1849"}}


LACKING = dict(lacking())


@pytest.mark.parametrize("tag", LACKING.values(), ids=LACKING.keys())
def test_the_schema_and_the_terms_call_the_same_tags_incomplete(tag: dict[str, Any]) -> None:
    assert list(faults(tag, written("provenance-tag")))
    assert not ProvenanceWire.model_validate(tag).to_core(loopback=False).complete


def test_a_tag_that_expects_nothing_is_no_provenance_tag() -> None:
    for expected in ([], None):
        assert list(faults({**GIVEN, "expected_purposes": expected}, written("provenance-tag")))


# --- what is answered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x-developer-terms", "mastodon-covenant-terms"])
def test_the_terms_in_force_are_answered_as_described(http: FlaskClient, name: str) -> None:
    answer = http.get(f"/policies/{name}", headers={"Accept": "application/json"})
    assert [] == answered(written("openapi"), "GET", "/policies/{policy_id}", 200, answer.json)
    assert [] == list(faults(answer.json, written("policy")))
    plain = http.get(f"/policies/{name}.json")
    assert [] == answered(written("openapi"), "GET", "/policies/{policy_id}.json", 200, plain.json)


def test_the_list_of_terms_is_answered_as_described(http: FlaskClient) -> None:
    answer = http.get("/policies", headers={"Accept": "application/json"})
    assert [] == answered(written("openapi"), "GET", "/policies", 200, answer.json)
    assert [] == answered(written("openapi"), "GET", "/policies/{policy_id}", 404, http.get("/policies/none.json").json)


def test_a_statement_says_what_its_schema_says(broker: Broker) -> None:
    client = registered(broker, purposes=("customer-care",))
    with broker.database.transaction() as tx:
        outcome = answer_offer(tx, broker, client, a_question(provenance=a_tag()))
        assert outcome.ground
        account = outcome.ground.account
        person = sealer_of(tx, broker.sealer, account)
        text = find_statement(tx, account, outcome.ground.statement_id, store=broker.sealer, person=person)
    payload: dict[str, Any] = payload_of(parse(text).jwt)
    assert [] == list(faults(payload, written("provenance-statement")))
    assert ["it.statement.tag is none of ['user_provided', 'public']"] == list(
        faults({**payload, "statement": {**payload["statement"], "tag": "bought"}}, written("provenance-statement"))
    )

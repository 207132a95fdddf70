"""JSON in and out: strict types, no unknown member, and the words of the fault."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from core.records import consent
from hypothesis import given
from hypothesis import strategies as st

from broker.actions.broker import Broker
from broker.actions.decide_match import Answer, Question
from broker.app import open_broker
from broker.core.evidence import Provenance
from broker.core.identifiers import Identifier
from broker.core.match import Decision, PolicyRef
from broker.errors import MalformedRequest
from broker.proof.keyfiles import create_keys
from broker.settings import Settings
from broker.web.wire import DecisionWire, MatchWire, Problem, dump, parse

ACCOUNT = {"platform": "x", "id": "2244994945"}
JANE = {"kind": "person", "type": "email", "value": "Jane@Example.com"}
BODY: dict[str, Any] = {"account": ACCOUNT, "identifier": JANE, "purpose": "customer-care"}
DIRECTORY = {
    "tag": "public",
    "origin": "direct",
    "expected_purposes": ["customer-care"],
    "source": {"kind": "directory", "url": "https://bar.example/", "retrieved_at": "2026-10-01", "sha256": "a" * 64},
}
SIGNUP = {
    "tag": "user_provided",
    "collected_at": "2026-10-01T09:00:00Z",
    "channel": "signup-form",
    "relationship": "customer",
    "disclosure": {"url": "https://northwind.example/privacy", "version": "3", "sha256": "a" * 64},
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Open a broker."""
    home = tmp_path_factory.mktemp("broker")
    master = "A" * 43
    create_keys(home / "keys", bytes(32), random=lambda size: bytes(range(size)))
    (home / "platforms.toml").write_text('[x]\nclient_id = "broker"\nclient_secret = "made-up"\n')
    settings = Settings(
        database_url=f"sqlite:///{home}/broker.db",
        keys_dir=home / "keys",
        platforms_file=home / "platforms.toml",
        master_key=master,
    )
    broker = open_broker(settings)
    yield broker
    broker.database.close()


def ask(opened: Broker, **changes: Any) -> Question:  # noqa: ANN401 - any member
    """Read a question with changes; a change to None leaves a member out."""
    whole = {name: it for name, it in {**BODY, **changes}.items() if it is not None}
    return parse(MatchWire, whole).to_core(opened)


def test_a_question_is_in_the_brokers_own_terms(opened: Broker) -> None:
    expected = Question(
        platform="x",
        account_id="2244994945",
        handle=None,
        identifier=Identifier(kind="person", type="email", value="jane@example.com"),
        purpose="customer-care",
    )
    assert expected == ask(opened)


def test_a_handle_may_stand_for_an_id(opened: Broker) -> None:
    asked = ask(opened, account={"platform": "x", "handle": "@XDevelopers"})
    assert (None, "XDevelopers") == (asked.account_id, asked.handle)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (DIRECTORY, Provenance(tag="public", source="directory", expected_purposes=("customer-care",))),
        (SIGNUP, Provenance(tag="user_provided")),
    ],
    ids=["public", "user_provided"],
)
def test_a_tag_is_read_with_its_source(opened: Broker, tag: dict[str, Any], expected: Provenance) -> None:
    assert expected == ask(opened, provenance=tag).provenance


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no account": ({"account": None}, "account: field required"),
    "an account as text": ({"account": "x:12"}, "account: input should be"),
    "neither id nor handle": ({"account": {"platform": "x"}}, "either id or handle"),
    "both id and handle": ({"account": {**ACCOUNT, "handle": "john"}}, "either id or handle"),
    "no platform": ({"account": {"id": "12"}}, "account.platform: field required"),
    "an unknown platform": ({"account": {"platform": "myspace", "id": "12"}}, "account.platform must be one of x"),
    "an id that is a number": ({"account": {"platform": "x", "id": 12}}, "account.id: input should be a valid string"),
    "an id that is true": ({"account": {"platform": "x", "id": True}}, "account.id: input should be"),
    "an id with a line break": ({"account": {"platform": "x", "id": "12\n"}}, "account.id is not an id"),
    "an id of letters": ({"account": {"platform": "x", "id": "john"}}, "account.id is not an id"),
    "an empty id": ({"account": {"platform": "x", "id": ""}}, "account.id: string should have at least 1"),
    "a handle in Cyrillic": ({"account": {"platform": "x", "handle": "j\u043ehn"}}, "account.handle is not a handle"),
    "an unknown member": ({"client_id": "a"}, "client_id: extra inputs are not permitted"),
    "an unknown member further in": ({"account": {**ACCOUNT, "name": "J"}}, "account.name: extra inputs"),
    "an unknown kind": ({"identifier": {**JANE, "kind": "soul"}}, "identifier.kind must be one of"),
    "an address that is none": ({"identifier": {**JANE, "value": "jane"}}, "identifier.value must be an e-mail"),
    "a value too long": ({"identifier": {**JANE, "value": "j" * 513}}, "identifier.value: string should have at most"),
    "a purpose that is a list": ({"purpose": ["customer-care"]}, "purpose: input should be a valid string"),
    "a purpose too long": ({"purpose": "p" * 513}, "purpose: string should have at most 512"),
    "a tag as text": ({"provenance": "public"}, "provenance: input should be"),
    "a tag with an unknown member": ({"provenance": {"tag": "public", "sure": "yes"}}, "provenance.sure: extra inputs"),
    "a source with an unknown member": (
        {"provenance": {"tag": "public", "source": {"kind": "register", "sure": "yes"}}},
        "provenance.source.sure: extra inputs",
    ),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_question_of_another_shape_is_refused_with_its_place(
    opened: Broker, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedRequest) as refused:
        ask(opened, **changes)
    assert named in refused.value.detail, refused.value.detail


TAGS_THAT_LACK_SOMETHING: dict[str, tuple[dict[str, Any], Provenance]] = {
    "everything": ({}, Provenance(tag="")),
    "a tag that is a number": ({"tag": 7}, Provenance(tag="")),
    "a source without a kind": ({"tag": "public", "source": {}}, Provenance(tag="public", source="")),
    "a source of a kind that is a list": (
        {"tag": "public", "source": {"kind": []}},
        Provenance(tag="public", source=""),
    ),
    "expectations as text": ({"tag": "public", "expected_purposes": "contact"}, Provenance(tag="public")),
    "an expectation that is a number": (
        {"tag": "public", "expected_purposes": [7, "contact"]},
        Provenance(tag="public", expected_purposes=("", "contact")),
    ),
}


@pytest.mark.parametrize(("tag", "expected"), TAGS_THAT_LACK_SOMETHING.values(), ids=TAGS_THAT_LACK_SOMETHING.keys())
def test_a_tag_that_lacks_something_is_left_to_the_terms(
    opened: Broker, tag: dict[str, Any], expected: Provenance
) -> None:
    assert expected == ask(opened, provenance=tag).provenance


def test_an_unknown_kind_is_refused_by_its_clause(opened: Broker) -> None:
    with pytest.raises(MalformedRequest) as refused:
        ask(opened, identifier={**JANE, "kind": "soul"})
    assert ("MATCH-1",) == refused.value.clauses


def test_a_fault_is_told_without_the_value(opened: Broker) -> None:
    with pytest.raises(MalformedRequest) as refused:
        ask(opened, account={"platform": "x", "id": {"secret": "value"}})
    assert "secret" not in refused.value.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
MEMBERS = st.dictionaries(st.sampled_from(["account", "identifier", "purpose", "provenance", "other"]), JSON)


@given(value=JSON | MEMBERS | MEMBERS.map(lambda members: {**BODY, **members}))
def test_every_value_is_a_question_or_a_refusal(opened: Broker, value: object) -> None:
    try:
        assert parse(MatchWire, value).to_core(opened).platform == "x"
    except MalformedRequest as refused:
        assert refused.detail  # noqa: PT017 - a property


REF = PolicyRef(id="terms", version="7", digest="sha256:00")
DECIDED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_yes_names_basis_grant_receipt_and_end() -> None:
    decision = Decision(permitted=True, basis="consent", clauses=("MATCH-2",), policy=REF, consent=consent())
    sent = dump(DecisionWire.from_core(Answer(decision_id="d", decision=decision, decided_at=DECIDED)))
    assert {
        "decision": True,
        "context": {
            "id": "d",
            "basis": "consent",
            "clauses": ["MATCH-2"],
            "policy": {"id": "terms", "version": "7", "digest": "sha256:00"},
            "grant_id": "the-grant",
            "receipt_id": "the-receipt",
            "valid_until": "2027-10-24T12:00:00Z",
            "decided_at": "2026-11-23T12:00:00Z",
        },
    } == sent


def test_a_no_names_reason_and_clauses_and_nothing_else() -> None:
    decision = Decision(permitted=False, reason="no_basis", clauses=("MATCH-4",), policy=REF)
    sent = dump(DecisionWire.from_core(Answer(decision_id="d", decision=decision, decided_at=DECIDED)))
    assert (False, "no_basis", ["MATCH-4"]) == (sent["decision"], sent["context"]["reason"], sent["context"]["clauses"])
    assert {"id", "reason", "clauses", "policy", "decided_at"} == sent["context"].keys()


def test_a_problem_names_clauses_only_where_the_terms_decided() -> None:
    problem = {"type": "t", "title": "T", "status": 400, "detail": "D", "instance": "urn:request:1"}
    assert problem == dump(Problem(**problem))
    assert {**problem, "clauses": ["MATCH-1"]} == dump(Problem(**problem, clauses=["MATCH-1"]))

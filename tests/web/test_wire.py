"""JSON in and out: strict types, no unknown member, and the words of the fault."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import NOON, a_key_folder
from core.records import consent, ground
from hypothesis import given as given_any
from hypothesis import strategies as st

from broker.actions.broker import Broker
from broker.actions.decide_match import Answer
from broker.actions.gather_facts import Question
from broker.app import open_broker
from broker.core.evidence import Disclosure, Provenance, Source
from broker.core.identifiers import Identifier
from broker.core.match import Decision, PolicyRef
from broker.core.policy import REASONS
from broker.errors import MalformedRequest
from broker.proof.keymaking import create_keys
from broker.settings import Settings
from broker.web.tag_wire import MatchWire, ProvenanceWire
from broker.web.wire import DecisionWire, Problem, dump, parse

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
    create_keys(a_key_folder(home, bytes(32)), now=NOON)
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


OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
READ = {
    "public": (
        DIRECTORY,
        Provenance(
            tag="public",
            expected_purposes=("customer-care",),
            source=Source(
                kind="directory",
                url="https://bar.example/",
                cited="https://bar.example/",
                retrieved_at=OCTOBER,
                sha256="a" * 64,
            ),
        ),
    ),
    "user_provided": (
        SIGNUP,
        Provenance(
            tag="user_provided",
            collected_at=OCTOBER.replace(hour=9),
            channel="signup-form",
            relationship="customer",
            disclosure=Disclosure(url="https://northwind.example/privacy", version="3", sha256="a" * 64),
        ),
    ),
    "of the platform": (
        {
            "tag": "public",
            "source": {"kind": "platform", "field": "post", "post_id": "12", "retrieved_at": "2026-10-01"},
        },
        Provenance(tag="public", source=Source(kind="platform", field="post", post_id="12", retrieved_at=OCTOBER)),
    ),
    "of another origin": ({"tag": "public", "origin": "bought"}, Provenance(tag="public", origin="bought")),
}


def tag_of(asked: Question) -> Provenance:
    """Return the tag of a question."""
    assert asked.provenance is not None
    return asked.provenance


@pytest.mark.parametrize(("tag", "expected"), READ.values(), ids=READ.keys())
def test_a_tag_is_read_with_its_evidence(opened: Broker, tag: dict[str, Any], expected: Provenance) -> None:
    assert expected == tag_of(ask(opened, provenance=tag))


STATED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "public": (
        DIRECTORY,
        {
            "tag": "public",
            "expected_purposes": ["customer-care"],
            "source": {**DIRECTORY["source"], "retrieved_at": "2026-10-01T00:00:00Z"},
        },
    ),
    "user_provided": (SIGNUP, {**SIGNUP, "expected_purposes": [], "collected_at": "2026-10-01T09:00:00Z"}),
    "what could not be read": (
        {
            "tag": "user_provided",
            "channel": "a whole sentence, and more",
            "disclosure": {"url": "x"},
            "collected_at": 7,
        },
        {"tag": "user_provided", "expected_purposes": []},
    ),
    "an address that is none": ({"tag": "public", "source": {"url": "bar"}}, {"tag": "public", "source": {}}),
}


@pytest.mark.parametrize(("tag", "expected"), STATED.values(), ids=STATED.keys())
def test_what_is_signed_of_a_tag_is_what_was_read_of_it(
    opened: Broker, tag: dict[str, Any], expected: dict[str, Any]
) -> None:
    stated = tag_of(ask(opened, provenance=tag)).stated()
    source = {"kind": "none"} if expected.get("source") == {} else expected.get("source")
    whole = {**expected, "expected_purposes": expected.get("expected_purposes", [])}
    assert (whole | {"source": source} if source else whole) == stated


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no account": ({"account": None}, "account: field required"),
    "an account as text": ({"account": "x:12"}, "account: input should be"),
    "neither id nor handle": ({"account": {"platform": "x"}}, "either id or handle"),
    "both id and handle": ({"account": {**ACCOUNT, "handle": "john"}}, "either id or handle"),
    "no platform": ({"account": {"id": "12"}}, "account.platform: field required"),
    "an unknown platform": ({"account": {"platform": "myspace", "id": "12"}}, "account.platform must be one of x"),
    "an id that is a number": ({"account": {"platform": "x", "id": 12}}, "account.id: input should be a valid string"),
    "an id that is true": ({"account": {"platform": "x", "id": True}}, "account.id: input should be"),
    "an id that begins with a zero": ({"account": {"platform": "x", "id": "012"}}, "account.id is not an id"),
    "an id of 20 digits": ({"account": {"platform": "x", "id": "1" * 20}}, "account.id is not an id"),
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


def sourced(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
    """Return a public tag whose source is changed."""
    return {**DIRECTORY, "source": {**DIRECTORY["source"], **changes}}


def given(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
    """Return what a person gave, changed."""
    return {**SIGNUP, "expected_purposes": ["customer-care"], **changes}


NO_TAGS: dict[str, tuple[dict[str, Any], Provenance]] = {
    "nothing at all": ({}, Provenance(tag="none")),
    "a tag that is a number": ({"tag": 7}, Provenance(tag="none")),
    "a tag too long": ({"tag": "t" * 65}, Provenance(tag="none")),
    "an origin that is a list": ({"tag": "public", "origin": []}, Provenance(tag="public", origin="other")),
    "no origin, in so many words": ({"tag": "public", "origin": None}, Provenance(tag="public", origin="direct")),
    "expectations as text": ({"tag": "public", "expected_purposes": "contact"}, Provenance(tag="public")),
    "an expectation that is a number": (
        {"tag": "public", "expected_purposes": [7, "contact"]},
        Provenance(tag="public"),
    ),
    "33 expectations": ({"tag": "public", "expected_purposes": ["contact"] * 33}, Provenance(tag="public")),
}


@pytest.mark.parametrize(("tag", "expected"), NO_TAGS.values(), ids=NO_TAGS.keys())
def test_a_tag_that_says_nothing_is_left_to_the_terms(
    opened: Broker, tag: dict[str, Any], expected: Provenance
) -> None:
    assert expected == tag_of(ask(opened, provenance=tag))


POST: dict[str, Any] = {
    "tag": "public",
    "expected_purposes": ["customer-care"],
    "source": {"kind": "platform", "field": "post", "post_id": "12", "retrieved_at": "2026-10-01"},
}

LACKING: dict[str, dict[str, Any]] = {
    "a source without a kind": sourced(kind=None),
    "a kind that is a list": sourced(kind=[]),
    "an address that is none": sourced(url="bar.example"),
    "an address without a lock": sourced(url="http://bar.example/"),
    "an address that is a number": sourced(url=7),
    "a date that is none": sourced(retrieved_at="last week"),
    "a date that is a number": sourced(retrieved_at=20261001),
    "a date beyond all calendars": sourced(retrieved_at="0001-01-01T00:00:00+23:59"),
    "a digest of half its length": sourced(sha256="a" * 32),
    "a digest with a line break": sourced(sha256="a" * 64 + "\n"),
    "a digest of other letters": sourced(sha256="g" * 64),
    "a channel that is true": given(channel=True),
    "an empty channel": given(channel=""),
    "a channel too long": given(channel="c" * 65),
    "a channel that is a sentence": given(channel="she told us, at the counter"),
    "a channel of 33": given(channel="c" * 33),
    "a channel with a line break": given(channel="signup\n"),
    "a relationship in a list": given(relationship=["customer"]),
    "a version that is a sentence": given(disclosure={**SIGNUP["disclosure"], "version": "the third one"}),
    "a version of 33": given(disclosure={**SIGNUP["disclosure"], "version": "3" * 33}),
    "a date by the week": given(collected_at="2026-W40-1"),
    "a date in one number": given(collected_at="20261001"),
    "a date before there were platforms": given(collected_at="2002-12-31"),
    "an hour without its minutes": given(collected_at="2026-10-01T09"),
    "an address of 2,049": sourced(url=f"https://bar.example/{'a' * 2029}"),
    "a post's id in a page": sourced(post_id="12"),
    "a field in a page": sourced(field="bio"),
    "a post's id with a blank": {**POST, "source": {**POST["source"], "post_id": "1 2"}},
    "a post's id of 129": {**POST, "source": {**POST["source"], "post_id": "1" * 129}},
    "a post with an address": {**POST, "source": {**POST["source"], "url": "https://bar.example/"}},
    "a post with a digest": {**POST, "source": {**POST["source"], "sha256": "a" * 64}},
    "what was given, with a source": given(source=DIRECTORY["source"]),
    "what is public, with a channel": {**DIRECTORY, "channel": "signup-form"},
    "what is public, with a channel that is none": {**DIRECTORY, "channel": ["signup-form"]},
    "what is public, with a date of its own": {**DIRECTORY, "collected_at": "2026-10-01"},
    "what is public, with a relationship": {**DIRECTORY, "relationship": "customer"},
    "what is public, with a disclosure": {**DIRECTORY, "disclosure": SIGNUP["disclosure"]},
    "what is public, with a disclosure that is none": {**DIRECTORY, "disclosure": {"version": "3"}},
    "a disclosure without an address": given(disclosure={"version": "3", "sha256": "a" * 64}),
    "a disclosure without a version": given(disclosure={"url": "https://a.example/", "sha256": "a" * 64}),
    "a disclosure without a digest": given(disclosure={"url": "https://a.example/", "version": "3"}),
}


@pytest.mark.parametrize("tag", LACKING.values(), ids=LACKING.keys())
def test_evidence_that_cannot_be_read_is_missing(opened: Broker, tag: dict[str, Any]) -> None:
    assert tag_of(ask(opened, provenance=DIRECTORY)).complete
    assert tag_of(ask(opened, provenance=given())).complete
    assert tag_of(ask(opened, provenance=POST)).complete
    assert not tag_of(ask(opened, provenance=tag)).complete


WHOLE: dict[str, dict[str, Any]] = {
    "a channel in two words": given(channel="Signup form"),
    "a channel of 32": given(channel="c" * 32),
    "a version of 32": given(disclosure={**SIGNUP["disclosure"], "version": "2026-10-01_" + "v" * 21}),
    "a date of the first year": given(collected_at="2003-01-01"),
    "a moment with a blank": given(collected_at="2026-10-01 09:00:00+02:00"),
    "an address of 2,048": sourced(url=f"https://bar.example/{'a' * 2028}"),
    "a post's id as other platforms have them": {
        **POST,
        "source": {**POST["source"], "post_id": "https://mastodon.example/@jane/12"},
    },
}


@pytest.mark.parametrize("tag", WHOLE.values(), ids=WHOLE.keys())
def test_evidence_that_is_just_as_long_as_it_may_be_is_read(opened: Broker, tag: dict[str, Any]) -> None:
    assert tag_of(ask(opened, provenance=tag)).complete


def test_an_address_that_is_no_evidence_is_looked_at_all_the_same(opened: Broker) -> None:
    source = tag_of(ask(opened, provenance=sourced(url="http://www.spokeo.com/jane"))).source
    assert source is not None
    assert (None, "http://www.spokeo.com/jane") == (source.url, source.cited)
    long = tag_of(ask(opened, provenance=sourced(url="https://bar.example/" + "a" * 9000))).source
    assert long is not None
    assert (None, 2048) == (long.url, len(long.cited or ""))


@pytest.mark.parametrize("loopback", [True, False])
def test_a_paper_on_this_machine_is_read_only_where_the_broker_itself_is(*, loopback: bool) -> None:
    paper = {**SIGNUP["disclosure"], "url": "http://127.0.0.1:8080/privacy"}
    tag = parse(ProvenanceWire, given(disclosure=paper))
    assert loopback is tag.to_core(loopback=loopback).complete


def test_a_public_source_is_never_on_this_machine() -> None:
    tag = parse(ProvenanceWire, sourced(url="http://127.0.0.1:8080/directory"))
    assert not tag.to_core(loopback=True).complete


def test_a_digest_may_be_in_base64url(opened: Broker) -> None:
    assert tag_of(ask(opened, provenance=sourced(sha256="A-_" * 14 + "A="))).complete


def test_a_moment_is_kept_in_utc(opened: Broker) -> None:
    tag = tag_of(ask(opened, provenance=given(collected_at="2026-10-01T09:00:00+02:00")))
    assert OCTOBER.replace(hour=7) == tag.collected_at
    assert tag.collected_at is not None
    assert UTC is tag.collected_at.tzinfo


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


@given_any(value=JSON | MEMBERS | MEMBERS.map(lambda members: {**BODY, **members}))
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


def test_a_yes_without_consent_names_its_association_and_no_grant() -> None:
    decision = Decision(permitted=True, basis="public", clauses=("MATCH-4b2",), policy=REF, ground=ground("public"))
    sent = dump(DecisionWire.from_core(Answer(decision_id="d", decision=decision, decided_at=DECIDED)))
    assert (True, "public", "the-association") == (
        sent["decision"],
        sent["context"]["basis"],
        sent["context"]["association_id"],
    )
    assert {"id", "basis", "clauses", "policy", "association_id", "decided_at"} == sent["context"].keys()


def test_a_no_names_reason_and_clauses_and_nothing_else() -> None:
    decision = Decision(permitted=False, reason="no_basis", clauses=("MATCH-4",), policy=REF)
    sent = dump(DecisionWire.from_core(Answer(decision_id="d", decision=decision, decided_at=DECIDED)))
    assert (False, "no_basis", ["MATCH-4"]) == (sent["decision"], sent["context"]["reason"], sent["context"]["clauses"])
    assert {"id", "reason", "clauses", "policy", "decided_at"} == sent["context"].keys()


def test_a_problem_names_clauses_only_where_the_terms_decided() -> None:
    problem = {"type": "t", "title": "T", "status": 400, "detail": "D", "instance": "urn:request:1"}
    assert problem == dump(Problem(**problem))
    assert {**problem, "clauses": ["MATCH-1"]} == dump(Problem(**problem, clauses=["MATCH-1"]))


def test_a_business_is_told_no_other_reason_than_the_wire_names() -> None:
    policy = PolicyRef(id="terms", version="1", digest="sha256:00")
    told = {
        reason: DecisionWire.from_core(
            Answer(
                decision_id="a",
                decision=Decision(permitted=False, clauses=("MATCH-2",), policy=policy, reason=reason),
                decided_at=NOON,
            )
        ).context.reason
        for reason in REASONS
    }
    assert {**{reason: reason for reason in REASONS}, "notice_changed": "purpose_not_granted"} == told

"""AuthZEN over the same decision: what an evaluation says, a match says, and a search finds what they permit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from acts_of_terms import objected, offered
from builders import a_tag, an_account, an_identifier, consented, proved, registered
from contract import answered
from flask.testing import FlaskClient
from raw_rows import all_rows
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.identifiers import Identifier, ProvenAccount
from broker.oauth.models import GrantUser
from broker.web.authzen_wire import MOST_EVALUATIONS

API = json.loads((Path(__file__).parents[2] / "schemas" / "openapi.json").read_text())
CARE, NEWS = "customer-care", "newsletter"
JANE, JANES = "x:2244994945", "email:jane.canary@mailbox.example"
Bearer = Callable[..., dict[str, str]]
Ask = Callable[..., Any]
#: Accounts by what the asking client has of them, and two records.
ACCOUNTS = {
    name: an_account(str(number), handle)
    for number, (name, handle) in enumerate(
        {
            "consented": "ConsentCanary", "stated": "StatedCanary", "named": "NamedCanary", "both": "BothCanary",
            "later": "LaterCanary", "twice": "TwiceCanary", "withdrew": "GoneCanary",
            "objected": "ObjectCanary", "theirs": "TheirCanary", "nobody": "NobodyCanary",
        }.items(), start=7001,
    )
}  # fmt: skip
RECORDS = (an_identifier("first@mailbox.example"), Identifier(kind="other", type="other", name="card", value="A:7"))


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a registered business."""
    return registered(broker)


@pytest.fixture
def other(broker: Broker) -> Client:
    """Give a second one, of another owner."""
    return registered(broker, client_name="Contoso Market")


@pytest.fixture
def ask(http: FlaskClient, bearer: Bearer, client: Client) -> Ask:
    """Give a way to ask as the business, whose answers are held to the description of the API."""

    def send(path: str, body: object, *, by: Client | None = None, status: int = 200, **headers: str) -> Any:  # noqa: ANN401 - a body
        found: TestResponse = http.post(path, json=body, headers={**bearer(by or client, "match"), **headers})
        assert (status, []) == (found.status_code, answered(API, "POST", path, found.status_code, found.json)), (
            found.text
        )
        return found.json

    return send


def action(purpose: str = CARE) -> dict[str, object]:
    return {"name": "associate", "properties": {"purpose": purpose}}


def evaluation(account: str = JANE, record: str = JANES, purpose: str = CARE, kind: str = "person") -> dict[str, Any]:
    return {
        "subject": {"type": "account", "id": account},
        "action": action(purpose),
        "resource": {"type": kind, "id": record},
    }


def of(account: ProvenAccount, record: Identifier, purpose: str = CARE) -> dict[str, Any]:
    """Return the evaluation about an account and a record."""
    return evaluation(f"x:{account.account.id}", written(record), purpose, record.kind)


def written(record: Identifier) -> str:
    return ":".join(word for word in (record.type, record.name, record.value) if word)


def match(account: ProvenAccount, record: Identifier, purpose: str = CARE) -> dict[str, Any]:
    named = {name: value for name, value in vars(record).items() if value}
    return {"account": {"platform": "x", "id": account.account.id}, "identifier": named, "purpose": purpose}


def heart(decision: dict[str, Any]) -> dict[str, Any]:
    """Return a decision without its own id."""
    return {**decision, "context": {**decision["context"], "id": "its own"}}


def decisions(broker: Broker) -> list[dict[str, Any]]:
    return rows(broker, "decisions")


def rows(broker: Broker, table: str) -> list[dict[str, Any]]:
    with broker.database.reading() as tx:
        return all_rows(tx)[table]


def states(
    broker: Broker,
    client: Client,
    name: str,
    record: Identifier,
    *,
    by_handle: bool = False,
    tag: str = "user_provided",
) -> None:
    """Let the business say what it knows an account from, by its id or by its handle."""
    account = ACCOUNTS[name]
    called = {"account_id": None, "handle": account.handle} if by_handle else {"account_id": account.account.id}
    assert offered(broker, client, a_tag(tag), identifier=record, **called).ground


def live(broker: Broker, client: Client, other: Client) -> None:
    """Let people and two businesses do everything that a link can come of."""
    first, card = RECORDS
    consented(broker, client, ACCOUNTS["consented"], CARE, identifier=first)
    consented(broker, client, ACCOUNTS["both"], CARE, NEWS, identifier=card)
    withdrawn = consented(broker, client, ACCOUNTS["withdrew"], CARE, identifier=first)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=withdrawn.account, grant_id=withdrawn.grant_id)
    states(broker, client, "stated", card)
    states(broker, client, "objected", first)
    objected(broker, ACCOUNTS["objected"])
    proved(broker, ACCOUNTS["named"], None)
    for name in ("named", "both", "later", "twice"):
        states(broker, client, name, first, by_handle=True)
    for name in ("later", "twice"):  # from then on the client may know whose handle it is
        consented(broker, client, ACCOUNTS[name], NEWS, identifier=card)
    states(broker, client, "twice", first, tag="public")
    for name, record in product(("theirs", "stated", "consented"), RECORDS):
        consented(broker, other, ACCOUNTS[name], CARE, identifier=record)


EVERY = tuple(product(ACCOUNTS.values(), RECORDS, (CARE, NEWS, "profiling", "nobody-knows")))


def test_every_evaluation_is_the_match_of_the_same_pair(
    broker: Broker, ask: Ask, client: Client, other: Client
) -> None:
    live(broker, client, other)
    matches = [heart(ask("/v1/match", match(*asked))) for asked in EVERY]
    assert {True, False} == {one["decision"] for one in matches}
    assert matches == [heart(ask("/access/v1/evaluation", of(*asked))) for asked in EVERY]
    together = ask("/access/v1/evaluations", {"evaluations": [of(*asked) for asked in EVERY]})
    assert matches == [heart(one) for one in together["evaluations"]]


def test_every_evaluation_is_recorded_as_its_match_is(broker: Broker, ask: Ask, client: Client, other: Client) -> None:
    live(broker, client, other)
    before = len(decisions(broker))
    for asked in EVERY[:8]:
        ask("/v1/match", match(*asked))
        ask("/access/v1/evaluation", of(*asked))
    own = [{**row, "decision_id": None, "mac": None} for row in decisions(broker)[before:]]
    assert 16 == len(own)
    for row in own:
        assert 2 == own.count(row) or 4 == own.count(row)


def permitted(ask: Ask, client: Client | None = None) -> set[tuple[str, str, str]]:
    """Return every pair and purpose that an evaluation permits."""
    return {
        (asked["subject"]["id"], asked["resource"]["id"], purpose)
        for account, record, purpose in EVERY
        for asked in [of(account, record, purpose)]
        if ask("/access/v1/evaluation", asked, by=client)["decision"]
    }


def found(ask: Ask, kind: str, body: dict[str, Any], **options: Any) -> list[str]:  # noqa: ANN401
    """Return what a search finds, on all of its pages."""
    results, page = [], dict(options)
    while True:
        answer = ask(f"/access/v1/search/{kind}", {**body, "page": page})
        results += answer["results"]
        page = {"token": answer["page"]["next_token"]}
        if not page["token"]:
            return [one["properties"]["purpose"] if kind == "action" else one["id"] for one in results]


@pytest.mark.parametrize("limit", [None, 1])
def test_a_search_finds_exactly_what_an_evaluation_permits(
    broker: Broker, ask: Ask, client: Client, other: Client, limit: int | None
) -> None:
    live(broker, client, other)
    allowed, page = permitted(ask), {} if limit is None else {"limit": limit}
    assert {"x:7001", "x:7002", "x:7004", "x:7005", "x:7006"} == {account for account, _, _ in allowed}
    for record, purpose in product(RECORDS, (CARE, NEWS)):
        body = {**of(ACCOUNTS["nobody"], record, purpose), "subject": {"type": "account"}}
        wanted = sorted(one for one, other, third in allowed if (other, third) == (written(record), purpose))
        assert wanted == sorted(found(ask, "subject", body, **page))
    for account, purpose in product(ACCOUNTS.values(), (CARE, NEWS)):
        for kind in ("person", "other"):
            body = {**of(account, RECORDS[0], purpose), "resource": {"type": kind}}
            mine = {written(record) for record in RECORDS if record.kind == kind}
            wanted = sorted(
                {one for who, one, third in allowed if (who, third) == (f"x:{account.account.id}", purpose)} & mine
            )
            assert wanted == sorted(found(ask, "resource", body, **page))
    for account, record in product(ACCOUNTS.values(), RECORDS):
        body = {name: value for name, value in of(account, record).items() if name != "action"}
        wanted = sorted(
            third for who, one, third in allowed if (who, one) == (f"x:{account.account.id}", written(record))
        )
        assert wanted == sorted(found(ask, "action", body, **page))


def test_a_search_tells_nothing_of_what_others_have(broker: Broker, ask: Ask, client: Client, other: Client) -> None:
    live(broker, client, other)
    stranger = registered(broker, client_name="Fabrikam")
    for record in RECORDS:
        subject = {**of(ACCOUNTS["nobody"], record), "subject": {"type": "account"}}
        assert [] == ask("/access/v1/search/subject", subject, by=stranger)["results"]
    for account in ACCOUNTS.values():
        resource = {**of(account, RECORDS[0]), "resource": {"type": "person"}}
        assert [] == ask("/access/v1/search/resource", resource, by=stranger)["results"]
        pair = {name: value for name, value in of(account, RECORDS[0]).items() if name != "action"}
        assert [] == ask("/access/v1/search/action", pair, by=stranger)["results"]


def test_nobody_learns_from_a_search_whose_handle_it_is(broker: Broker, ask: Ask, client: Client) -> None:
    named = ACCOUNTS["named"]
    proved(broker, named, None)
    states(broker, client, "named", RECORDS[0], by_handle=True)
    before = len(decisions(broker))
    body = {**of(named, RECORDS[0]), "subject": {"type": "account"}}
    assert ([], []) == (
        found(ask, "subject", body),
        found(ask, "resource", {**of(named, RECORDS[0]), "resource": {"type": "person"}}),
    )
    assert before == len(decisions(broker))  # nothing was asked about whoever bears it, either


def test_who_is_found_sees_that_they_were(broker: Broker, ask: Ask, client: Client) -> None:
    consented(broker, client)
    before = len(decisions(broker))
    ask("/access/v1/search/subject", {**evaluation(), "subject": {"type": "account"}})
    (row,) = decisions(broker)[before:]
    assert (True, CARE, client.client_id, "match") == (row["permitted"], row["purpose"], row["client_id"], row["act"])


def test_a_search_keeps_no_tag(broker: Broker, ask: Ask, client: Client) -> None:
    consented(broker, client)
    asked = evaluation()
    asked["resource"]["properties"] = {"provenance": stated()}
    assert [JANE] == found(ask, "subject", {**asked, "subject": {"type": "account"}})
    assert [CARE, NEWS] == found(ask, "action", {"subject": asked["subject"], "resource": asked["resource"]})
    assert [] == rows(broker, "grounds")


def stated() -> dict[str, Any]:
    """Return a whole tag as it travels."""
    return json.loads(json.dumps(a_tag().stated()))


def test_a_tag_may_come_as_a_property_of_the_record(broker: Broker, ask: Ask) -> None:
    asked = evaluation()
    asked["resource"]["properties"] = {"provenance": stated(), "colour": "ignored"}
    answer = ask("/access/v1/evaluation", asked)
    assert (True, "user_provided") == (answer["decision"], answer["context"]["basis"])
    assert 1 == len(rows(broker, "grounds"))


# --- what cannot be read --------------------------------------------------------------------------------------

UNREADABLE = {
    "a subject of another type": {**evaluation(), "subject": {"type": "user", "id": "alice"}},
    "an account without platform": evaluation("2244994945"),
    "a platform that is not here": evaluation("y:2244994945"),
    "an id that is none": evaluation("x:jane"),
    "a handle in the place of an id": evaluation("x:@JaneCanary"),
    "no id": evaluation("x:"),
    "another action": {**evaluation(), "action": {**action(), "name": "can_read"}},
    "no purpose": {**evaluation(), "action": {"name": "associate"}},
    "a purpose that is no text": {**evaluation(), "action": {"name": "associate", "properties": {"purpose": 1}}},
    "a purpose without end": evaluation(purpose="a" * 513),
    "a resource of no known kind": evaluation(kind="record"),
    "a record of no known type": evaluation(record="fax:+493012345"),
    "a record without type": evaluation(record="jane"),
    "an address that is none": evaluation(record="email:jane"),
    "a card without a name": evaluation(record="other:7", kind="other"),
    "a tag that is none": {
        **evaluation(), "resource": {"type": "person", "id": JANES, "properties": {"provenance": {"new": 1}}},
    },
}  # fmt: skip


@pytest.mark.parametrize("asked", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_denied_and_says_why(
    broker: Broker, ask: Ask, client: Client, asked: dict[str, Any]
) -> None:
    consented(broker, client)
    before = len(decisions(broker))
    alone = ask("/access/v1/evaluation", asked, **{"X-Request-ID": "one"})
    (among, good) = ask("/access/v1/evaluations", {"evaluations": [asked, evaluation()]}, **{"X-Request-ID": "one"})[
        "evaluations"
    ]
    assert (False, 400, "urn:request:one") == (
        alone["decision"], alone["context"]["error"]["status"], alone["context"]["error"]["instance"],
    )  # fmt: skip
    assert (alone, True) == (among, good["decision"])
    assert 1 == len(decisions(broker)) - before


def test_what_the_terms_let_nobody_ask_is_denied_with_its_clause(ask: Ask) -> None:
    answer = ask("/access/v1/evaluation", evaluation(record="other:union-membership:7", kind="other"))
    error = answer["context"]["error"]
    assert (False, 422) == (answer["decision"], error["status"])
    assert error["clauses"]
    assert ask("/access/v1/search/subject", {**evaluation(), "subject": {"type": "account"}})["results"] == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *product(("subject", "resource"), ("another action", "no purpose")),
        *product(
            ("subject", "action"), ("a resource of no known kind", "a record without type", "an address that is none")
        ),
        *product(
            ("resource", "action"), ("a subject of another type", "a platform that is not here", "an id that is none")
        ),
    ],
)
def test_a_search_by_what_cannot_be_read_finds_nothing_and_says_why(
    broker: Broker, ask: Ask, client: Client, kind: str, name: str
) -> None:
    consented(broker, client)
    asked = {key: UNREADABLE[name][key] for key in ("subject", "action", "resource") if key != kind}
    target = {} if kind == "action" else {kind: {"type": evaluation()[kind]["type"]}}
    answer = ask(f"/access/v1/search/{kind}", {**asked, **target})
    assert ([], 400) == (answer["results"], answer["context"]["error"]["status"])


MALFORMED: Iterable[dict[str, Any]] = (
    {},
    {**evaluation(), "subject": None},
    {**evaluation(), "subject": {"type": "account", "id": 2244994945}},
    {**evaluation(), "action": {"name": "associate", "properties": None}},
    {**evaluation(), "resource": []},
    {**evaluation(), "context": "now"},
)


@pytest.mark.parametrize("asked", MALFORMED)
def test_what_is_no_evaluation_is_a_problem_alone_and_a_denial_among_others(ask: Ask, asked: dict[str, Any]) -> None:
    assert 400 == ask("/access/v1/evaluation", asked, status=400)["status"]
    assert 400 == ask("/access/v1/evaluations", asked, status=400)["status"]
    (among,) = ask("/access/v1/evaluations", {"evaluations": [asked]})["evaluations"]
    assert (False, 400) == (among["decision"], among["context"]["error"]["status"])


@pytest.mark.parametrize(
    "asked",
    [
        {**evaluation(), "evaluations": None},
        {**evaluation(), "evaluations": {}},
        {**evaluation(), "evaluations": [{}] * (MOST_EVALUATIONS + 1)},
        {**evaluation(), "evaluations": [{}], "subject": "alice"},
        {**evaluation(), "evaluations": [{}], "options": {"evaluations_semantic": "permit_all"}},
        {**evaluation(), "evaluations": [{}], "options": None},
    ],
    ids=["null", "an object", "too many", "a default that is none", "a semantic that is none", "no options"],
)
def test_a_fault_of_the_whole_is_a_problem(broker: Broker, ask: Ask, client: Client, asked: object) -> None:
    consented(broker, client)
    before = len(decisions(broker))
    assert 400 == ask("/access/v1/evaluations", asked, status=400)["status"]
    assert before == len(decisions(broker))


def test_nothing_stands_in_for_a_member_that_is_null(broker: Broker, ask: Ask, client: Client) -> None:
    consented(broker, client)
    for name in ("subject", "action", "resource"):
        (answer,) = ask("/access/v1/evaluations", {**evaluation(), "evaluations": [{name: None}]})["evaluations"]
        assert not answer["decision"]


# --- the three semantics --------------------------------------------------------------------------------------

YES, NO, BROKEN = {"action": action()}, {"action": action("profiling")}, {"action": {"name": "read"}}


@pytest.mark.parametrize(
    ("semantic", "entries", "expected", "recorded"),
    [
        ("execute_all", [YES, NO, BROKEN, YES], [True, False, False, True], 3),
        ("deny_on_first_deny", [YES, YES], [True, True], 2),
        ("deny_on_first_deny", [YES, NO, YES], [True, False], 2),
        ("deny_on_first_deny", [YES, BROKEN, YES], [True, False], 1),
        ("deny_on_first_deny", [BROKEN, YES], [False], 0),
        ("permit_on_first_permit", [NO, BROKEN, NO], [False, False, False], 2),
        ("permit_on_first_permit", [BROKEN, NO, YES, NO, BROKEN], [False, False, True], 2),
    ],
)
def test_what_stands_behind_the_end_is_neither_answered_nor_asked(
    broker: Broker, ask: Ask, client: Client, semantic: str, entries: list[object], expected: list[bool], recorded: int
) -> None:
    consented(broker, client)
    before = len(decisions(broker))
    whole = {**evaluation(), "evaluations": entries, "options": {"evaluations_semantic": semantic, "new": 1}}
    answer = ask("/access/v1/evaluations", whole)
    assert {"evaluations"} == answer.keys()
    assert expected == [one["decision"] for one in answer["evaluations"]]
    assert recorded == len(decisions(broker)) - before


# --- who may, and where a page begins ---------------------------------------------------------------------------

PATHS = tuple(path for path in API["paths"] if path.startswith("/access/"))


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_for_matches_nothing_is_answered(
    http: FlaskClient, bearer: Bearer, client: Client, path: str
) -> None:
    for headers, status in (({}, 401), ({"Authorization": "Bearer none"}, 401), (bearer(client, "consent"), 403)):
        answer = http.post(path, json=evaluation(), headers=headers)
        assert (status, []) == (answer.status_code, answered(API, "POST", path, status, answer.json))
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_behind_one_grant_does_not_search(
    broker: Broker, http: FlaskClient, bearer: Bearer, client: Client
) -> None:
    record = consented(broker, client)
    behind = GrantUser(
        pairwise="ppid_of_hers", account=record.account, grant_id=record.grant_id, token_id=broker.new_id()
    )
    headers = bearer(client, "match", behind)
    for path in PATHS:
        status = 403 if "search" in path else 200
        assert status == http.post(path, json=evaluation(), headers=headers).status_code


def test_a_token_of_a_page_opens_for_its_own_search_alone(
    broker: Broker, ask: Ask, client: Client, other: Client
) -> None:
    for by, account in product((client, other), ("consented", "both")):
        consented(broker, by, ACCOUNTS[account], CARE, NEWS, identifier=RECORDS[0])
    path, body = "/access/v1/search/subject", {**of(ACCOUNTS["nobody"], RECORDS[0]), "subject": {"type": "account"}}
    token = ask(path, {**body, "page": {"limit": 1}})["page"]["next_token"]
    page = {"token": token}

    assert 1 == len(ask(path, {**body, "page": page, "new": "ignored"})["results"])
    assert 1 == len(ask(path, {**body, "page": {**page, "limit": 1}})["results"])
    for changed in (
        {**body, "page": {**page, "limit": 2}},
        {**body, "page": page, "action": action(NEWS)},
        {**body, "page": page, "context": {"time": "later"}},
        {**body, "page": {"token": token[:-6] + "AAAAAA"}},
        {**body, "page": {"token": "no token"}},
        {**body, "page": {"token": "\u00e9"}},
    ):
        assert 400 == ask(path, changed, status=400)["status"]
    assert 400 == ask(path, {**body, "page": page}, by=other, status=400)["status"]
    whole = {**of(ACCOUNTS["consented"], RECORDS[0]), "page": page}
    assert 400 == ask("/access/v1/search/action", whole, status=400)["status"]


def test_a_page_of_nothing_looks_at_nobody(broker: Broker, ask: Ask, client: Client) -> None:
    consented(broker, client)
    before = len(decisions(broker))
    for kind in ("subject", "resource", "action"):
        answer = ask(f"/access/v1/search/{kind}", {**evaluation(), "page": {"limit": 0}})
        assert ([], True) == (answer["results"], bool(answer["page"]["next_token"]))
    assert before == len(decisions(broker))


@pytest.mark.parametrize("page", [{"limit": -1}, {"limit": "1"}, {"limit": True}, {"token": 1}, []])
def test_a_page_that_is_none_is_a_problem(ask: Ask, page: object) -> None:
    body = {**evaluation(), "subject": {"type": "account"}, "page": page}
    assert 400 == ask("/access/v1/search/subject", body, status=400)["status"]

"""Many questions at once are each answered as they would be alone, and alone as the rows themselves say."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

from acts_of_platforms import seen
from acts_of_terms import objected, offered, took_back
from builders import (
    NOON,
    Clock,
    a_question,
    a_tag,
    an_account,
    an_identifier,
    consented,
    emptied,
    proved,
    refused,
    registered,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.actions.answer_questions import Named, Ruled, name_all, pairs_of, people_of, rule_one, sit
from broker.actions.broker import Broker
from broker.actions.decide_matches import decide_matches
from broker.actions.gather_facts import Question, gather_facts, pair_of
from broker.actions.withdraw_consent import withdraw_all
from broker.app import create_app
from broker.core.client import Client
from broker.core.decide import decide
from broker.core.match import Decision, MatchRequest
from broker.errors import BrokerError
from broker.files.asking import CSV, NDJSON, Asker, Job
from broker.files.lines import Chunk
from broker.files.told import ANSWERED
from broker.oauth.models import OAuthClient
from broker.oauth.tokens import issue_token
from broker.store.pairs import names_of
from broker.store.transaction import Transaction
from broker.web.wire import reason_told

IDS, HANDLES = ("1001", "1002"), ("first_name", "second_name")
RECORDS = tuple(an_identifier(f"{name}@mailbox.example") for name in ("jane", "john"))
PURPOSES = ("customer-care", "newsletter", "contact", "direct-marketing", "surveillance", "made-up")
Act = tuple[str, dict[str, Any]]

people, handles = st.sampled_from(IDS), st.sampled_from(HANDLES)
clients, records = st.integers(0, 1), st.sampled_from(RECORDS)
pairs = {"client": clients, "record": records}
purposes = st.sampled_from([("customer-care",), ("newsletter", "contact")])
spans = st.sampled_from(["P1D", "P1Y"])
origins = st.sampled_from(["direct", "bought"])
#: What may happen, and to whom.
MAY_HAPPEN: dict[str, dict[str, Any]] = {
    "consents": {
        "who": people,
        "handle": handles,
        **pairs,
        "purposes": purposes,
        "how_long": st.sampled_from(["P1D", "P1Y"]),
    },
    "refuses": {"who": people, "handle": handles, **pairs},
    "proves": {"who": people, "handle": handles, "gpc": st.booleans()},
    "withdraws": {"who": people},
    "objects": {"who": people, "client": st.sampled_from([None, 0, 1])},
    "takes back": {"who": people},
    "states": {"who": people, **pairs, "tag": st.sampled_from(["user_provided", "public"]), "origin": origins},
    "states of a handle": {"handle": handles, **pairs, "origin": origins},
    "is seen": {"who": people, "gone": st.booleans(), "protected": st.booleans()},
    "time passes": {},
}
acts = st.one_of([st.tuples(st.just(name), st.fixed_dictionaries(how)) for name, how in MAY_HAPPEN.items()])


class Town:
    """A broker, two businesses and two people, to whom anything may happen."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self.broker, self.clock = broker, clock
        asking = {"purposes": ("customer-care", "newsletter", "contact")}
        self.clients = [registered(broker, client_name=name, **asking) for name in ("Northwind", "Fabrikam")]

    def does(self, act: Act) -> None:
        """Let it happen, unless the broker refuses it."""
        with suppress(BrokerError):
            getattr(self, act[0].replace(" ", "_"))(**act[1])

    def consents(self, who: str, handle: str, client: int, record: Any, purposes: Any, how_long: str) -> None:  # noqa: ANN401
        """A person answers a business with yes."""
        asking = {"purposes": ("customer-care", "newsletter", "contact"), "identifier": record, "valid_for": how_long}
        consented(self.broker, self.clients[client], an_account(who, handle), *purposes, **asking)

    def refuses(self, who: str, handle: str, client: int, record: Any) -> None:  # noqa: ANN401
        """And with no."""
        refused(self.broker, self.clients[client], an_account(who, handle), identifier=record)

    def proves(self, who: str, handle: str, *, gpc: bool) -> None:
        """They prove an account, under a handle."""
        proved(self.broker, an_account(who, handle), None, gpc=gpc)

    def withdraws(self, who: str) -> None:
        """They take back all that they gave."""
        with self.broker.database.transaction() as tx:
            withdraw_all(tx, self.broker, account=self.broker.blinder.account(an_account(who).account))

    def objects(self, who: str, client: int | None) -> None:
        """They object to one business, or to all."""
        objected(self.broker, an_account(who), **({} if client is None else {"to": self.clients[client].client_id}))

    def takes_back(self, who: str) -> None:
        """They take that back."""
        took_back(self.broker, an_account(who))

    def states(self, who: str, client: int, record: Any, tag: str, origin: str) -> None:  # noqa: ANN401
        """A business states where it has an account from."""
        offered(self.broker, self.clients[client], a_tag(tag, origin=origin), identifier=record, account_id=who)

    def states_of_a_handle(self, handle: str, client: int, record: Any, origin: str) -> None:  # noqa: ANN401
        """The same of a handle."""
        named = {"account_id": None, "handle": handle}
        offered(self.broker, self.clients[client], a_tag(origin=origin), identifier=record, **named)

    def is_seen(self, who: str, *, gone: bool, protected: bool) -> None:
        """The platform says how an account stands."""
        proved(self.broker, an_account(who, f"of_{who}"), None)
        seen(self.broker, an_account(who), gone=gone, protected=protected)

    def time_passes(self) -> None:
        """Nearly a day goes by."""
        self.clock.now += timedelta(hours=23)


def questions() -> list[Question]:
    """Everything that can be asked in the town."""
    named = [{"account_id": who} for who in (*IDS, "9999")]
    named += [{"account_id": None, "handle": handle} for handle in (*HANDLES, "nobody")]
    asked = product(named, RECORDS, PURPOSES)
    return [a_question(**who, identifier=record, purpose=purpose) for who, record, purpose in asked]


def from_the_rows(tx: Transaction, broker: Broker, client: Client, question: Question) -> Decision:
    """The answer from where everything is kept, question by question."""
    pair = pair_of(tx, broker, client, question)
    request = MatchRequest(association=pair.association, purpose=question.purpose, kind=question.identifier.kind)
    facts = gather_facts(tx, broker, client, pair, question.purpose, now=broker.now())
    return decide(request, facts, broker.policies.governing("x"))


def as_ruled(decision: Decision) -> Ruled:
    """A decision as one of many."""
    return Ruled(replace(decision, consent=None, ground=None), names_of(decision))


def a_town(broker: Broker, clock: Clock, happens: list[Act]) -> Town:
    """A town in which that has happened since noon, and nothing else."""
    clock.now = NOON
    emptied(broker.database)
    town = Town(broker, clock)
    for act in happens:
        town.does(act)
    return town


def ruled_together(tx: Transaction, broker: Broker, client: Client, named: list[Named]) -> list[Ruled]:
    """Each of many questions, from what was read for all of them at once."""
    sitting = sit(tx, broker, client, pairs=pairs_of(named), people=people_of(named))
    return [sitting.rule(asked) for asked in named]


@given(happens=st.lists(acts, max_size=12))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_one_question_and_many_are_answered_as_the_rows_say(
    sqlite_broker: Broker, clock: Clock, happens: list[Act]
) -> None:
    town = a_town(sqlite_broker, clock, happens)
    asked = questions()
    with sqlite_broker.database.transaction() as tx:
        for client in town.clients:
            named = name_all(tx, sqlite_broker, client, asked)
            said = [from_the_rows(tx, sqlite_broker, client, question) for question in asked]
            alone = [rule_one(tx, sqlite_broker, client, one) for one in named]
            assert [as_ruled(decision) for decision in said] == [as_ruled(decision) for decision in alone]
            assert [as_ruled(decision) for decision in said] == ruled_together(tx, sqlite_broker, client, named)
            many = decide_matches(tx, sqlite_broker, client, asked)
            assert [as_ruled(decision) for decision in said] == [Ruled(told.decision, told.names) for told in many.told]


def as_item(question: Question) -> dict[str, Any]:
    """A question as a line of a file or of a stream has it."""
    named = {"id": question.account_id} if question.account_id else {"handle": question.handle}
    record = {"kind": "person", "type": "email", "value": question.identifier.value}
    return {"account": {"platform": "x", **named}, "identifier": record, "purpose": question.purpose}


def in_columns(items: list[dict[str, Any]]) -> str:
    """Items as rows, the names of whose columns stand elsewhere."""
    return "".join(
        ",".join(it["account"].get(name, "") for name in ("platform", "id", "handle"))
        + "," + ",".join(it["identifier"].values()) + f",{it['purpose']}\n"
        for it in items
    )  # fmt: skip


def as_told(decision: Decision) -> tuple[object, ...]:
    """What a client is told of a decision, but for ids and dates."""
    rests_on = decision.consent.grant_id if decision.consent else None
    stated = decision.ground.association_id if decision.ground else None
    said = (decision.permitted, decision.basis, reason_told(decision), list(decision.clauses))
    return (*said, rests_on, stated)


def told_in_lines(text: str) -> list[tuple[object, ...]]:
    """The same of a line of NDJSON each."""
    answers = [json.loads(line) for line in text.splitlines()]
    names = ("basis", "reason", "clauses", "grant_id", "association_id")
    return [(it["decision"], *(it["context"].get(name) for name in names)) for it in answers]


def told_in_rows(text: str) -> list[tuple[object, ...]]:
    """The same of rows."""
    rows = csv.DictReader(io.StringIO(text), ANSWERED)
    return [
        (it["decision"] == "permit", it["basis"] or None, it["reason"] or None, it["clauses"].split(),
         it["grant_id"] or None, it["association_id"] or None)
        for it in rows
    ]  # fmt: skip


@given(happens=st.lists(acts, min_size=2, max_size=12))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_a_file_and_a_stream_are_answered_as_each_question_alone(
    sqlite_broker: Broker, clock: Clock, happens: list[Act]
) -> None:
    town = a_town(sqlite_broker, clock, happens)
    asked, http = questions(), create_app(sqlite_broker).test_client()
    items = [as_item(question) for question in asked]
    lines = "".join(f"{json.dumps(item)}\n" for item in items).encode()
    for client in town.clients:
        with sqlite_broker.database.transaction() as tx:
            alone = [as_told(from_the_rows(tx, sqlite_broker, client, question)) for question in asked]
        names = ("platform", "account_id", "handle", "kind", "type", "value", "purpose")
        of_rows = Asker(sqlite_broker, Job(client_id=client.client_id, form=CSV, columns=names))
        of_lines = Asker(sqlite_broker, Job(client_id=client.client_id, form=NDJSON))
        assert alone == told_in_rows(of_rows.answer(Chunk(1, in_columns(items).encode(), 0)).text.decode())
        assert alone == told_in_lines(of_lines.answer(Chunk(1, lines, 0)).text.decode())
        token = issue_token(
            sqlite_broker, client=OAuthClient(client), scope="match", token_id=sqlite_broker.new_id(), user=None
        )
        headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/x-ndjson"}
        assert alone == told_in_lines(http.post("/v1/match/batch", data=lines, headers=headers).text)

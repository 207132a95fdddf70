"""Reports: counts and nothing else, never of so few people that one could be known, never of the platform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from acts_of_terms import with_limits
from builders import NOON, a_broker, a_registration, an_id, registered
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sheets import a_sheet, entries
from sqlalchemy import Connection, insert

from broker.actions.broker import Broker
from broker.actions.note_ruling import note_ruling
from broker.actions.report import OF_THE_PLATFORM, OTHER, Asked, Report, count_clauses, make_report
from broker.core.client import Client, Standing
from broker.core.policy import REASONS
from broker.core.purposes import OTHER_PURPOSE, PURPOSES
from broker.errors import MalformedRequest, PolicyRefused
from broker.store.database import Database
from broker.store.sheets import save_sheet
from broker.store.tables import ConsentRow, DecisionRow

CLIENT = Client(
    client_id=an_id("northwind"), registration=a_registration(), standing=Standing.ACTIVE, registered_at=NOON
)
#: How often rows were written, so that each has an id of its own.
WRITTEN = count()
DAY, WEEK = timedelta(days=1), timedelta(days=7)
FEW = 5
REASON = {"ground": "reason", "purpose": "purpose"}


@pytest.fixture
def broker(database: Database) -> Broker:
    """Give a broker that shows lines of five people; its rows are counted here, and are of nobody."""
    return with_limits(a_broker(database), report_cohort=FEW)


def answers(tx: Connection, client: Client, people: Iterable[int], **changes: object) -> None:
    """Write denials down, one for each of these people."""
    row = {
        "act": "match", "client_id": client.client_id, "identifier": b"i" * 16, "purpose": "customer-care",
        "permitted": False, "basis": None, "reason": "no_basis", "clauses": ["MATCH-4"], "policy_digest": "",
        "grant_id": None, "association_id": None, "decided_at": NOON, **changes,
    }  # fmt: skip
    time = next(WRITTEN)
    rows = [{**row, "account": f"account {one:08}".encode(), "decision_id": f"{time}.{one}"} for one in people]
    if rows:
        tx.execute(insert(DecisionRow), rows)


def answered(broker: Broker, client: Client, people: Iterable[int], **changes: object) -> None:
    """Write denials down in a transaction of their own."""
    with broker.database.transaction() as tx:
        answers(tx, client, people, **changes)


def gave(broker: Broker, client: Client, people: Iterable[int], **changes: object) -> None:
    """Write consents down, one of each of these people."""
    row = {
        "client_id": client.client_id, "identifier": b"i" * 16, "kind": "person", "type": "email",
        "purposes": ["customer-care"], "meanings": ["1"], "status": "given",
        "given_at": NOON, "valid_until": NOON + DAY, "receipt_id": "", "sealed_details": b"", **changes,
    }  # fmt: skip
    with broker.database.transaction() as tx:
        time = next(WRITTEN)
        tx.execute(insert(ConsentRow), [
            {**row, "account": f"account {one:08}".encode(), "grant_id": f"{time}.{one}"} for one in people
        ])  # fmt: skip


def asked(client: Client | None = None, **changes: object) -> Asked:
    """What is asked in most tests here: decisions by ground, of the day around noon."""
    return replace(
        Asked(kind="decisions", by="ground", since=NOON - DAY, until=NOON + DAY, client=client), **changes
    )  # fmt: skip


def made(broker: Broker, client: Client | None = None, **changes: object) -> Report:
    """Make a report in a transaction of its own."""
    with broker.database.transaction() as tx:
        return make_report(tx, broker, asked(client, **changes))


def lines(broker: Broker, client: Client | None = None, **changes: object) -> dict[str, int]:
    """Make a report; return its lines, each under a name of its own."""
    report = made(broker, client, **changes)
    assert len(report.lines) == len({line.name for line in report.lines})
    return {line.name: line.number for line in report.lines}


def refusal(broker: Broker, client: Client | None = None, **changes: object) -> tuple[str, ...]:
    """Ask for a report that the terms refuse; return the clauses."""
    with pytest.raises(PolicyRefused) as caught:
        made(broker, client, **changes)
    return caught.value.clauses


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a registered business."""
    return registered(broker)


# --- the floor (SENSITIVE-2) ----------------------------------------------------------------------------------


def test_a_line_counts_answers_and_is_shown_from_so_many_people_on(broker: Broker, client: Client) -> None:
    answered(broker, client, range(FEW - 1))
    assert ("SENSITIVE-2",) == refusal(broker, client)
    answered(broker, client, range(FEW - 1))
    assert ("SENSITIVE-2",) == refusal(broker, client)
    answered(broker, client, [FEW])
    assert {"no_basis": 2 * FEW - 1} == lines(broker, client)


@pytest.mark.parametrize("at_once", [1_000_000, 3])
def test_who_was_answered_about_in_bulk_and_by_themselves_is_one_of_the_people(
    broker: Broker, client: Client, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.store.reports.AT_ONCE", at_once)
    people = [f"account {one:08}".encode() for one in range(FEW)]
    with broker.database.transaction() as tx:
        save_sheet(tx, a_sheet(entries(people[:-1]), client_id=client.client_id))
    answered(broker, client, range(FEW - 1))
    assert ("SENSITIVE-2",) == refusal(broker, client)
    with broker.database.transaction() as tx:
        save_sheet(tx, a_sheet(entries(people), sheet_id="another", client_id=client.client_id))
    assert {"no_basis": 3 * FEW - 2} == lines(broker, client)
    for by, name in (("purpose", "customer-care"), ("week", "2026-W48"), ("client", client.client_id)):
        assert {name: 3 * FEW - 2} == lines(broker, client if by != "client" else None, by=by)
    assert {"MATCH-4": 3 * FEW - 2, "MATCH-1": 2 * FEW - 1} == lines(broker, by="clause")


def test_the_floor_is_the_documents_and_twenty_as_shipped(broker: Broker, client: Client) -> None:
    shipped = a_broker(broker.database)
    answered(broker, client, range(19))
    assert ("SENSITIVE-2",) == refusal(shipped, client)
    answered(broker, client, [19])
    assert {"no_basis": 20} == lines(shipped, client)
    assert 20 == made(shipped, client).cohort


def test_a_report_of_nothing_is_refused_like_one_of_too_few(broker: Broker, client: Client) -> None:
    assert ("SENSITIVE-2",) == refusal(broker, client)


def test_small_lines_go_together_and_take_a_large_one_in_where_they_are_still_too_small(
    broker: Broker, client: Client
) -> None:
    for reason, people in (("no_basis", 30), ("expired", 9), ("withdrawn", 3), ("suspended", 1)):
        answered(broker, client, range(people), reason=reason)
    assert {"no_basis": 30, OTHER: 13} == lines(broker, client)


def report_or_refusal(tx: Connection, broker: Broker, asked: Asked) -> Report | PolicyRefused:
    """Make a report, or return how the terms refused it."""
    try:
        return make_report(tx, broker, asked)
    except PolicyRefused as refused:
        return refused


PEOPLE = st.sets(st.integers(0, 12), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.dictionaries(st.sampled_from(REASONS), PEOPLE, max_size=len(REASONS)),
    others=st.dictionaries(st.sampled_from(("customer-care", "newsletter", "own-word", "another")), PEOPLE),
    by=st.sampled_from(("ground", "purpose")),
)
def test_whatever_was_counted_no_line_shows_too_few_and_none_is_lost(
    database: Database, counts: dict[str, set[int]], others: dict[str, set[int]], by: str
) -> None:
    broker = with_limits(a_broker(database), report_cohort=FEW)
    counted = {name: people for name, people in (counts if by == "ground" else others).items() if people}
    people: dict[str, set[int]] = {}
    for name, who in counted.items():
        people.setdefault(name if by == "ground" or name in PURPOSES else OTHER, set()).update(who)
    with broker.database.engine.connect() as tx:
        for name, who in counted.items():
            told = name if by == "ground" or name in PURPOSES else OTHER_PURPOSE
            answers(tx, CLIENT, who, **{REASON[by]: told})
        report = report_or_refusal(tx, broker, asked(CLIENT, by=by))
        tx.rollback()
    if isinstance(report, PolicyRefused):
        assert ("SENSITIVE-2",) == report.clauses
        assert all(len(who) < FEW for who in people.values())
        return
    shown = {line.name: line for line in report.lines}
    assert len(shown) == len(report.lines)
    assert sum(map(len, counted.values())) == sum(line.number for line in report.lines)
    assert all(len(people[name]) == shown[name].people >= FEW for name in shown if name != OTHER)
    merged = set().union(*(who for name, who in people.items() if name not in shown or name == OTHER))
    assert OTHER not in shown or len(merged) >= shown[OTHER].people >= FEW


# --- what is counted --------------------------------------------------------------------------------------------


def test_a_report_is_of_its_own_clients_answers_and_an_operators_of_all(
    broker: Broker, client: Client, other_client: Client
) -> None:
    answered(broker, client, range(6))
    answered(broker, other_client, range(7))
    assert [{"no_basis": 6}, {"no_basis": 7}, {"no_basis": 13}] == [
        lines(broker, who) for who in (client, other_client, None)
    ]
    assert {client.client_id: 6, other_client.client_id: 7} == lines(broker, None, by="client")


def test_a_report_begins_with_its_first_moment_and_ends_before_its_last(broker: Broker, client: Client) -> None:
    moment = timedelta(microseconds=1)
    for number, when in enumerate((NOON - moment, NOON, NOON + DAY - moment, NOON + DAY)):
        answered(broker, client, range(FEW + number), decided_at=when)
    assert {"no_basis": 6 + 7} == lines(broker, client, since=NOON, until=NOON + DAY)


def test_weeks_are_those_of_the_calendar_and_every_answer_falls_into_one(broker: Broker, client: Client) -> None:
    monday = datetime.fromisoformat("2026-11-23T00:00:00Z")
    for number, when in enumerate((monday - timedelta(microseconds=1), monday, monday + WEEK)):
        answered(broker, client, range(FEW + number), decided_at=when)
    found = lines(broker, client, by="week", since=monday - 10 * DAY, until=monday + 30 * DAY)
    assert {"2026-W47": 5, "2026-W48": 6, "2026-W49": 7} == found
    assert {"2026-W48": 6} == lines(broker, client, by="week", since=NOON - 0.5 * DAY, until=NOON + DAY)


def test_the_year_of_a_week_is_the_calendars(broker: Broker, client: Client) -> None:
    answered(broker, client, range(FEW), decided_at=datetime.fromisoformat("2027-01-02T12:00:00Z"))
    assert {"2026-W53": FEW} == lines(broker, client, by="week", until=NOON + 60 * DAY)


def test_permits_stand_under_their_basis_and_denials_under_their_reason(broker: Broker, client: Client) -> None:
    for basis in ("consent", "user_provided", "public"):
        answered(broker, client, range(FEW), permitted=True, basis=basis, reason=None)
    answered(broker, client, range(FEW), act="contact", permitted=True, basis="consent", reason=None)
    answered(broker, client, range(FEW), act="associate", purpose="", reason="provenance_rejected")
    assert {"consent": 2 * FEW, "user_provided": FEW, "public": FEW} == lines(broker, client)


def test_a_clause_is_counted_for_every_kind_of_answer_and_by_its_whole_name(broker: Broker, client: Client) -> None:
    answered(broker, client, range(5), clauses=["MATCH-4a", "MATCH-3"])
    answered(broker, client, range(6), clauses=["MATCH-4"], act="associate")
    answered(broker, client, range(7), clauses=["SENSITIVE-1.health"])
    assert {"MATCH-4a": 5, "MATCH-3": 5, "MATCH-4": 6, "SENSITIVE-1.health": 7} == lines(broker, None, by="clause")


def test_consents_are_counted_by_status_purpose_week_and_client(
    broker: Broker, client: Client, other_client: Client
) -> None:
    gave(broker, client, range(6), purposes=["customer-care", "newsletter"])
    gave(broker, client, range(7), status="withdrawn")
    gave(broker, other_client, range(8))
    assert {"given": 6, "withdrawn": 7} == lines(broker, client, kind="consents")
    assert {"customer-care": 13, "newsletter": 6} == lines(broker, client, kind="consents", by="purpose")
    assert {"2026-W48": 13} == lines(broker, client, kind="consents", by="week")
    assert {client.client_id: 13, other_client.client_id: 8} == lines(broker, None, kind="consents", by="client")


def test_a_word_that_nobody_registered_is_counted_and_not_repeated(broker: Broker, client: Client) -> None:
    registration = replace(client.registration, narrower={"weekly-letter": "newsletter"})
    own = replace(client, registration=registration)
    for purpose in ("customer-care", "weekly-letter", OTHER_PURPOSE, "profiling"):
        answered(broker, client, range(FEW), purpose=purpose)
    assert {"customer-care": 5, "weekly-letter": 5, "profiling": 5, OTHER: 5} == lines(broker, own, by="purpose")


def test_small_lines_and_words_that_nobody_registered_stand_under_one_name(broker: Broker, client: Client) -> None:
    for purpose, people in (("customer-care", 9), (OTHER_PURPOSE, 30), ("newsletter", 3)):
        answered(broker, client, range(people), purpose=purpose)
    assert {"customer-care": 9, OTHER: 33} == lines(broker, client, by="purpose")


def test_a_report_holds_no_id_of_anybody(broker: Broker, client: Client) -> None:
    answered(broker, client, range(30))
    gave(broker, client, range(30))
    for kind, by in (("decisions", "ground"), ("decisions", "purpose"), ("decisions", "week"), ("consents", "purpose")):
        told = repr(made(broker, client, kind=kind, by=by).lines)
        assert not [word for word in (client.client_id, "account", "Northwind", "Jane", "grant") if word in told]


# --- what is not counted (MEASURE-1), and what cannot be asked -------------------------------------------------


@pytest.mark.parametrize("what", OF_THE_PLATFORM)
def test_the_platform_is_not_counted_for_anybody(broker: Broker, client: Client, what: str) -> None:
    answered(broker, client, range(30))
    for who in (client, None):
        assert ("MEASURE-1",) == refusal(broker, who, kind=what)
        assert ("MEASURE-1",) == refusal(broker, who, by=what)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "people"}, {"by": "handle"}, {"by": "client"}, {"by": "clause"}, {"by": ""},
        {"since": NOON, "until": NOON}, {"since": NOON + DAY, "until": NOON},
        {"since": NOON - timedelta(days=5 * 366, microseconds=1), "until": NOON},
    ],
)  # fmt: skip
def test_a_report_that_there_is_not_is_malformed(broker: Broker, client: Client, changes: dict[str, object]) -> None:
    answered(broker, client, range(30))
    with pytest.raises(MalformedRequest):
        made(broker, client, **changes)
    with pytest.raises(MalformedRequest):
        made(broker, None, kind="consents", by="clause")


# --- rulings: refusals that are no decision about an account -----------------------------------------------------


def test_refusals_that_are_no_answers_are_counted_by_clause(broker: Broker) -> None:
    for clauses in (("APPLICATION-1",), ("APPLICATION-1", "MEASURE-1"), ("MATCH-4a",)):
        note_ruling(broker, clauses)
    with broker.database.transaction() as tx:
        found = dict(count_clauses(tx, broker, since=NOON, until=NOON + DAY))
        before = dict(count_clauses(tx, broker, since=NOON - DAY, until=NOON))
    assert {"APPLICATION-1": 2, "MEASURE-1": 1, "MATCH-4a": 1} == {
        name: count for name, count in found.items() if count
    }
    assert (0, 0) == (found["MATCH-4"], sum(before.values()))
    assert {clause.id for clause in broker.policies.governing("x").clauses} <= set(found)


def test_a_refusal_stands_though_it_could_not_be_counted(broker: Broker) -> None:
    unreachable = replace(broker, database=Database("sqlite:////nowhere/at/all.db"))
    note_ruling(unreachable, ("APPLICATION-1",))
    unreachable.database.close()

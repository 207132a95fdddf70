"""Registration: one application for one use case, environments in the name, and who may let it go or stop it."""

from __future__ import annotations

from functools import partial

import pytest
from builders import (
    CLAUSE_OF_PROHIBITED,
    NOON,
    Clock,
    a_question,
    a_registration,
    all_at_once,
    asked,
    consented,
    registered,
)

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, approve_client, resume_client, suspend_client
from broker.actions.register_client import register_client
from broker.actions.terms import call_clauses
from broker.core.client import Client, Standing
from broker.core.purposes import PURPOSES
from broker.errors import BrokerError, CommandRefused, MalformedRequest, NotFound, PolicyRefused
from broker.store.clients import find_client, list_clients, list_standings

#: What one owner registers first in most tests here.
FIRST = {"owner": "Northwind", "purposes": ("customer-care", "newsletter")}
OTHER_WORDS = "Send the weekly letter to those who asked for it."
DOUBTFUL = "Answer questions about church choirs."
BY_SAM = Change(who="Sam", why="looked at")


def refusal(broker: Broker, **changes: object) -> BrokerError | None:
    """Try to register; return how that was refused, or None."""
    try:
        registered(broker, **changes)
    except BrokerError as refused:
        return refused
    return None


def clauses(broker: Broker, **changes: object) -> tuple[str, ...] | None:
    """Try to register; return the clauses that refused it, or None."""
    refused = refusal(broker, **changes)
    return refused.clauses if refused else None


def changed(broker: Broker, act: object, client: Client, change: Change = BY_SAM) -> Client:
    """Change a standing in a transaction of its own."""
    with broker.database.transaction() as tx:
        found: Client = act(tx, broker, client.client_id, change)  # type: ignore[operator]
        return found


def test_a_client_is_registered_as_active_under_a_new_id(broker: Broker) -> None:
    one, two = registered(broker), registered(broker, client_name="Contoso")
    assert (Standing.ACTIVE, NOON, 26, 26) == (one.standing, one.registered_at, len(one.client_id), len(two.client_id))
    with broker.database.transaction() as tx:
        assert {one.client_id: one, two.client_id: two} == {client.client_id: client for client in list_clients(tx)}


# --- purposes and platforms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_purpose_of_the_vocabulary_can_be_declared(sqlite_broker: Broker, purpose: str) -> None:
    assert (purpose,) == registered(sqlite_broker, purposes=(purpose,)).registration.purposes


@pytest.mark.parametrize(("purpose", "clause"), CLAUSE_OF_PROHIBITED.items())
def test_a_purpose_that_none_may_declare_is_refused_by_its_clause(broker: Broker, purpose: str, clause: str) -> None:
    assert (clause,) == clauses(broker, purposes=("customer-care", purpose))
    assert (clause,) == clauses(broker, purposes=("own-name",), narrower={"own-name": purpose})
    with broker.database.transaction() as tx:
        assert [] == list_clients(tx)


def test_a_purpose_that_nobody_knows_is_refused_and_what_is_known_is_named(broker: Broker) -> None:
    with pytest.raises(CommandRefused, match="'made-up' is not known; known are customer-care"):
        registered(broker, purposes=("customer-care", "made-up"))
    with pytest.raises(CommandRefused, match="'own-name' is not known"):
        registered(broker, purposes=("own-name",), narrower={"own-name": "made-up"})


def test_a_purpose_of_ones_own_that_speaks_of_the_sensitive_is_refused_by_the_categorys_clause(broker: Broker) -> None:
    assert ("SENSITIVE-1.health",) == clauses(
        broker, purposes=("infer-pregnancy",), narrower={"infer-pregnancy": "newsletter"}
    )


def test_a_platform_that_this_broker_does_not_have_is_refused(broker: Broker) -> None:
    with pytest.raises(CommandRefused, match="'elsewhere' is not a platform of this broker; there are x"):
        registered(broker, platforms=("x", "elsewhere"))
    with pytest.raises(MalformedRequest, match="must be one of x"):
        broker.platform("elsewhere")
    assert "X" == broker.platform("x").label


# --- one application for one use case (APPLICATION-1) ----------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"client_name": "Northwind Letters", "client_uri": "https://letters.example"},
        {"owner": "  NORTHWIND  "},
        {"owner": "northwind."},
        {"owner": "\uff2eorthwind"},
        {"purposes": ("newsletter",), "use_case": OTHER_WORDS},
        {"purposes": ("direct-marketing", "newsletter"), "use_case": OTHER_WORDS},
        {"purposes": ("contact",)},
        {"purposes": ("contact",), "use_case": "ANSWER customers — on the platform they write from!"},
        {"purposes": ("own-letter",), "narrower": {"own-letter": "newsletter"}, "use_case": OTHER_WORDS},
        {"brands": ("Northwind Kids",)},
    ],
    ids=[
        "the same again", "under another name", "the owner in capitals", "the owner with a stop",
        "the owner in wide letters", "one purpose of two", "one purpose in common", "the same words",
        "the same words, nearly", "a narrower purpose under the same one", "as a brand",
    ],
)  # fmt: skip
def test_the_same_or_an_overlapping_use_case_is_refused_naming_who_has_it(
    sqlite_broker: Broker, changes: dict[str, object]
) -> None:
    first = registered(sqlite_broker, **FIRST)
    refused = refusal(sqlite_broker, **{**FIRST, **changes})
    assert isinstance(refused, PolicyRefused)
    assert ("APPLICATION-1",) == refused.clauses
    assert first.client_id in refused.detail
    assert "(Northwind Bikes)" in refused.detail
    with sqlite_broker.database.transaction() as tx:
        assert [first] == list_clients(tx)


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "Contoso"},
        {"purposes": ("contact",), "use_case": OTHER_WORDS},
        {"environment": "dev", "client_name": "Northwind Bikes dev"},
        {"environment": "staging", "client_name": "Northwind Bikes (staging)"},
        {"platforms": ("mastodon",)},
    ],
    ids=["another owner", "another use case", "for development", "for staging", "another platform"],
)
def test_another_use_case_is_registered(sqlite_broker: Broker, changes: dict[str, object]) -> None:
    broker = sqlite_broker
    broker.platforms["mastodon"] = broker.platforms["x"]  # type: ignore[index]
    registered(broker, **FIRST)
    assert refusal(broker, **{**FIRST, **changes}) is None


def test_two_narrower_purposes_under_one_are_one_use_case(broker: Broker) -> None:
    registered(broker, owner="Northwind", purposes=("weekly-letter",), narrower={"weekly-letter": "newsletter"})
    assert ("APPLICATION-1",) == clauses(
        broker, owner="Northwind", purposes=("monthly-letter",), narrower={"monthly-letter": "newsletter"},
        use_case=OTHER_WORDS,
    )  # fmt: skip


def test_brands_of_white_label_customers_belong_to_the_one_application(broker: Broker) -> None:
    client = registered(broker, brands=("Northwind Kids", "Contoso Kids"))
    assert ("Northwind Kids", "Contoso Kids") == client.registration.brands


def test_a_suspended_application_keeps_its_use_case(broker: Broker) -> None:
    first = registered(broker, **FIRST)
    changed(broker, suspend_client, first)
    assert ("APPLICATION-1",) == clauses(broker, **FIRST)


@pytest.mark.parametrize(
    "changes",
    [
        lambda _: {},
        lambda number: {"use_case": f"Use case number {number} of this owner."},
        lambda number: {"purposes": ("contact", "newsletter", "customer-care")[number % 3 : number % 3 + 1]},
        lambda number: {"platforms": ("mastodon", "x")[:: (-1) ** number]},
    ],
    ids=["the very same", "a purpose in common", "the same words", "platforms in another order"],
)
def test_of_registrations_at_once_for_one_use_case_one_wins(broker: Broker, changes: object) -> None:
    broker.platforms["mastodon"] = broker.platforms["x"]  # type: ignore[index]

    def one(number: int) -> BrokerError | None:
        return refusal(broker, **{**FIRST, **changes(number)})  # type: ignore[operator]

    outcomes = all_at_once(8, one)
    assert [("APPLICATION-1",)] * 7 == [outcome.clauses for outcome in outcomes if outcome is not None]
    with broker.database.transaction() as tx:
        assert 1 == len(list_clients(tx))


# --- environments in the name (APPLICATION-2) -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "name", "shown"),
    [
        ("dev", "Northwind Bikes", False), ("dev", "Northwind Bikes dev", True), ("dev", "DEV Northwind", True),
        ("dev", "Northwind (development)", True), ("dev", "Northwind Devices", False), ("dev", "staging", False),
        ("staging", "Northwind Bikes", False), ("staging", "Northwind staging", True), ("staging", "Stage: N.", True),
        ("staging", "Northwind Stages", False), ("staging", "Northwind dev", False), ("prod", "Northwind Bikes", True),
    ],
)  # fmt: skip
def test_development_and_staging_show_in_the_name(
    sqlite_broker: Broker, environment: str, name: str, *, shown: bool
) -> None:
    refused = clauses(sqlite_broker, environment=environment, client_name=name)
    assert (None if shown else ("APPLICATION-2",)) == refused


# --- standing ---------------------------------------------------------------------------------------------------


def test_a_doubtful_statement_is_held_with_its_reason_until_somebody_approves_it(broker: Broker, clock: Clock) -> None:
    client = registered(broker, use_case=DOUBTFUL)
    assert Standing.HELD is client.standing
    assert "held: the registration speaks of" in (client.standing_why or "")
    assert "(religion?)" in (client.standing_why or "")
    clock.passes(days=1)
    approved = changed(broker, approve_client, client, Change(who="Sam", why="they sell sheet music"))
    assert (True, "they sell sheet music") == (approved.active, approved.standing_why)
    with broker.database.transaction() as tx:
        history = list_standings(tx, client.client_id)
    assert [("held", "broker", client.standing_why, NOON), ("active", "Sam", "they sell sheet music", clock.now)] == [
        (change.standing, change.who, change.why, change.changed_at) for change in history
    ]


@pytest.mark.parametrize("field", ["use_case", "client_name", "brands"])
def test_whatever_a_registration_says_in_its_own_words_is_looked_at(sqlite_broker: Broker, field: str) -> None:
    told: object = (DOUBTFUL,) if field == "brands" else DOUBTFUL
    expected = Standing.HELD if field == "use_case" else Standing.ACTIVE  # in a name only what is plain counts
    assert expected is registered(sqlite_broker, **{field: told}).standing
    found: object = ("Infer pregnancy",) if field == "brands" else "We infer pregnancy."
    assert ("SENSITIVE-1.health",) == clauses(sqlite_broker, **{field: found})


def test_every_change_of_standing_is_written_down_with_who_and_why(broker: Broker, client: Client) -> None:
    for act, why in ((suspend_client, "sells what it learns"), (resume_client, "it stopped")):
        changed(broker, act, client, Change(who="Sam", why=why))
    with broker.database.transaction() as tx:
        history = list_standings(tx, client.client_id)
    assert [
        ("active", "broker", "registered"),
        ("suspended", "Sam", "sells what it learns"),
        ("active", "Sam", "it stopped"),
    ] == [(change.standing, change.who, change.why) for change in history]  # fmt: skip


def test_a_suspended_client_is_stopped_by_its_clause_and_resumed(broker: Broker, client: Client) -> None:
    consented(broker, client)
    assert () == call_clauses(broker, client)
    suspended = changed(broker, suspend_client, client)
    assert (False, ("SURVEILLANCE-8",)) == (suspended.active, call_clauses(broker, suspended))
    resumed = changed(broker, resume_client, client)
    assert (True, client.registration) == (resumed.active, resumed.registration)
    assert asked(broker, resumed, a_question()).decision.permitted


def test_a_held_client_that_was_suspended_is_held_again_when_it_is_resumed(broker: Broker) -> None:
    client = registered(broker, use_case=DOUBTFUL)
    changed(broker, suspend_client, client)
    assert Standing.HELD is changed(broker, resume_client, client).standing


@pytest.mark.parametrize(
    ("before", "act", "refused"),
    [
        ((), resume_client, "active, not suspended"), ((), approve_client, "active, not held"),
        ((suspend_client,), approve_client, "suspended, not held"),
    ],
)  # fmt: skip
def test_a_change_that_does_not_fit_the_standing_is_refused(
    broker: Broker, client: Client, before: tuple[object, ...], act: object, refused: str
) -> None:
    for earlier in before:
        changed(broker, earlier, client)
    with pytest.raises(CommandRefused, match=refused):
        changed(broker, act, client)


def test_a_client_that_is_held_waits_for_approval_and_cannot_be_resumed(broker: Broker) -> None:
    with pytest.raises(CommandRefused, match="held, not suspended"):
        changed(broker, resume_client, registered(broker, use_case=DOUBTFUL))


@pytest.mark.parametrize("act", [suspend_client, resume_client, approve_client])
def test_a_client_that_there_is_not_has_no_standing(broker: Broker, act: object) -> None:
    nobody = Client(
        client_id="nobody", registration=a_registration(), standing=Standing.ACTIVE, registered_at=NOON
    )  # fmt: skip
    with pytest.raises(NotFound):
        changed(broker, act, nobody)


def test_a_suspension_at_the_same_time_as_an_approval_is_never_lost(broker: Broker) -> None:
    """Whichever comes first: what was suspended is not let go by somebody who saw it held."""
    for _ in range(6):
        client = registered(broker, use_case=DOUBTFUL)
        acts = [partial(changed, broker, act, client) for act in (suspend_client, approve_client)]
        all_at_once(2, lambda number, acts=acts: acts[number]())
        with broker.database.transaction() as tx:
            found = find_client(tx, client.client_id)
        assert found is not None
        assert Standing.SUSPENDED is found.standing


def test_a_registration_that_is_refused_leaves_no_row(broker: Broker) -> None:
    with pytest.raises(PolicyRefused), broker.database.transaction() as tx:
        register_client(tx, broker, a_registration(purposes=("profiling",)))
    with broker.database.transaction() as tx:
        assert [] == list_clients(tx)

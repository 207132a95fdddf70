"""Associations without consent: what a tag must be and carry, what is remembered, and whom it serves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from acts_of_terms import offered
from builders import (
    CLAUSE_OF_PROHIBITED,
    NOON,
    Clock,
    a_question,
    a_source,
    a_tag,
    all_at_once,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    registered,
)
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.core.evidence import FIELDS, RELATIONSHIPS, Disclosure, Provenance
from broker.store.grounds import drop_ground, find_statement
from broker.store.people import sealer_of
from broker.store.routes import ASSOCIATION, drop_route, find_route

BY_HANDLE = {"account_id": None, "handle": "JaneCanary"}
BY = pytest.mark.parametrize("by", [{}, BY_HANDLE], ids=["by id", "by handle"])
FUTURE = NOON + timedelta(microseconds=1)

ACCEPTED = {
    **{f"user_provided, {who}": (a_tag(relationship=who), "MATCH-4a") for who in RELATIONSHIPS},
    "user_provided, this moment": (a_tag(collected_at=NOON), "MATCH-4a"),
    "user_provided, said to be direct": (a_tag(origin="direct"), "MATCH-4a"),
    **{f"public, {kind}": (a_tag("public", kind), "MATCH-4b1") for kind in ("directory", "website", "register")},
    **{
        f"public, {field}": (
            a_tag(
                "public", source=a_source("platform", field=field, post_id="1234567890" if field == "post" else None)
            ),
            "MATCH-4b2",
        )
        for field in FIELDS
    },
    "public, this moment": (a_tag("public", source=a_source(retrieved_at=NOON)), "MATCH-4b1"),
}
GIVEN, FOUND, SHOWN = "MATCH-4a", "MATCH-4b1", "MATCH-4b2"
LACKING = {
    "no tag": (a_tag("none"), "MATCH-4"),
    "a tag of no kind": (a_tag("consent"), "MATCH-4"),
    "no relationship": (a_tag(relationship=None), GIVEN),
    "a relationship that is none": (a_tag(relationship="stranger"), GIVEN),
    "no channel": (a_tag(channel=None), GIVEN),
    "no date": (a_tag(collected_at=None), GIVEN),
    "a date to come": (a_tag(collected_at=FUTURE), GIVEN),
    "nothing that the person was told": (a_tag(disclosure=None), GIVEN),
    "no source": (a_tag("public", source=None), FOUND),
    "a source of no kind": (a_tag("public", source=a_source(kind="none")), FOUND),
    "no address": (a_tag("public", source=a_source(url=None)), FOUND),
    "no digest": (a_tag("public", source=a_source(sha256=None)), FOUND),
    "not seen at any time": (a_tag("public", source=a_source(retrieved_at=None)), FOUND),
    "seen in a time to come": (a_tag("public", source=a_source(retrieved_at=FUTURE)), FOUND),
    "no field of the platform": (a_tag("public", source=a_source("platform", field=None)), SHOWN),
    "a message of the platform": (a_tag("public", source=a_source("platform", field="direct_message")), SHOWN),
    "a post without its id": (a_tag("public", source=a_source("platform", field="post")), SHOWN),
    "a bio with a post's id": (a_tag("public", source=a_source("platform", post_id="1")), SHOWN),
    "the platform at no time": (a_tag("public", source=a_source("platform", retrieved_at=None)), SHOWN),
    "nothing expected": (a_tag(expected_purposes=()), "MATCH-3"),
    "public, nothing expected": (a_tag("public", expected_purposes=()), "MATCH-3"),
    "an expected purpose that nobody knows": (a_tag(expected_purposes=("customer-care", "made-up")), "MATCH-3"),
}
ORIGINS = ("third_party", "bought", "inferred", "leaked", "restricted")
REFUSED = {
    **{f"user_provided, {origin}": (a_tag(origin=origin), GIVEN) for origin in ORIGINS},
    **{f"directory, {origin}": (a_tag("public", origin=origin), FOUND) for origin in ORIGINS},
    **{f"platform, {origin}": (a_tag("public", "platform", origin=origin), SHOWN) for origin in ORIGINS},
    **{f"a tag called {origin}": (a_tag(origin), "MATCH-4") for origin in ORIGINS},
    "a broker of people": (a_tag("public", source=a_source(url="https://www.spokeo.com/jane")), FOUND),
    "a leak": (a_tag("public", source=a_source(url="https://files.example/leaked/users.csv")), FOUND),
    "behind a login": (a_tag("public", source=a_source(url="https://club.example/login?to=members")), FOUND),
}


def permitted(broker: Broker, client: Client, **changes: object) -> bool:
    """Ask for a match, and take yes or no."""
    return asked(broker, client, a_question(**changes)).decision.permitted


def reason(broker: Broker, client: Client, **changes: object) -> tuple[str | None, tuple[str, ...]]:
    """Ask for a match, and take why not."""
    decision = asked(broker, client, a_question(**changes)).decision
    return decision.reason, decision.clauses


@pytest.mark.parametrize(("tag", "clause"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_whole_tag_is_accepted_by_its_clause_and_permits_by_it(
    sqlite_broker: Broker, tag: Provenance, clause: str
) -> None:
    client = registered(sqlite_broker)
    outcome = offered(sqlite_broker, client, tag)
    decision = asked(sqlite_broker, client).decision
    assert (True, (clause,), tag.tag) == (outcome.ruling.permitted, outcome.ruling.clauses, outcome.ruling.basis)
    assert (True, tag.tag, (clause,), outcome.ground) == (
        decision.permitted, decision.basis, decision.clauses, decision.ground,
    )  # fmt: skip


@pytest.mark.parametrize(("tag", "clause"), LACKING.values(), ids=LACKING)
def test_a_tag_that_lacks_something_is_refused_by_its_clause_and_may_be_mended(
    sqlite_broker: Broker, tag: Provenance, clause: str
) -> None:
    client = registered(sqlite_broker)
    outcome = offered(sqlite_broker, client, tag)
    assert (False, "provenance_rejected", (clause,), None) == (
        outcome.ruling.permitted, outcome.ruling.reason, outcome.ruling.clauses, outcome.ground,
    )  # fmt: skip
    assert ("no_basis", ("MATCH-4",)) == reason(sqlite_broker, client)
    assert offered(sqlite_broker, client).ground is not None
    assert permitted(sqlite_broker, client)


@pytest.mark.parametrize(("tag", "clause"), REFUSED.values(), ids=REFUSED)
def test_a_refused_origin_is_remembered_under_every_other_tag(
    sqlite_broker: Broker, tag: Provenance, clause: str
) -> None:
    client = registered(sqlite_broker)
    outcome = offered(sqlite_broker, client, tag)
    assert (False, "provenance_rejected", clause) == (
        outcome.ruling.permitted, outcome.ruling.reason, outcome.ruling.clauses[0],
    )  # fmt: skip
    for other in (a_tag(), a_tag("public"), a_tag("public", "platform")):
        again = offered(sqlite_broker, client, other)
        assert ("provenance_rejected", ("MATCH-4a",), None) == (
            again.ruling.reason, again.ruling.clauses, again.ground,
        )  # fmt: skip
    assert ("provenance_rejected", ("MATCH-4a",)) == reason(sqlite_broker, client, provenance=a_tag())


@BY
def test_a_refused_origin_ends_what_was_accepted_before_and_no_other_pair(
    broker: Broker, client: Client, other_client: Client, by: dict[str, object]
) -> None:
    other = an_identifier("other.canary@mailbox.example")
    for who, identifier in ((client, an_identifier()), (client, other), (other_client, an_identifier())):
        offered(broker, who, identifier=identifier, **by)
    offered(broker, client, a_tag(origin="bought"), **by)
    assert ("provenance_rejected", ("MATCH-4a",)) == reason(broker, client, **by)
    assert permitted(broker, client, identifier=other, **by)
    assert permitted(broker, other_client, **by)


def test_a_refused_origin_takes_no_consent_away(broker: Broker, client: Client) -> None:
    offered(broker, client, a_tag(origin="leaked"))
    consented(broker, client)
    assert permitted(broker, client)


def test_an_origin_refused_for_the_handle_of_a_known_account_is_refused_for_its_id_too(
    broker: Broker, client: Client
) -> None:
    proved(broker, an_account(), None)
    offered(broker, client, a_tag(origin="bought"), **BY_HANDLE)
    again = offered(broker, client).ruling
    assert ("provenance_rejected", ("MATCH-4a",)) == (again.reason, again.clauses)


@pytest.mark.parametrize(("purpose", "clause"), CLAUSE_OF_PROHIBITED.items())
def test_a_tag_that_expects_what_no_consent_lifts_is_refused_by_that_clause(
    sqlite_broker: Broker, purpose: str, clause: str
) -> None:
    client = registered(sqlite_broker)
    ruling = offered(sqlite_broker, client, a_tag(expected_purposes=("customer-care", purpose))).ruling
    assert (False, "purpose_prohibited", (clause,)) == (ruling.permitted, ruling.reason, ruling.clauses)
    assert not permitted(sqlite_broker, client)


def test_a_source_that_reveals_a_sensitive_category_is_refused_by_the_categorys_clause(
    broker: Broker, client: Client
) -> None:
    union = a_source(url="https://members.example/trade-union/jane")
    ruling = offered(broker, client, a_tag("public", source=union)).ruling
    assert ("purpose_prohibited", ("SENSITIVE-1.union",)) == (ruling.reason, ruling.clauses)


def test_the_purpose_asked_must_be_among_those_expected(broker: Broker, client: Client) -> None:
    offered(broker, client, a_tag(expected_purposes=("newsletter",)))
    assert ("purpose_not_granted", ("MATCH-3",)) == reason(broker, client)
    assert permitted(broker, client, purpose="newsletter")


def test_a_second_tag_of_the_pair_adds_its_own_expectations(broker: Broker, client: Client, clock: Clock) -> None:
    first = offered(broker, client, a_tag(expected_purposes=("newsletter",))).ground
    clock.passes(days=1)
    second = offered(broker, client, a_tag("public", "platform")).ground
    assert first is not None
    assert second is not None
    decisions = [asked(broker, client, a_question(purpose=name)).decision for name in ("newsletter", "customer-care")]
    assert [first, second] == [decision.ground for decision in decisions]
    assert ["user_provided", "public"] == [decision.basis for decision in decisions]


@BY
def test_the_same_tag_again_is_the_same_association(broker: Broker, client: Client, by: dict[str, object]) -> None:
    grounds = [offered(broker, client, **by).ground for _ in range(3)]
    assert [grounds[0]] * 3 == grounds
    assert permitted(broker, client, provenance=a_tag(), **by)
    with broker.database.transaction() as tx:
        assert (1, 1) == tuple(len(all_rows(tx)[name]) for name in ("grounds", "statements"))


def test_the_same_tag_at_once_is_one_association(broker: Broker, client: Client) -> None:
    found = [outcome.ground for outcome in all_at_once(8, lambda _: offered(broker, client))]
    assert found[0] is not None
    assert {found[0].association_id} == {ground and ground.association_id for ground in found}


@BY
def test_a_tag_beside_a_question_is_kept_like_one_that_was_offered(
    broker: Broker, client: Client, by: dict[str, object]
) -> None:
    decision = asked(broker, client, a_question(provenance=a_tag(), **by)).decision
    assert (True, "user_provided") == (decision.permitted, decision.basis)
    assert decision.ground == asked(broker, client, a_question(**by)).decision.ground


def test_a_tag_beside_a_question_is_kept_though_the_question_is_refused(broker: Broker, client: Client) -> None:
    assert ("purpose_not_declared", ("APPLICATION-1",)) == reason(
        broker, client, purpose="direct-marketing", provenance=a_tag()
    )  # fmt: skip
    assert permitted(broker, client)


@BY
def test_what_one_client_offers_is_no_ground_for_another(
    broker: Broker, client: Client, other_client: Client, by: dict[str, object]
) -> None:
    before = asked(broker, other_client, a_question(**by)).decision
    ground = offered(broker, client, **by).ground
    assert ground is not None
    assert repr(before) == repr(asked(broker, other_client, a_question(**by)).decision)
    with broker.database.transaction() as tx:
        route = find_route(tx, ASSOCIATION, ground.association_id)
        assert route is not None
        assert not drop_ground(tx, route.account, ground.association_id, client_id=other_client.client_id)
    assert permitted(broker, client, **by)


def test_a_ground_by_handle_serves_no_question_by_id_before_a_consent(broker: Broker, client: Client) -> None:
    proved(broker, an_account(), None)
    offered(broker, client, **BY_HANDLE)
    assert permitted(broker, client, **BY_HANDLE)
    assert ("no_basis", ("MATCH-4",)) == reason(broker, client)


@pytest.mark.parametrize("leaves", [True, False], ids=["its bearer left it", "two accounts proved it"])
def test_a_handle_that_may_mean_two_permits_nothing_on_grounds(broker: Broker, client: Client, *, leaves: bool) -> None:
    proved(broker, an_account(), None)
    offered(broker, client, **BY_HANDLE)
    assert permitted(broker, client, **BY_HANDLE)
    proved(broker, an_account(handle="moved_on") if leaves else an_account("7777777"), None)
    assert ("no_basis", ("MATCH-4",)) == reason(broker, client, **BY_HANDLE)


def test_what_a_client_gives_up_permits_no_longer_and_its_statement_stays(broker: Broker, client: Client) -> None:
    ground = offered(broker, client).ground
    assert ground is not None
    account = broker.blinder.account(an_account().account)
    with broker.database.transaction() as tx:
        assert drop_ground(tx, account, ground.association_id, client_id=client.client_id)
        drop_route(tx, ASSOCIATION, ground.association_id)
        sealer = sealer_of(tx, broker.sealer, account)
        assert find_statement(tx, account, ground.statement_id, store=broker.sealer, person=sealer)
        assert find_statement(tx, account, "no id", store=broker.sealer, person=sealer) is None
        assert find_statement(tx, account, ground.association_id, store=broker.sealer, person=sealer) is None
    assert ("no_basis", ("MATCH-4",)) == reason(broker, client)


def test_an_offer_is_written_down_as_an_answer_of_its_own_kind(broker: Broker, client: Client) -> None:
    ground = offered(broker, client).ground
    offered(broker, client, a_tag(disclosure=None), identifier=an_identifier("other.canary@mailbox.example"))
    assert ground is not None
    with broker.database.transaction() as tx:
        rows = sorted(all_rows(tx)["decisions"], key=lambda row: not row["permitted"])
    assert [("associate", True, "user_provided", ground.association_id), ("associate", False, None, None)] == [
        (row["act"], row["permitted"], row["basis"], row["association_id"]) for row in rows
    ]


def test_the_same_evidence_told_otherwise_is_another_tag(broker: Broker, client: Client) -> None:
    told = Disclosure(url="https://northwind.example/privacy", version="4", sha256="0" * 64)
    one, two = offered(broker, client).ground, offered(broker, client, replace(a_tag(disclosure=told))).ground
    assert one is not None
    assert two is not None
    assert one.association_id != two.association_id

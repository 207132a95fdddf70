from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    CLAUSE_OF_PROHIBITED,
    NOON,
    Clock,
    a_pen,
    a_question,
    a_source,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    registered,
)
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.decide_match import decide_match
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.core.evidence import Provenance
from broker.store.projecting import write_pair
from broker.store.tables import AssociationRow
from broker.store.trail import begin_trail

BY_HANDLE = {"account_id": None, "handle": "JaneCanary"}


def answer(
    broker: Broker, client: Client, question: Question | None = None
) -> tuple[bool, str | None, tuple[str, ...]]:
    """Ask, and take the answer's heart."""
    decision = asked(broker, client, question).decision
    return decision.permitted, decision.reason, decision.clauses


def permitted(broker: Broker, client: Client, question: Question | None = None) -> bool:
    """Ask, and take yes or no."""
    return answer(broker, client, question)[0]


def test_a_live_consent_for_the_purpose_permits(broker: Broker, client: Client) -> None:
    record = consented(broker, client, None, "customer-care")
    found = asked(broker, client)
    assert found.decision.consent is not None
    assert (True, "consent", ("MATCH-2",), None, record.grant_id, NOON) == (
        found.decision.permitted, found.decision.basis, found.decision.clauses, found.decision.reason,
        found.decision.consent.grant_id, found.decided_at,
    )  # fmt: skip


def test_without_a_consent_the_answer_is_no(broker: Broker, client: Client) -> None:
    assert (False, "no_basis", ("MATCH-4",)) == answer(broker, client)


def test_a_purpose_that_was_not_ticked_is_denied(broker: Broker, client: Client) -> None:
    consented(broker, client, None, "newsletter")
    assert (False, "purpose_not_granted", ("MATCH-2",)) == answer(broker, client)


def test_a_purpose_the_client_never_declared_is_denied_whatever_was_ticked(broker: Broker, client: Client) -> None:
    consented(broker, client)
    for purpose in ("direct-marketing", "made-up"):
        assert (False, "purpose_not_declared", ("APPLICATION-1",)) == answer(
            broker, client, a_question(purpose=purpose)
        )  # fmt: skip


@pytest.mark.parametrize(("purpose", "clause"), CLAUSE_OF_PROHIBITED.items())
def test_a_prohibited_purpose_is_denied_by_its_own_clause_consent_or_not(
    broker: Broker, client: Client, purpose: str, clause: str
) -> None:
    consented(broker, client)
    for account in (an_account(), an_account("555555", "Stranger")):
        assert (False, "purpose_prohibited", (clause,)) == answer(broker, client, a_question(account, purpose=purpose))


@pytest.mark.parametrize(
    ("tag", "clause"),
    [
        (a_tag("user_provided", relationship=None), "MATCH-4a"),
        (a_tag("public", source=a_source("directory", sha256=None)), "MATCH-4b1"),
        (a_tag("public", source=a_source("platform", field=None)), "MATCH-4b2"),
        (a_tag("user_provided", expected_purposes=()), "MATCH-3"),
        (a_tag("bought"), "MATCH-4"),
    ],
)
def test_a_tag_is_refused_by_its_clause_and_takes_no_consent_away(
    broker: Broker, client: Client, tag: Provenance, clause: str
) -> None:
    assert (False, "provenance_rejected", (clause,)) == answer(broker, client, a_question(provenance=tag))
    consented(broker, client)
    assert permitted(broker, client, a_question(provenance=tag))


def test_a_consent_is_over_at_its_moment_though_its_row_says_given(
    broker: Broker, client: Client, clock: Clock
) -> None:
    record = consented(broker, client, valid_for="P1D")
    clock.now = record.valid_until - timedelta(microseconds=1)
    assert permitted(broker, client)
    clock.now = record.valid_until
    assert (False, "expired", ("MATCH-2",)) == answer(broker, client)
    with broker.database.transaction() as tx:
        assert ["given"] == [row["status"] for row in all_rows(tx)["consents"]]


def test_a_consent_without_its_association_permits_nothing(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    associations = AssociationRow.__table__  # type: ignore[attr-defined]
    with broker.database.engine.begin() as tx:
        kept = dict(tx.execute(associations.select()).one()._mapping)  # noqa: SLF001
        tx.execute(associations.delete())
    with broker.database.engine.begin() as tx:
        begin_trail(tx, a_pen())
        pair = record.account + record.identifier.digest
        write_pair(tx, pair)
        from_rows = asked_within(tx, broker, client)
        tx.execute(associations.insert().values(kept))
        write_pair(tx, pair)
    assert (False, "no_basis") == from_rows


def asked_within(tx: object, broker: Broker, client: Client) -> tuple[bool, str | None]:
    """Ask inside a transaction whose rows are not sound on purpose."""
    decision = decide_match(tx, broker, client, a_question()).decision  # type: ignore[arg-type]
    return decision.permitted, decision.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"identifier": an_identifier("other@mailbox.example")},
        {"identifier": replace(an_identifier(), kind="household", type="household_id")},
        {"identifier": replace(an_identifier(), type="customer_id")},
        {"identifier": replace(an_identifier(), name="email")},
        {"account_id": "2244994946"},
        {"account_id": "224499494"},
    ],
    ids=["another address", "another kind", "another type", "another name", "another account", "an id cut short"],
)
def test_a_consent_covers_its_own_pair_and_no_other(broker: Broker, client: Client, changes: dict[str, object]) -> None:
    consented(broker, client)
    assert (False, "no_basis", ("MATCH-4",)) == answer(broker, client, a_question(**changes))


@pytest.mark.parametrize("by", [{}, BY_HANDLE], ids=["by id", "by handle"])
def test_what_others_hold_reads_like_an_account_that_nobody_knows(
    broker: Broker, client: Client, other_client: Client, by: dict[str, object]
) -> None:
    before = asked(broker, client, a_question(**by)).decision
    consented(broker, other_client)
    assert repr(before) == repr(asked(broker, client, a_question(**by)).decision)
    assert permitted(broker, other_client, a_question(**by))


@pytest.mark.parametrize("handle", ["JaneCanary", "janecanary", "JANECANARY", "@JaneCanary"])
def test_a_handle_stands_for_the_account_that_proved_it(broker: Broker, client: Client, handle: str) -> None:
    consented(broker, client)
    assert permitted(broker, client, a_question(**{**BY_HANDLE, "handle": handle}))


@pytest.mark.parametrize("handle", ["", "unknown", "2244994945"])
def test_a_handle_that_nobody_proved_stands_for_nobody(broker: Broker, client: Client, handle: str) -> None:
    consented(broker, client)
    assert (False, "no_basis", ("MATCH-4",)) == answer(broker, client, a_question(**{**BY_HANDLE, "handle": handle}))


def test_a_handle_left_behind_leads_to_nobody_and_the_new_one_to_its_account(broker: Broker, client: Client) -> None:
    consented(broker, client)
    proved(broker, an_account(handle="moved_on"), None)
    outcomes = [permitted(broker, client, a_question(**{**BY_HANDLE, "handle": name})) for name in
                ("JaneCanary", "moved_on")]  # fmt: skip
    assert [False, True] == outcomes


def test_a_handle_that_was_recycled_leads_to_nobody_ever_again(broker: Broker, client: Client) -> None:
    taker = an_account("7777777", "JaneCanary")
    consented(broker, client)
    consented(broker, client, taker, identifier=an_identifier("taker@mailbox.example"))
    for identifier in (an_identifier(), an_identifier("taker@mailbox.example")):
        assert not permitted(broker, client, a_question(**BY_HANDLE, identifier=identifier))
    proved(broker, an_account(), None)
    assert not permitted(broker, client, a_question(**BY_HANDLE))
    assert permitted(broker, client)


def test_every_answer_is_written_down_under_its_own_id(broker: Broker, client: Client) -> None:
    consented(broker, client)
    answers = [asked(broker, client, question) for question in
               (a_question(), a_question(), a_question(purpose="newsletter"), a_question(account_id="1"))]  # fmt: skip
    with broker.database.transaction() as tx:
        rows = {row["decision_id"]: row for row in all_rows(tx)["decisions"]}
    assert {found.decision_id for found in answers} == set(rows)
    for found in answers:
        row, decision = rows[found.decision_id], found.decision
        grant_id = decision.consent.grant_id if decision.consent else None
        assert (decision.permitted, decision.basis, decision.reason, grant_id, decision.policy.digest) == (
            row["permitted"], row["basis"], row["reason"], row["grant_id"], row["policy_digest"],
        )  # fmt: skip


def test_an_answer_is_written_under_the_account_or_under_the_handles_digest(broker: Broker, client: Client) -> None:
    consented(broker, client)
    for handle in ("JaneCanary", "unknown"):
        asked(broker, client, a_question(**{**BY_HANDLE, "handle": handle}))
    with broker.database.transaction() as tx:
        written = {row["account"] for row in all_rows(tx)["decisions"]}
    assert {broker.blinder.account(an_account().account), broker.blinder.handle("x", "unknown")} == written


def test_a_purpose_in_words_of_ones_own_is_answered_and_not_written_down(broker: Broker, client: Client) -> None:
    assert not permitted(broker, client, a_question(purpose="see whether Jane is ill"))
    with broker.database.transaction() as tx:
        assert ["other"] == [row["purpose"] for row in all_rows(tx)["decisions"]]


def test_of_one_pair_the_latest_consent_speaks(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client, None, "customer-care", valid_for="P30D")
    clock.passes(days=1)
    consented(broker, client, None, "newsletter", valid_for="P1D")
    assert [False, True] == [permitted(broker, client, a_question(purpose=purpose)) for purpose in
                             ("customer-care", "newsletter")]  # fmt: skip
    assert "purpose_not_granted" == answer(broker, client)[1]


def test_a_tag_without_the_purpose_among_the_expected_permits_by_none_and_is_kept(
    broker: Broker, client: Client
) -> None:
    tag = a_tag("user_provided", expected_purposes=("newsletter",))
    assert (False, "purpose_not_granted", ("MATCH-3",)) == answer(broker, client, a_question(provenance=tag))
    assert permitted(broker, client, a_question(purpose="newsletter"))


def test_a_kind_that_nobody_knows_is_denied_consent_or_not(broker: Broker, client: Client) -> None:
    consented(broker, client)
    unknown = replace(an_identifier(), kind="vehicle")
    assert not permitted(broker, client, a_question(identifier=unknown))


def test_a_purpose_withdrawn_from_the_use_case_is_denied_from_then_on(broker: Broker) -> None:
    client = registered(broker)
    consented(broker, client)
    narrowed = replace(client, registration=replace(client.registration, purposes=("newsletter",)))
    assert "purpose_not_declared" == answer(broker, narrowed)[1]

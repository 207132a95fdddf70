"""Whom an account has to do with, as its person sees it, and ending everything at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from builders import (
    Clock,
    a_broker,
    a_question,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.list_businesses import Businesses, list_businesses
from broker.actions.list_consents import list_answers
from broker.actions.object_to_matching import object_to_matching, take_objection_back
from broker.actions.withdraw_consent import withdraw_all, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentStatus
from broker.core.identifiers import ProvenAccount
from broker.errors import NotFound
from broker.store.objections import list_objections
from broker.store.people import Person, find_person
from broker.store.transaction import Transaction

BY_HANDLE = {"account_id": None, "handle": "janecanary"}
STRANGER = an_account("3333", "SomebodyElse")


@pytest.fixture
def broker(database: WatchedDatabase, clock: Clock) -> Broker:
    """Give a whole broker, unwatched: a client may speak of an account that nobody has proved yet."""
    return a_broker(database, clock=clock)


def person(tx: Transaction, broker: Broker, proven: ProvenAccount) -> Person:
    """Find somebody who proved an account."""
    found = find_person(tx, broker.sealer, broker.blinder.account(proven.account))
    assert found is not None
    return found


def seen(broker: Broker, proven: ProvenAccount | None = None) -> Businesses:
    """Return what somebody sees who signs in."""
    who = proven or an_account()
    proved(broker, who, None)
    with broker.database.transaction() as tx:
        return list_businesses(tx, broker, person(tx, broker, who))


def claims(broker: Broker, client: Client, **by: str | None) -> None:
    """Let a client say that the person gave it their details."""
    assert asked(broker, client, a_question(provenance=a_tag(), **by)).decision.permitted


def objects(broker: Broker, client: Client) -> None:
    """Let the person object to one client."""
    proved(broker, an_account(), None)
    with broker.database.transaction() as tx:
        object_to_matching(tx, broker, person(tx, broker, an_account()), client_id=client.client_id)


def by_handle(broker: Broker, client: Client) -> None:
    """Let a client ask by the handle, which leads to the person from their proof on."""
    proved(broker, an_account(), None)
    asked(broker, client, a_question(**BY_HANDLE))


DEALINGS: dict[str, Callable[[Broker, Client], object]] = {
    "a consent": consented,
    "a refusal": refused,
    "a claim": claims,
    "a claim by the handle": lambda broker, client: claims(broker, client, **BY_HANDLE),
    "a question": asked,
    "a question by the handle": by_handle,
    "an objection": objects,
}


@pytest.mark.parametrize("deal", DEALINGS.values(), ids=DEALINGS.keys())
def test_whoever_has_to_do_with_an_account_is_listed_to_its_person_and_to_nobody_else(
    broker: Broker, client: Client, other_client: Client, deal: Callable[[Broker, Client], object]
) -> None:
    consented(broker, other_client, STRANGER)

    deal(broker, client)

    assert [client.client_id] == [view.client_id for view in seen(broker).views]
    assert [other_client.client_id] == [view.client_id for view in seen(broker, STRANGER).views]


def test_a_listed_business_is_shown_with_what_it_rests_on_and_when_it_asked(
    broker: Broker, client: Client, clock: Clock
) -> None:
    claims(broker, client)
    clock.passes(days=2)
    asked(broker, client)

    (view,) = seen(broker).views

    assert ("Northwind Bikes", None, False, False) == (view.business, view.objected_at, view.allowed, view.said_no)
    assert [("user_provided", ("customer-care",))] == [(one.basis, one.expected_purposes) for one in view.claims]
    assert (clock.now, clock.now - timedelta(days=2)) == (view.asked_at, view.claims[0].made_at)


def test_a_claim_by_a_handle_that_the_account_has_left_is_not_its_own(broker: Broker, client: Client) -> None:
    claims(broker, client, **BY_HANDLE)
    assert [client.client_id] == [view.client_id for view in seen(broker).views]

    renamed = an_account(handle="AnotherName")

    assert () == seen(broker, renamed).views


def test_what_was_allowed_and_what_was_refused_is_told_apart(
    broker: Broker, client: Client, other_client: Client
) -> None:
    consented(broker, client)
    refused(broker, other_client)

    told = {view.client_id: (view.allowed, view.said_no) for view in seen(broker).views}

    assert {client.client_id: (True, False), other_client.client_id: (False, True)} == told


def test_objections_to_all_and_to_one_are_apart(broker: Broker, client: Client) -> None:
    objects(broker, client)
    with broker.database.transaction() as tx:
        object_to_matching(tx, broker, person(tx, broker, an_account()))
    assert (True, True) == (seen(broker).objected_at is not None, seen(broker).views[0].objected_at is not None)

    with broker.database.transaction() as tx:
        take_objection_back(tx, person(tx, broker, an_account()))

    assert (False, True) == (seen(broker).objected_at is not None, seen(broker).views[0].objected_at is not None)


@pytest.mark.parametrize("client_id", ["", "nobody", "a" * 26, "\x00", "\ud800"])
def test_nobody_can_be_objected_to_who_is_not_there(broker: Broker, client_id: str) -> None:
    proved(broker, an_account(), None)
    for act in (
        lambda tx, who: object_to_matching(tx, broker, who, client_id=client_id),
        lambda tx, who: take_objection_back(tx, who, client_id=client_id),
    ):
        with pytest.raises(NotFound), broker.database.transaction() as tx:
            act(tx, person(tx, broker, an_account()))


def test_all_consents_end_together_each_with_its_receipt(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    consented(broker, client)
    record = consented(broker, other_client, identifier=an_identifier("jane@elsewhere.example"))
    kept = consented(broker, client, STRANGER)
    clock.passes(minutes=1)

    with broker.database.transaction() as tx:
        withdraw_all(tx, broker, account=record.account)
        answers = list_answers(tx, broker, person(tx, broker, an_account()))
        others = list_answers(tx, broker, person(tx, broker, STRANGER))

    ended = [(view.status, view.receipts[0].status) for view in answers.consents]
    assert [(ConsentStatus.WITHDRAWN, ConsentStatus.WITHDRAWN)] * 2 == ended
    assert [kept.grant_id] == [view.grant_id for view in others.consents if view.live]


def test_ending_all_changes_nothing_about_what_ended_before(broker: Broker, client: Client, clock: Clock) -> None:
    """A consent that was renewed or ran out is no "no" to the business, and must not become one."""
    first = consented(broker, client)
    consented(broker, client)
    clock.passes(days=400)
    assert [ConsentStatus.EXPIRED, ConsentStatus.REVOKED] == statuses(broker)

    with broker.database.transaction() as tx:
        withdraw_all(tx, broker, account=first.account)
        assert {} == list_objections(tx, first.account)

    assert [ConsentStatus.EXPIRED, ConsentStatus.REVOKED] == statuses(broker)


def statuses(broker: Broker) -> list[ConsentStatus]:
    """Return what has become of the person's consents, the latest first."""
    with broker.database.transaction() as tx:
        return sorted(view.status for view in list_answers(tx, broker, person(tx, broker, an_account())).consents)


def test_withdrawing_one_ends_one(broker: Broker, client: Client) -> None:
    other = registered(broker, client_name="Contoso Market")
    record = consented(broker, client)
    consented(broker, other)

    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)

    assert [other.client_id] == [view.client_id for view in seen(broker).views if view.allowed]

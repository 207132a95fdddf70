"""Who asked about me: each question that named the account, and each whose handle led to it at that moment."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from acts_of_terms import contacted, offered
from builders import NOON, Clock, a_broker, a_question, an_account, asked, consented, proved, registered
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.list_questions import Questions, QuestionView, list_questions
from broker.core.client import Client
from broker.core.identifiers import ProvenAccount
from broker.store.people import find_person
from broker.store.questions import last_asked

BY_HANDLE = {"account_id": None, "handle": "janecanary"}
RENAMED = an_account(handle="JaneElsewhere")
STRANGER = an_account("3333", "SomebodyElse")
TAKER = an_account("3333", "JaneCanary")


@pytest.fixture
def broker(database: WatchedDatabase, clock: Clock) -> Broker:
    """Give a whole broker, unwatched: a client may speak of an account that nobody has proved yet."""
    return a_broker(database, clock=clock)


def seen(broker: Broker, account: ProvenAccount | None = None, **page: object) -> Questions:
    """Return what somebody sees who signed in before."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, broker.blinder.account((account or an_account()).account))
        assert person is not None
        return list_questions(tx, person, **page)  # type: ignore[arg-type] # the parameters of a page


def told(views: tuple[QuestionView, ...]) -> list[tuple[str, str, bool, str | None]]:
    """Return what was asked for, for what, and the answer."""
    return [
        (view.told.act, view.told.purpose, view.told.permitted, view.told.basis or view.told.reason) for view in views
    ]


def test_permits_and_denials_of_matches_offers_and_messages_are_all_there_the_latest_first(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    consented(broker, client, None, "customer-care")
    for act in (
        lambda: asked(broker, client),
        lambda: asked(broker, client, a_question(purpose="newsletter")),
        lambda: asked(broker, other_client),
        lambda: offered(broker, other_client),
        lambda: contacted(broker, client),
    ):
        clock.passes(minutes=1)
        act()
    assert [
        ("contact", "contact", False, "purpose_not_declared"),
        ("associate", "other", True, "user_provided"),
        ("match", "customer-care", False, "no_basis"),
        ("match", "newsletter", False, "purpose_not_granted"),
        ("match", "customer-care", True, "consent"),
    ] == told(seen(broker).views)
    assert ["Northwind Bikes", "Contoso Market"] == [view.business for view in seen(broker).views[:2]]
    assert all(view.told.clauses for view in seen(broker).views)


def test_a_question_by_a_handle_is_whose_it_led_to_and_the_client_learns_nothing_of_that(
    broker: Broker, client: Client
) -> None:
    proved(broker, an_account(), None)
    proved(broker, STRANGER, None)
    answer = asked(broker, client, a_question(**BY_HANDLE))
    assert "no_basis" == answer.decision.reason
    (view,) = seen(broker).views
    assert (answer.decision_id, True) == (view.told.decision_id, view.told.by_handle)
    assert () == seen(broker, STRANGER).views


def test_of_who_holds_a_consent_a_handle_is_told_apart_from_an_id_no_more(broker: Broker, client: Client) -> None:
    consented(broker, client)
    asked(broker, client, a_question(**BY_HANDLE))
    assert [("match", "customer-care", True, "consent")] == told(seen(broker).views)


def nobody_proved_it(_broker: Broker) -> None:
    """Nobody has ever shown that the handle is theirs."""


def somebody_else_took_it(broker: Broker) -> None:
    """Two accounts were seen with it: it leads to nobody ever again."""
    proved(broker, an_account(), None)
    proved(broker, TAKER, None)


def its_bearer_left_it(broker: Broker) -> None:
    """Its bearer has another one by now."""
    proved(broker, an_account(), None)
    proved(broker, RENAMED, None)


@pytest.mark.parametrize("before", [nobody_proved_it, somebody_else_took_it, its_bearer_left_it])
def test_a_question_by_a_handle_that_led_to_nobody_is_nobodys_later_either(
    broker: Broker, client: Client, before: Callable[[Broker], None]
) -> None:
    before(broker)
    asked(broker, client, a_question(**BY_HANDLE))
    for account in (an_account(), TAKER):
        proved(broker, account, None)
    assert ((), ()) == (seen(broker).views, seen(broker, TAKER).views)


def test_what_led_to_somebody_stays_theirs_when_the_handle_is_another_ones(broker: Broker, client: Client) -> None:
    proved(broker, an_account(), None)
    asked(broker, client, a_question(**BY_HANDLE))
    proved(broker, RENAMED, None)
    proved(broker, TAKER, None)
    assert (1, 0) == (len(seen(broker).views), len(seen(broker, TAKER).views))


def test_one_business_alone_can_be_asked_about(broker: Broker, client: Client, other_client: Client) -> None:
    proved(broker, an_account(), None)
    for who in (client, other_client, client):
        asked(broker, who)
        asked(broker, who, a_question(**BY_HANDLE))
    views = seen(broker, client_id=client.client_id).views
    assert (4, {client.client_id}) == (len(views), {view.told.client_id for view in views})
    with broker.database.reading() as tx:
        account = broker.blinder.account(an_account().account)
        assert {client.client_id: NOON, other_client.client_id: NOON} == last_asked(tx, account)


def test_pages_join_without_a_gap_and_without_a_double_whatever_is_asked_meanwhile(
    broker: Broker, client: Client, clock: Clock
) -> None:
    proved(broker, an_account(), None)
    ids = []
    for number in range(11):
        # Several at one moment, and both ways of naming the account among them.
        clock.passes(seconds=number % 2)
        ids.append(asked(broker, client, a_question(**(BY_HANDLE if number % 3 else {}))).decision_id)
    pages, before = [], None
    while True:
        page = seen(broker, before=before, limit=3)
        pages.append(page.views)
        clock.passes(seconds=1)
        asked(broker, client)  # somebody asks while the person reads
        before = page.more
        if before is None:
            break
    found = [view.told for views in pages for view in views]
    assert [3, 3, 3, 2] == [len(views) for views in pages]
    assert sorted(ids) == sorted(told.decision_id for told in found)
    assert all(one.place > other.place for one, other in pairwise(found))


def test_a_business_that_is_gone_from_the_register_is_named_by_its_id(broker: Broker) -> None:
    client = registered(broker, client_name="Fabrikam")
    proved(broker, an_account(), None)
    asked(broker, client)
    (view,) = seen(broker).views
    assert ("Fabrikam", {}) == (view.business, dict(view.narrower))
    assert view.told.client_id == QuestionView(told=view.told, client=None).business

"""Passing content on: each clause, and ceilings that are exact whoever else counts at the same time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from acts_of_terms import handed, received, with_limits
from builders import NOON, Clock, all_at_once, an_id, registered
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.redistribute import Handed, NotHanded
from broker.core.client import AGREEMENTS, Client
from broker.core.names import fold_name
from broker.errors import BrokerError, NotFound, Unavailable

ALL = dict.fromkeys(AGREEMENTS, "2026-01-02")
TODAY, TOMORROW, YESTERDAY = "2026-11-23", "2026-11-24", "2026-11-22"
ACADEMIC = {"institution": "University of Bicycles", "statement": "This research is not commercial."}
BY_SAM = {"objects": "posts", "by": "Sam", "person": True}
RACERS = 50


def remaining(broker: Broker, client: Client, recipient: str, count: int = 1, **changes: object) -> int | str | None:
    """Hand over; return what remains, or the clause that refused it."""
    try:
        return handed(broker, client, recipient, count, **changes).remaining
    except NotHanded as refused:
        [clause] = refused.clauses
        return clause


@pytest.fixture
def recipient(broker: Broker, client: Client) -> str:
    """Give a recipient of the business."""
    return received(broker, client)


# --- recipients (REDISTRIBUTE-4, -5) ----------------------------------------------------------------------------


@pytest.mark.parametrize("missing", AGREEMENTS)
@pytest.mark.parametrize("day", [None, TOMORROW], ids=["never", "tomorrow"])
def test_a_recipient_without_an_agreement_is_refused(broker: Broker, client: Client, missing: str, day: str) -> None:
    agreements = {**ALL, missing: day} if day else {name: when for name, when in ALL.items() if name != missing}
    with pytest.raises(NotHanded) as caught:
        received(broker, client, agreements=agreements)
    assert (("REDISTRIBUTE-5",), 409) == (caught.value.clauses, caught.value.status)
    received(broker, client, agreements={**agreements, missing: TODAY})


@pytest.mark.parametrize("missing", ACADEMIC)
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "not there"])
def test_the_academic_mark_needs_institution_and_statement(
    broker: Broker, client: Client, missing: str, *, empty: bool
) -> None:
    academic = {name: "" if name == missing else text for name, text in ACADEMIC.items() if empty or name != missing}
    with pytest.raises(NotHanded) as caught:
        received(broker, client, academic=academic)
    assert ("REDISTRIBUTE-4",) == caught.value.clauses
    received(broker, client, academic=ACADEMIC)


def test_one_name_is_one_recipient_whose_papers_are_brought_up_to_date(
    broker: Broker, client: Client, other_client: Client
) -> None:
    first = received(broker, client)
    handed(broker, client, first, 400)
    again = received(broker, client, name="  INSTITUTE for Bicycles. ", academic=ACADEMIC)
    assert (first, None) == (again, remaining(broker, client, first, 2_000_000))
    assert first != received(broker, client, name="Institute for Tricycles")
    assert first != received(broker, other_client)
    with broker.database.transaction() as tx:
        assert 3 == len(all_rows(tx)["recipients"])


def test_the_same_recipient_recorded_at_once_is_one(broker: Broker, client: Client) -> None:
    assert 1 == len(set(all_at_once(8, lambda _: received(broker, client))))


def test_papers_that_are_not_whole_any_more_stop_what_comes_later(broker: Broker, client: Client) -> None:
    """The refusal itself changes nothing on record."""
    recipient = received(broker, client)
    with pytest.raises(NotHanded):
        received(broker, client, agreements={})
    assert 1_499_999 == remaining(broker, client, recipient)


def test_another_owners_recipient_reads_like_none(broker: Broker, other_client: Client, recipient: str) -> None:
    told = set()
    for name in (recipient, an_id("nobody"), "no id"):
        with pytest.raises(NotFound) as caught:
            handed(broker, other_client, name)
        told.add(caught.value.detail)
    assert {"this owner has no recipient of that id"} == told


@pytest.mark.parametrize("changes", [{}, BY_SAM], ids=["ids", "whole objects"])
def test_development_and_staging_hand_nothing_to_a_recipient_of_production(
    broker: Broker, changes: dict[str, object]
) -> None:
    prod, dev = (
        registered(broker, owner="Northwind", environment=name, client_name=f"Northwind {name}")
        for name in ("prod", "dev")
    )
    recipient, own = received(broker, prod), received(broker, dev)
    assert recipient != own
    assert "APPLICATION-2" == remaining(broker, dev, recipient, **changes)
    assert "APPLICATION-2" == remaining(broker, prod, own, **changes)
    assert "APPLICATION-2" != remaining(broker, dev, own, **changes)


# --- ids (REDISTRIBUTE-1, -3) -----------------------------------------------------------------------------------


def test_post_ids_are_counted_to_the_last_and_not_one_further(broker: Broker, client: Client, recipient: str) -> None:
    assert 1 == remaining(broker, client, recipient, 1_499_999)
    assert "REDISTRIBUTE-3" == remaining(broker, client, recipient, 2)
    assert [0, "REDISTRIBUTE-3"] == [remaining(broker, client, recipient) for _ in range(2)]


def test_one_handover_over_the_ceiling_is_refused_whole(broker: Broker, client: Client, recipient: str) -> None:
    with pytest.raises(NotHanded) as caught:
        handed(broker, client, recipient, 1_500_001)
    assert (("REDISTRIBUTE-3",), 409) == (caught.value.clauses, caught.value.status)
    assert "0 of 1500000 were handed to this recipient in the window; 1500001 more" in caught.value.detail
    assert 0 == remaining(broker, client, recipient, 1_500_000)


def test_the_window_slides_over_thirty_days_to_the_microsecond(
    broker: Broker, client: Client, recipient: str, clock: Clock
) -> None:
    handed(broker, client, recipient, 1_000_000)
    clock.passes(days=10)
    second = handed(broker, client, recipient, 500_000)
    assert (0, NOON + timedelta(days=30)) == (second.remaining, second.window_ends)
    clock.now = second.window_ends - timedelta(microseconds=1)
    assert "REDISTRIBUTE-3" == remaining(broker, client, recipient)
    clock.now = second.window_ends
    assert [0, "REDISTRIBUTE-3"] == [remaining(broker, client, recipient, count) for count in (1_000_000, 1)]
    clock.passes(days=10)
    assert 499_999 == remaining(broker, client, recipient)


def test_user_ids_have_no_ceiling_and_fill_nobody_elses(broker: Broker, client: Client, recipient: str) -> None:
    for _ in range(3):
        assert remaining(broker, client, recipient, 2**53, objects="user_ids") is None
    assert 1_499_999 == remaining(broker, client, recipient)


def test_every_recipient_has_a_ceiling_of_its_own_over_all_of_an_owners_applications(
    broker: Broker, client: Client, recipient: str
) -> None:
    owner = client.registration.owner
    sibling = registered(broker, owner=owner, purposes=("contact",), use_case="Write to those who asked for it.")
    handed(broker, client, recipient, 1_000_000)
    assert [0, "REDISTRIBUTE-3"] == [remaining(broker, sibling, recipient, count) for count in (500_000, 1)]
    other = received(broker, client, name="Institute for Tricycles")
    assert 0 == remaining(broker, sibling, other, 1_500_000)


@pytest.mark.parametrize(("objects", "limit"), [("post_ids", 1_500_000), ("posts", 50_000)])
def test_of_fifty_at_once_for_the_last_object_one_gets_it(
    broker: Broker, client: Client, recipient: str, objects: str, limit: int
) -> None:
    changes = BY_SAM if objects == "posts" else {"objects": objects}
    handed(broker, client, recipient, limit - 1, **changes)
    outcomes = all_at_once(RACERS, lambda _: attempt(broker, client, recipient, changes))
    won = [outcome for outcome in outcomes if isinstance(outcome, Handed)]
    clause = "REDISTRIBUTE-3" if objects == "post_ids" else "REDISTRIBUTE-2"
    assert [0] == [outcome.remaining for outcome in won]
    assert [(clause,)] * (RACERS - 1) == [refused.clauses for refused in outcomes if isinstance(refused, NotHanded)]


def attempt(broker: Broker, client: Client, recipient: str, changes: dict[str, str]) -> Handed | BrokerError:
    """Hand one object over; come again as long as the store is busy, as its answer asks."""
    try:
        return handed(broker, client, recipient, **changes)
    except Unavailable:
        return attempt(broker, client, recipient, changes)


# --- academic recipients and written permission (REDISTRIBUTE-3, -4) --------------------------------------------


def test_an_academic_recipients_ids_go_uncounted_and_its_whole_objects_do_not(broker: Broker, client: Client) -> None:
    recipient = received(broker, client, academic=ACADEMIC)
    for _ in range(2):
        assert remaining(broker, client, recipient, 1_500_000) is None
    assert [0, "REDISTRIBUTE-2"] == [
        remaining(broker, client, recipient, count, **BY_SAM) for count in (50_000, 1)
    ]  # fmt: skip
    received(broker, client)
    assert 0 == remaining(broker, client, recipient, 1_500_000)


def test_a_written_permission_lifts_the_ceiling_until_its_last_day(
    broker: Broker, client: Client, clock: Clock
) -> None:
    recipient = received(broker, client, permission={"reference": "letter 7", "until": TOMORROW})
    for count in (1_500_000, 1):
        assert remaining(broker, client, recipient, count) is None
    clock.now = datetime(2026, 11, 24, 23, 59, 59, 999999, tzinfo=UTC)
    assert remaining(broker, client, recipient) is None
    clock.passes(microseconds=1)
    assert "REDISTRIBUTE-3" == remaining(broker, client, recipient)
    with broker.database.transaction() as tx:
        rows = sorted(all_rows(tx)["redistributions"], key=lambda row: (row["handed_at"], -row["count"]))
    assert [None, "letter 7", "letter 7"] == [row["permission"] for row in rows]


def test_a_permission_that_has_ended_lifts_nothing_and_one_for_ids_lifts_no_day(broker: Broker, client: Client) -> None:
    ended = received(broker, client, permission={"reference": "letter 7", "until": YESTERDAY})
    assert "REDISTRIBUTE-3" == remaining(broker, client, ended, 1_500_001)
    running = received(broker, client, name="Another", permission={"reference": "letter 8", "until": TODAY})
    assert remaining(broker, client, running, 1_500_001) is None
    assert "REDISTRIBUTE-2" == remaining(broker, client, running, 50_001, **BY_SAM)


def test_a_permission_that_has_ended_is_not_what_let_an_academic_recipient_pass(broker: Broker, client: Client) -> None:
    ended = {"reference": "letter 7", "until": YESTERDAY}
    recipient = received(broker, client, academic=ACADEMIC, permission=ended)
    assert remaining(broker, client, recipient, 1_500_001) is None
    with broker.database.transaction() as tx:
        assert [None] == [row["permission"] for row in all_rows(tx)["redistributions"]]


# --- whole objects (REDISTRIBUTE-2) -----------------------------------------------------------------------------


@pytest.mark.parametrize("objects", ["posts", "users"])
def test_whole_objects_are_handed_over_by_a_person_and_never_to_the_public(
    broker: Broker, client: Client, recipient: str, objects: str
) -> None:
    assert "REDISTRIBUTE-2" == remaining(broker, client, recipient, objects=objects)
    assert "REDISTRIBUTE-2" == remaining(broker, client, recipient, objects=objects, by="Sam", person=True, public=True)
    assert 49_999 == remaining(broker, client, recipient, objects=objects, by="Sam", person=True)
    with broker.database.transaction() as tx:
        assert ["Sam"] == [row["by"] for row in all_rows(tx)["redistributions"]]


def test_posts_and_users_fill_one_day_together_and_the_day_turns_at_midnight_utc(
    broker: Broker, client: Client, recipient: str, clock: Clock
) -> None:
    assert 20_000 == remaining(broker, client, recipient, 30_000, **BY_SAM)
    clock.now = datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=UTC)
    last = handed(broker, client, recipient, 20_000, objects="users", by="Sam", person=True)
    assert (0, datetime(2026, 11, 24, tzinfo=UTC)) == (last.remaining, last.window_ends)
    assert "REDISTRIBUTE-2" == remaining(broker, client, recipient, **BY_SAM)
    clock.passes(microseconds=1)
    assert [0, "REDISTRIBUTE-2"] == [remaining(broker, client, recipient, count, **BY_SAM) for count in (50_000, 1)]


def test_whole_objects_and_ids_have_ceilings_of_their_own(broker: Broker, client: Client, recipient: str) -> None:
    assert 0 == remaining(broker, client, recipient, 50_000, **BY_SAM)
    assert 0 == remaining(broker, client, recipient, 1_500_000)


def test_the_ceilings_are_the_documents(broker: Broker, client: Client, recipient: str) -> None:
    few = with_limits(broker, ids_per_recipient_30_days=2, hydrated_per_recipient_day=1)
    assert [1, 0, "REDISTRIBUTE-3"] == [remaining(few, client, recipient) for _ in range(3)]
    assert [0, "REDISTRIBUTE-2"] == [remaining(few, client, recipient, **BY_SAM) for _ in range(2)]


def test_what_was_refused_is_not_written_down(broker: Broker, client: Client, recipient: str) -> None:
    for changes in ({"count": 1_500_001}, {"objects": "posts"}, {"objects": "posts", "by": "Sam", "public": True}):
        with pytest.raises(NotHanded):
            handed(broker, client, recipient, **changes)
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    assert [] == rows["redistributions"]
    assert [(fold_name(client.registration.owner), "prod")] == [
        (row["owner"], row["environment"]) for row in rows["recipients"]
    ]
    assert date.fromisoformat(TODAY) == NOON.date()

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import NOON, all_at_once, an_id

from broker.store.database import Database
from broker.store.flows import (
    Link,
    claim_choice,
    claim_pushed,
    claim_return,
    drop_link,
    end_session,
    find_proved,
    resume_session,
    save_link,
    save_proved,
    save_pushed,
    save_session,
)
from broker.store.routes import SESSION, find_route
from broker.store.sealing import Sealer
from broker.store.short_lived import LinkRow, PushedRequestRow
from broker.store.tables import PersonSessionRow

MINUTE = timedelta(minutes=1)
RACERS = 8
REQUEST: dict[str, object] = {"identifier": "jane.canary@mailbox.example", "purposes": ["customer-care"]}
ACCOUNT = {"id": "2244994945", "handle": "JaneCanary"}
LINK = Link(link_id=an_id("a link"), platform="x", attempt={"state": "the state"}, request=REQUEST, account=None)


def count(database: Database, table: Any) -> int:  # noqa: ANN401 - a table of the store's
    """Count a table's rows."""
    with database.transaction() as tx:
        return len(tx.execute(table.__table__.select()).all())


@pytest.fixture
def pushed(database: Database, store: Sealer) -> str:
    """Give a pushed request that waits."""
    with database.transaction() as tx:
        save_pushed(tx, "urn:one", REQUEST, client_id=an_id("northwind"), expires_at=NOON + MINUTE, store=store)
    return "urn:one"


def takes(database: Database, store: Sealer, uri: str, **changes: Any) -> dict[str, object] | None:  # noqa: ANN401
    """Claim a pushed request in a transaction of its own."""
    with database.transaction() as tx:
        return claim_pushed(tx, uri, store=store, **{"client_id": an_id("northwind"), "now": NOON, **changes})


def test_a_pushed_request_is_taken_once(database: Database, store: Sealer, pushed: str) -> None:
    assert [REQUEST, None] == [takes(database, store, pushed), takes(database, store, pushed)]


@pytest.mark.parametrize(
    "changes",
    [{"client_id": an_id("contoso")}, {"now": NOON + MINUTE}],
    ids=["by another client", "at the moment of its end"],
)
def test_a_pushed_request_is_not_taken(database: Database, store: Sealer, pushed: str, changes: dict[str, Any]) -> None:
    assert takes(database, store, pushed, **changes) is None
    assert REQUEST == takes(database, store, pushed)


def test_a_request_that_nobody_pushed_is_not_taken(database: Database, store: Sealer) -> None:
    assert takes(database, store, "urn:made-up") is None


def test_of_many_takers_of_one_pushed_request_one_gets_it(database: Database, store: Sealer, pushed: str) -> None:
    outcomes = all_at_once(RACERS, lambda _: takes(database, store, pushed))
    assert [REQUEST] == [taken for taken in outcomes if taken is not None]


def test_a_pushed_request_that_was_taken_is_not_kept(database: Database, store: Sealer, pushed: str) -> None:
    takes(database, store, pushed)
    assert 0 == count(database, PushedRequestRow)


@pytest.fixture
def begun(database: Database, store: Sealer) -> Link:
    """Give a link whose person is at the platform."""
    with database.transaction() as tx:
        save_link(tx, LINK, browser="a browser", state="the state", expires_at=NOON + MINUTE, store=store)
    return LINK


def returns(database: Database, store: Sealer, **changes: Any) -> Link | None:  # noqa: ANN401
    """Come back from the platform, in a transaction of its own."""
    way = {"state": "the state", "browser": "a browser", "platform": "x", "now": NOON}
    with database.transaction() as tx:
        return claim_return(tx, store=store, **{**way, **changes})


def test_the_way_back_is_taken_once_with_what_was_begun(database: Database, store: Sealer, begun: Link) -> None:
    assert [begun, None] == [returns(database, store), returns(database, store)]


@pytest.mark.parametrize(
    "changes",
    [{"state": "another"}, {"browser": "another"}, {"platform": "another"}, {"now": NOON + MINUTE}],
    ids=["with another state", "in another browser", "at another platform", "too late"],
)
@pytest.mark.usefixtures("begun")
def test_the_way_back_is_not_taken(database: Database, store: Sealer, changes: dict[str, Any]) -> None:
    assert returns(database, store, **changes) is None
    assert LINK == returns(database, store)


@pytest.mark.usefixtures("begun")
def test_of_many_ways_back_at_once_one_is_taken(database: Database, store: Sealer) -> None:
    outcomes = all_at_once(RACERS, lambda _: returns(database, store))
    assert [LINK] == [taken for taken in outcomes if taken is not None]


@pytest.mark.usefixtures("begun")
def test_a_state_can_be_used_for_one_link_only(database: Database, store: Sealer) -> None:
    other = Link(link_id=an_id("another"), platform="x", attempt={}, request=None, account=None)
    with pytest.raises(Exception, match="did not finish"), database.transaction() as tx:
        save_link(tx, other, browser="b", state="the state", expires_at=NOON, store=store)


@pytest.fixture
def awaiting(database: Database, store: Sealer, begun: Link) -> str:
    """Give a link whose account is proved and whose choice is open for five minutes."""
    returns(database, store)
    with database.transaction() as tx:
        save_proved(tx, begun.link_id, ACCOUNT, key=b"a" * 16, now=NOON, expires_at=NOON + 5 * MINUTE, store=store)
    return begun.link_id


def opened(database: Database, store: Sealer, link_id: str, **changes: Any) -> Link | None:  # noqa: ANN401
    """Open the notice's link in a transaction of its own."""
    with database.transaction() as tx:
        return find_proved(tx, link_id, store=store, **{"browser": "a browser", "now": NOON, **changes})


def chooses(database: Database, link_id: str, **changes: Any) -> bool:  # noqa: ANN401
    """Make the choice in a transaction of its own."""
    with database.transaction() as tx:
        return claim_choice(tx, link_id, **{"browser": "a browser", "now": NOON, **changes})


OUTSIDE = pytest.mark.parametrize(
    "changes", [{"browser": "another"}, {"now": NOON + 5 * MINUTE}], ids=["in another browser", "too late"]
)


def test_a_link_that_awaits_its_choice_opens_as_often_as_it_is_read(
    database: Database, store: Sealer, awaiting: str
) -> None:
    for _ in range(2):
        found = opened(database, store, awaiting)
        assert found is not None
        assert (REQUEST, ACCOUNT) == (found.request, found.account)


@OUTSIDE
def test_a_link_does_not_open(database: Database, store: Sealer, awaiting: str, changes: dict[str, Any]) -> None:
    assert opened(database, store, awaiting, **changes) is None


@OUTSIDE
def test_a_choice_does_not_count(database: Database, awaiting: str, changes: dict[str, Any]) -> None:
    assert [False, True] == [chooses(database, awaiting, **changes), chooses(database, awaiting)]


def test_nothing_opens_and_nothing_is_chosen_before_the_proof(database: Database, store: Sealer, begun: Link) -> None:
    assert opened(database, store, begun.link_id) is None
    assert not chooses(database, begun.link_id)


def test_a_choice_is_made_once_and_closes_the_page(database: Database, store: Sealer, awaiting: str) -> None:
    assert [True, False] == [chooses(database, awaiting), chooses(database, awaiting)]
    assert opened(database, store, awaiting) is None


def test_of_many_choices_at_once_one_counts(database: Database, awaiting: str) -> None:
    assert 1 == sum(all_at_once(RACERS, lambda _: chooses(database, awaiting)))


def test_a_link_that_was_answered_keeps_neither_side_of_the_pair(database: Database, awaiting: str) -> None:
    assert (1, True, 0) == (count(database, LinkRow), chooses(database, awaiting), count(database, LinkRow))


def test_a_link_that_awaits_no_choice_is_dropped_alone(database: Database, store: Sealer, awaiting: str) -> None:
    other = Link(link_id=an_id("another"), platform="x", attempt={}, request=None, account=None)
    with database.transaction() as tx:
        save_link(tx, other, browser="a browser", state="other", expires_at=NOON + MINUTE, store=store)
        drop_link(tx, an_id("another"))
        drop_link(tx, "made up")
    assert 1 == count(database, LinkRow)
    assert chooses(database, awaiting)


def test_what_is_sealed_for_one_link_does_not_open_in_another(database: Database, store: Sealer, awaiting: str) -> None:
    other = Link(link_id=an_id("another"), platform="x", attempt={}, request=REQUEST, account=None)
    links = LinkRow.__table__  # type: ignore[attr-defined]
    with database.transaction() as tx:
        save_link(tx, other, browser="a browser", state="other", expires_at=NOON + MINUTE, store=store)
    mine = {"sealed_account": None, "proved_at": NOON}
    with database.transaction() as tx:
        mine["sealed_account"] = tx.execute(links.select().where(links.c.link_id == awaiting)).one().sealed_account
        tx.execute(links.update().where(links.c.link_id == an_id("another")).values(mine))
    with pytest.raises(Exception, match="does not open"):
        opened(database, store, an_id("another"))


def resumes(database: Database, minutes: float, session: str = "a session") -> bytes | None:
    """Come back to a session so many minutes after noon; 15 idle and 30 in all are allowed here."""
    now = NOON + minutes * MINUTE
    with database.transaction() as tx:
        return resume_session(
            tx, session, now=now, idle_since=now - 15 * MINUTE, signed_in_since=now - 30 * MINUTE
        )  # fmt: skip


@pytest.fixture
def signed_in(database: Database) -> bytes:
    """Give an account that signed in at noon."""
    with database.transaction() as tx:
        save_session(tx, "a session", account=b"a" * 16, now=NOON, ends=NOON + 30 * MINUTE)
    return b"a" * 16


def test_a_session_is_kept_awake_by_its_use_and_ends_all_the_same(database: Database, signed_in: bytes) -> None:
    visits = [resumes(database, minutes) for minutes in (0, 14, 28, 29.9, 30)]
    assert [signed_in] * 4 + [None] == visits


@pytest.mark.parametrize(("minutes", "awake"), [(14.9, True), (15, False), (15.1, False)])
@pytest.mark.usefixtures("signed_in")
def test_a_session_that_slept_is_over(database: Database, minutes: float, *, awake: bool) -> None:
    assert awake == (resumes(database, minutes) is not None)


@pytest.mark.usefixtures("signed_in")
def test_a_session_that_slept_does_not_wake_by_being_tried(database: Database) -> None:
    assert [None, None] == [resumes(database, 15), resumes(database, 15.1)]


@pytest.mark.usefixtures("signed_in")
def test_a_session_is_over_when_it_is_ended_and_ending_it_twice_is_no_error(database: Database) -> None:
    for _ in range(2):
        with database.transaction() as tx:
            end_session(tx, "a session")
    assert resumes(database, 1) is None
    with database.transaction() as tx:
        assert find_route(tx, SESSION, "a session") is None
        assert [] == tx.execute(PersonSessionRow.__table__.select()).all()  # type: ignore[attr-defined]


def test_a_session_that_nobody_began_is_nobodys(database: Database) -> None:
    assert resumes(database, 0, "made up") is None

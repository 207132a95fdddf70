"""What is too old goes, and nothing else does: the audit takes a retention's word for what it names, and no more."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from audit.superuser import Row, Superuser
from builders import Clock, a_pen, a_question, an_account, asked, consented, registered
from harness.postgres import PostgresCluster
from lives import a_broker_on, erased, with_marks
from sheets import digest, in_bulk
from sqlmodel import col

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.list_questions import list_questions
from broker.actions.retain import due, finish, plan, retain
from broker.core.client import Client
from broker.core.identifiers import Association
from broker.core.match import Decision, MatchRequest
from broker.errors import CommandRefused
from broker.store.auditing import Finding
from broker.store.database import Database
from broker.store.decisions import save_decision
from broker.store.migrating import migrate
from broker.store.partitions import FORMS, months_after, parts_of
from broker.store.people import find_person
from broker.store.retaining import kept_since
from broker.store.retention_tables import RetentionRow
from broker.store.writing import change

JANUARY = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = 30


@dataclass
class House:
    """A broker whose rows are dated by the test's clock, a client, and a superuser of its database."""

    broker: Broker
    clock: Clock
    client: Client
    #: One who holds nothing of the person's: a handle that it names leads to them in secret.
    stranger: Client
    user: Superuser

    def lives(self) -> None:
        """Somebody is asked about alone, by id and by handle, and among many."""
        who = an_account()
        asked(self.broker, self.client)
        asked(self.broker, self.stranger, a_question(account_id=None, handle=who.handle))
        in_bulk(self.broker, self.client, who, digest("a record"), grant=None)
        keep_log(self.broker)

    def rows(self) -> dict[str, int]:
        """Count what is kept of answers."""
        return {table: len(self.user.rows(table)) for table in FORMS}

    def findings(self) -> list[Finding]:
        """What the audit names."""
        keep_log(self.broker)
        found: list[Finding] = []
        audit(self.broker, found.append, patience=0)
        return found

    def named(self) -> set[str]:
        """The tables of what it names."""
        return {finding.table for finding in self.findings()}

    def retains(self, **how: Any) -> Any:  # noqa: ANN401 - retain's own
        """Drop what is due."""
        before = due(self.broker, days=DAYS)
        assert before is not None
        return retain(self.broker, before=before, who="sam", tell=lambda _fault: None, **how)


def opened(url: str, marks: Path, clock: Clock, clients: Sequence[Client] = ()) -> House:
    """Open a house that is there, or one whose clients are still to come."""
    database = Database(url, pen=replace(a_pen(), now=clock))
    broker = a_broker_on(database, marks, clock=clock)
    return House(broker, clock, *(clients or [None, None]), Superuser(url))  # type: ignore[arg-type] # until it is lived in


def lived_in(url: str, marks: Path) -> House:
    """A house with answers of November and of February."""
    house = opened(url, marks, Clock())
    migrate(house.broker.database)
    with_marks(house.broker, marks)
    house.client = registered(house.broker)
    house.stranger = registered(house.broker, client_name="Contoso Market", owner="Contoso")
    consented(house.broker, house.client)
    house.lives()
    house.clock.passes(days=70)
    house.lives()
    return house


def left(house: House) -> None:
    house.user.close()
    house.broker.database.close()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, House]:
    """Live in a house on SQLite, once for all who copy it."""
    home = tmp_path_factory.mktemp("house")
    house = lived_in(f"sqlite:///{home / 'house.db'}", home / "marks")
    left(house)
    return home, house


@pytest.fixture
def house(lived: tuple[Path, House], tmp_path: Path) -> Iterator[House]:
    """Give a copy of it, as it was left."""
    home, before = lived
    copy = Path(shutil.copytree(home, tmp_path / "house"))
    url = f"sqlite:///{copy / 'house.db'}"
    house = opened(url, copy / "marks", Clock(before.clock.now), (before.client, before.stranger))
    yield house
    left(house)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path, postgres: Callable[[], PostgresCluster]) -> Iterator[House]:
    """Give one on each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("house")
        return
    house = lived_in(postgres().fresh_database(), tmp_path / "marks")
    yield house
    left(house)


def oldest_of(house: House, table: str) -> Row:
    """The first row of a table by its time."""
    return min(house.user.rows(table), key=lambda row: row["decided_at"])


def test_what_is_too_old_goes_whole_months_at_a_time_and_the_audit_agrees(either: House) -> None:
    before = either.rows()
    half = {table: number // 2 for table, number in before.items()}
    assert plan(either.broker, before=JANUARY).rows == half
    done = either.retains()
    assert (JANUARY, "sam", half) == (done.before, done.who, done.dropped)
    assert half == either.rows()
    assert due(either.broker, days=DAYS) is None
    assert [] == either.findings()
    either.clock.passes(days=2)
    assert [] == either.findings()
    with either.broker.database.reading() as tx:
        assert JANUARY == kept_since(tx)
        if tx.dialect.name == "postgresql":
            assert not [part for table in FORMS for part in parts_of(tx, table) if "before" in part.name]


def test_a_person_reads_since_when_it_is_kept(house: House) -> None:
    house.retains()
    broker = house.broker
    with broker.database.reading() as tx:
        person = find_person(tx, broker.sealer, broker.blinder.account(an_account().account))
        assert person is not None
        found = list_questions(tx, person)
    assert JANUARY == found.kept_since
    assert {view.told.decided_at >= JANUARY for view in found.views} == {True}


def test_a_row_that_is_newer_than_the_retention_is_named_when_it_is_gone(either: House) -> None:
    either.retains()
    for table in ("decisions", "led_to", "sheets"):
        either.user.delete(table, either.user.rows(table)[0])
    # Each by itself, by what stands for its key; not only as one more than was named.
    assert {"decisions", "led_to", "sheets"} == {
        found.table for found in either.findings() if found.key.startswith("#")
    }


def test_a_retention_that_somebody_made_up_excuses_nothing(house: House) -> None:
    house.retains()
    (genuine,) = house.user.rows("retentions")
    forged = {**genuine, "retention_id": "2027-03-01", "before": "2027-03-01 00:00:00.000000"}
    house.user.insert("retentions", forged)
    house.user.delete("decisions", house.user.rows("decisions")[0])
    assert {"retentions", "decisions"} == house.named()


@pytest.mark.parametrize("column", ["before", "dropped", "jwt"])
def test_a_retention_that_somebody_edited_excuses_nothing(house: House, column: str) -> None:
    house.retains()
    (genuine,) = house.user.rows("retentions")
    other = '{"decisions": 99}' if column == "dropped" else "2027-03-01 00:00:00.000000"
    house.user.update("retentions", genuine, {column: other})
    assert {"retentions", "decisions", "led_to", "sheets"} <= house.named()


def test_a_retention_that_was_written_with_the_rows_key_and_not_signed_so_excuses_nothing(house: House) -> None:
    house.retains()
    with house.broker.database.transaction() as tx:
        change(tx, RetentionRow, col(RetentionRow.who) == "sam", before=months_after(JANUARY, 2))
    house.user.delete("decisions", house.user.rows("decisions")[0])
    assert {"retentions", "decisions", "led_to", "sheets"} == house.named()


def test_a_retention_that_is_gone_is_named_with_all_that_it_excused(house: House) -> None:
    house.retains()
    house.user.delete("retentions", house.user.rows("retentions")[0])
    assert {"retentions", "decisions", "led_to", "sheets"} <= house.named()


def test_what_was_dropped_and_put_back_is_named_after_a_day(house: House) -> None:
    oldest = {table: oldest_of(house, table) for table in FORMS}
    house.retains()
    for table, row in oldest.items():
        house.user.insert(table, row)
    house.clock.passes(days=2)
    assert set(FORMS) <= house.named()


def test_what_was_deleted_or_edited_before_is_not_dropped_with_the_rest_in_silence(house: House) -> None:
    house.user.delete("decisions", oldest_of(house, "decisions"))
    house.user.update("led_to", oldest_of(house, "led_to"), {"handle": b"h" * 16})
    before = house.rows()
    with pytest.raises(CommandRefused, match="2 things"):
        house.retains()
    assert before == house.rows()
    house.retains(anyway=True)
    assert [] == house.findings()


def test_more_than_a_retention_names_cannot_be_gone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.store.retaining._written", lambda *_: 0)
    house.user.delete("decisions", oldest_of(house, "decisions"))
    house.retains()
    assert {"decisions"} == house.named()


def test_what_was_decided_before_and_written_down_later_is_deleted_with_an_entry(either: House) -> None:
    broker = either.broker
    adopted(either)
    either.retains()
    assert [] == either.findings()
    # After the retention too, as a journal may be that was found late; the next turn takes it.
    adopted(either)
    assert [] == either.findings()
    finish(broker, before=JANUARY)
    assert 2 == either.rows()["decisions"]  # those of February
    either.clock.passes(days=2)
    assert [] == either.findings()


def adopted(house: House) -> None:
    """A decision of November, written down now."""
    broker = house.broker
    request = MatchRequest(
        association=Association(client_id=house.client.client_id, account=b"a" * 32, identifier=b"i" * 32),
        purpose="customer-care",
    )
    ref = broker.policies.by_platform["x"].ref
    denied = Decision(permitted=False, clauses=("MATCH-4",), policy=ref, reason="no_basis")
    with broker.database.transaction() as tx:
        save_decision(tx, broker.new_id(), request, denied, act="match", now=JANUARY - timedelta(days=40))


def test_who_is_erased_afterwards_leaves_nothing_that_disagrees(house: House) -> None:
    house.retains()
    erased(house.broker, an_account(), erasure_id="e" * 26)
    assert [] == house.findings()


def test_who_was_erased_before_is_not_missed(house: House) -> None:
    erased(house.broker, an_account(), erasure_id="e" * 26)
    house.retains()
    assert [] == house.findings()


def test_a_retention_that_was_broken_off_is_ended_later_and_told_of_if_it_never_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("broker.actions.retain.finish", lambda *_args, **_named: None)
        house.retains()
    before = house.rows()
    assert [] == house.findings()
    house.clock.passes(days=2)
    assert {"decisions", "led_to", "sheets", "sheet_entries"} == house.named()
    finish(house.broker, before=JANUARY)
    assert before != house.rows()
    assert [] == house.findings()

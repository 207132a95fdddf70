"""What workers taped is filed once and whole, found by its person, and lost by nobody's death."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import NOON, a_log, an_account, an_identifier, consented, registered

from broker.actions.broker import Broker
from broker.actions.erase_person import Order, erase_person
from broker.actions.file_tapes import FEW, file_tapes
from broker.actions.find_traces import traces_of_account
from broker.core.client import Client
from broker.core.sheet import Outcome
from broker.errors import Unavailable
from broker.proof.journal import create_journal
from broker.store.pairs import in_microseconds
from broker.store.questions import Told, questions_about
from broker.store.sheet_tables import SheetRow, TapeRow
from broker.store.taping import Answer, Recorder
from broker.store.writing import table_of

DENIED = Outcome(purpose="customer-care", permitted=False, basis=None, reason="no_basis", clauses=("MATCH-4",),
                 policy_digest="sha256:a policy")  # fmt: skip
PERMITTED = replace(DENIED, permitted=True, basis="consent", reason=None, clauses=("MATCH-2",))
STRANGER = bytes(16)


class Desk:
    """A worker that tapes, and what is found of its answers."""

    def __init__(self, broker: Broker, client: Client, folder: Path, *, before: bool = False) -> None:
        self.recorder = Recorder(folder, instance="one", new_id=broker.new_id, before=before)
        self.broker, self.client = replace(broker, recorder=self.recorder), client
        self.record = broker.blinder.identifier(client.client_id, an_identifier())

    @property
    def tapes(self) -> list[Path]:
        """The tapes that there are."""
        return sorted(self.recorder.folder.glob("*.tape"))

    def answer(self, account: bytes = STRANGER, outcome: Outcome = DENIED, *, ground: str | None = None,
               at: datetime = NOON) -> str:  # fmt: skip
        """Tape an answer; return its id."""
        moment = in_microseconds(at)
        given = Answer(at=moment, account=account, identifier=self.record, outcome=outcome, ground=ground)
        recorded = self.recorder.record(self.client.client_id, given)
        self.recorder.make_last(recorded)
        return recorded.decision_id

    def told(self, account: bytes = STRANGER) -> list[Told]:
        """What is found about somebody."""
        with self.broker.database.reading() as tx:
            return questions_about(tx, account)


@pytest.fixture
def desk(sqlite_broker: Broker, tmp_path: Path) -> Iterator[Desk]:
    """Give a desk."""
    desk = Desk(sqlite_broker, registered(sqlite_broker), tmp_path / "tapes")
    yield desk
    desk.recorder.let_go()


def test_a_few_answers_become_decisions_under_the_ids_that_were_told(desk: Desk) -> None:
    ids = [desk.answer(at=NOON + timedelta(microseconds=number)) for number in range(3)]
    assert desk.told() == []
    assert file_tapes(desk.broker, at_once=True) == len(ids)
    assert [one.decision_id for one in desk.told()] == ids[::-1]
    assert [one.decided_at for one in desk.told()] == [NOON + timedelta(microseconds=at) for at in (2, 1, 0)]
    assert desk.tapes == []


def test_many_become_a_sheet_with_the_moment_of_each(desk: Desk) -> None:
    others = [number.to_bytes(16) for number in range(1, FEW + 1)]
    ids = [desk.answer(one, at=NOON + timedelta(milliseconds=number)) for number, one in enumerate(others)]
    last = desk.answer(at=NOON + timedelta(seconds=2))
    file_tapes(desk.broker, at_once=True)
    with desk.broker.database.reading() as tx:
        [sheet] = tx.execute(table_of(SheetRow).select()).all()
    assert (sheet.decided_at, sheet.answers) == (NOON, FEW + 1)
    assert [(one.decision_id, one.decided_at) for one in desk.told()] == [(last, NOON + timedelta(seconds=2))]
    assert [one.decision_id for one in desk.told(others[7])] == [ids[7]]


def test_a_tape_that_lies_there_again_is_not_filed_twice(desk: Desk) -> None:
    desk.answer()
    desk.recorder.let_go()
    [tape] = desk.tapes
    raw = tape.read_bytes()
    file_tapes(desk.broker)
    tape.write_bytes(raw)
    file_tapes(desk.broker)
    assert (len(desk.told()), desk.tapes) == (1, [])


def test_a_tape_that_is_written_to_is_left_until_it_is_asked_for(desk: Desk) -> None:
    desk.answer()
    assert (file_tapes(desk.broker), len(desk.tapes)) == (0, 1)
    # As somebody else's, in another process: what asks there has no hold on the recorder of this one.
    others = replace(desk.broker, recorder=Recorder(desk.recorder.folder, instance="one", new_id=desk.broker.new_id))
    assert (file_tapes(others, at_once=True), desk.tapes) == (1, [])
    assert list(desk.recorder.folder.iterdir()) == []


def test_another_brokers_tapes_are_left_alone(desk: Desk) -> None:
    desk.answer()
    desk.recorder.let_go()
    others = replace(desk.broker, recorder=Recorder(desk.recorder.folder, instance="two", new_id=desk.broker.new_id))
    assert (file_tapes(others, at_once=True), len(desk.tapes)) == (0, 1)


def test_what_was_being_written_when_a_worker_died_was_never_told(desk: Desk) -> None:
    told = desk.answer()
    desk.answer()
    desk.recorder.let_go()
    [tape] = desk.tapes
    tape.write_bytes(tape.read_bytes()[:-5])
    file_tapes(desk.broker)
    assert [one.decision_id for one in desk.told()] == [told]


def test_a_damaged_tape_is_put_aside_and_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    told = desk.answer()
    desk.answer()
    desk.answer()
    desk.recorder.let_go()
    [tape] = desk.tapes
    raw = bytearray(tape.read_bytes())
    raw[-80] ^= 1
    tape.write_bytes(raw)
    file_tapes(desk.broker)
    assert [one.decision_id for one in desk.told()] == [told]
    assert [file.suffix for file in desk.recorder.folder.iterdir()] == [".damaged"]
    assert "is damaged" in caplog.text


def test_a_tape_is_filed_whole_or_stays(desk: Desk) -> None:
    desk.answer()
    desk.recorder.let_go()
    with desk.broker.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER no BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'no'); END")
    try:
        with pytest.raises(Unavailable):
            file_tapes(desk.broker)
    finally:
        with desk.broker.database.engine.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER no")
    with desk.broker.database.reading() as tx:
        assert tx.execute(table_of(TapeRow).select()).all() == []
    assert (file_tapes(desk.broker), len(desk.told())) == (1, 1)


def test_who_was_erased_meanwhile_is_not_written_down_again(desk: Desk, tmp_path: Path) -> None:
    create_journal(tmp_path)
    broker = replace(desk.broker, log=a_log(desk.broker.keys, marks=tmp_path))
    account = broker.blinder.account(an_account().account)
    grant = consented(broker, desk.client).grant_id
    desk.answer(account, PERMITTED, ground=grant)
    desk.answer()
    with broker.database.transaction() as tx:
        erase_person(tx, broker, traces_of_account(tx, broker, an_account().account), Order(erasure_id=broker.new_id()))
    file_tapes(broker, at_once=True)
    assert (desk.told(account), len(desk.told())) == ([], 1)


def test_an_answer_that_cannot_be_written_is_not_given(desk: Desk) -> None:
    desk.recorder.folder.write_text("in its place")
    with pytest.raises(Unavailable):
        desk.answer()
    desk.recorder.folder.unlink()
    assert desk.answer()


def test_half_a_record_is_taken_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.answer()
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, record: write(file, record[:-1]))
    with pytest.raises(Unavailable):
        desk.answer()
    monkeypatch.undo()
    file_tapes(desk.broker, at_once=True)
    assert [one.decision_id for one in desk.told()] == [first]


def test_a_tape_is_of_one_day(desk: Desk) -> None:
    midnight = datetime.combine(NOON.date() + timedelta(days=1), datetime.min.time(), NOON.tzinfo)
    desk.answer(at=midnight - timedelta(microseconds=1))
    desk.answer(at=midnight)
    assert len(desk.tapes) == 2


def test_whoever_writes_holds_the_tape(desk: Desk) -> None:
    desk.answer()
    [tape] = desk.tapes
    with tape.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("before", [True, False])
def test_it_is_synced_before_the_answer_where_that_is_asked_for(
    sqlite_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, before: bool
) -> None:
    synced: list[int] = []
    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (synced.append(os.fstat(file).st_size), sync(file)))
    desk = Desk(sqlite_broker, registered(sqlite_broker), tmp_path / "tapes", before=before)
    desk.answer()
    assert bool(synced) is before
    desk.recorder.let_go()
    assert synced[-1] == desk.tapes[0].stat().st_size

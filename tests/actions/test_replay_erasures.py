"""Whatever stops an erasure, and whatever backup is put back: it is whole, or it has not begun."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from acts_of_terms import offered
from builders import NOON, a_pen, a_question, a_tag, an_account, an_identifier, asked, consented, registered
from insider import traces_in
from invariants import assert_sound
from lives import SAM, Home, Life, erased, with_marks
from raw_rows import Rows, all_rows
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.publish_log import nobody
from broker.actions.read_certificate import read_certificate
from broker.actions.replay_erasures import follow_journal, journal_agrees, lacking, replay_erasures
from broker.actions.restore_log import restore_log
from broker.errors import BadConfiguration, LogForked, Unavailable
from broker.proof.checkpoint import read_vkeys
from broker.proof.highwater import read_high_water
from broker.proof.journal import NAME, Entry, append_entry, read_journal
from broker.proof.merkle import check_consistency, prove_consistency
from broker.proof.tiles import reading_tiles
from broker.proof.verify import verify_evidence
from broker.sequencing import Sequencer
from broker.store.auditing import Finding
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.log import find_head, latest_checkpoint, read_tile
from broker.store.migrating import migrate

#: Every write instead of some of them.
LONG = os.environ.get("ERASING") == "long"
EMAIL = "first.of.janecanary@mailbox.example"
KILLED = 86


def rows_of(broker: Broker) -> Rows:
    """Read every row."""
    with broker.database.reading() as tx:
        return all_rows(tx)


def known(broker: Broker) -> list[str]:
    """Name what leads an insider with every key to Jane."""
    people, emails = [an_account(), an_account(handle="JaneCanary_old")], [an_identifier(EMAIL)]
    return traces_in(rows_of(broker), broker, a_pen().key, people, emails)


# --- stopped at any write -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Let a person give one consent, and a business say one thing about them."""
    home = Home(tmp_path_factory.mktemp("short"), Life(account=an_account(), earlier=an_account()))
    migrate(home.database)
    broker = with_marks(home.broker(), home.marks)
    shop = registered(broker)
    consented(broker, shop, identifier=an_identifier(EMAIL))
    offered(broker, shop, a_tag(), identifier=an_identifier(EMAIL))
    keep_log(broker)
    home.database.close()
    return home


@contextmanager
def steps_of(database: Database, step: Callable[[], None]) -> Iterator[None]:
    """Take a step before each write of rows, before and after the journal is flushed, before and after the commit."""

    def before(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN")):
            step()

    def flush(descriptor: int) -> None:
        step()
        flushed(descriptor)
        step()

    def commit(_connection: object) -> None:
        step()

    flushed, os.fsync = os.fsync, flush
    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "commit", commit)
    try:
        yield
    finally:
        os.fsync = flushed
        event.remove(database.engine, "before_cursor_execute", before)
        event.remove(database.engine, "commit", commit)
    step()


def counted(home: Home) -> int:
    """How many steps an erasure has."""
    broker, taken = home.broker(), []
    with steps_of(broker.database, lambda: taken.append(None)):
        erased(broker)
    return len(taken)


def stopped_by_an_error(home: Home, number: int) -> None:
    """Let the n-th step fail as a full disk does."""
    left = iter(range(1, number))

    def step() -> None:
        if next(left, None) is None:
            raise OperationalError("", {}, sqlite3.OperationalError("database or disk is full"))

    broker = home.broker()
    with pytest.raises((Unavailable, OperationalError)), steps_of(broker.database, step):
        erased(broker)


def stopped_by_a_kill(home: Home, number: int) -> None:
    """Let the process end at the n-th step, without a word to anybody."""
    home.database.close()
    child = os.fork()
    if child == 0:
        left = iter(range(1, number))
        broker = home.broker()
        with steps_of(broker.database, lambda: next(left, None) is None and os._exit(KILLED)):
            erased(broker)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert KILLED == os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("stopped", [stopped_by_an_error, stopped_by_a_kill])
def test_an_erasure_that_stops_at_any_write_is_whole_afterwards_or_has_not_begun(
    short: Home, tmp_path: Path, stopped: Callable[[Home, int], None]
) -> None:
    home, seen = short.copied(tmp_path / "home"), set()
    before, steps = rows_of(home.broker()), counted(home)
    for number in range(1, steps + 1) if LONG else [*range(1, steps - 6, 15), *range(steps - 5, steps + 1)]:
        home.becomes(short)
        stopped(home, number)
        broker, journaled = home.broker(), bool(read_journal(home.marks))
        seen.add((journaled, replay_erasures(broker)))
        assert (before == rows_of(broker)) is not journaled
        assert bool(known(broker)) is not journaled
        assert [] == lacking(broker)
        assert_sound(broker.database, broker)
    assert {(False, 0), (True, 1), (True, 0)} == seen
    assert steps > 40


# --- a backup is put back -------------------------------------------------------------------------------------


def copying(home: Home) -> Broker:
    """Open a broker that keeps a copy of its log in a folder."""
    broker = home.broker()
    return replace(broker, log=replace(broker.log, copy=home.folder / "copy"))


@pytest.fixture
def restored(home: Home) -> Home:
    """Give a home whose database is from before Jane was erased: she is in it again, and the log is an old one."""
    broker, backup = home.broker(), home.back_up()
    erased(broker, erasure_id="e" * 26)
    keep_log(broker)
    home.restore(backup)
    return home


def test_a_backup_from_before_an_erasure_is_erased_again_before_it_serves(restored: Home) -> None:
    broker = restored.broker()
    assert known(broker)
    assert not journal_agrees(broker)
    assert 1 == replay_erasures(broker)
    assert journal_agrees(broker)
    assert [] == known(broker)
    assert_sound(broker.database, broker)
    found: list[Finding] = []
    audit(broker, found.append, patience=0)
    assert {"checkpoints", "leaves", "log_head"} == {one.table for one in found}, (
        "the log is old, and nothing else wrong"
    )
    sam = a_question(SAM, identifier=an_identifier("sam@mailbox.example"))
    assert asked(broker, restored.life.clients[0], sam).decision.permitted


def test_the_log_is_not_forked_by_it_and_the_certificate_waits(restored: Home) -> None:
    broker = restored.broker()
    with broker.database.reading() as tx:
        before = latest_checkpoint(tx)
    replay_erasures(broker)
    with pytest.raises(LogForked):
        keep_log(broker)
    with broker.database.reading() as tx:
        assert before == latest_checkpoint(tx)
        bundle = read_certificate(tx, broker, "e" * 26)
    assert bundle.proof is None
    verdict = verify_evidence(str(bundle), jwks=broker.keys.jwks())
    assert verdict.anchored
    assert (True, "person") == tuple(verdict.payload["erasure"][name] for name in ("replayed", "by"))  # type: ignore[index]


def test_once_the_log_is_put_right_the_certificate_is_in_the_very_log_that_was_signed(home: Home) -> None:
    broker, backup = copying(home), home.back_up()
    erased(broker, erasure_id="e" * 26)
    keep_log(broker)
    signed = read_high_water(home.marks)
    home.restore(backup)
    broker, found = copying(home), list[Finding]()
    replay_erasures(broker)
    restore_log(broker, home.folder / "copy")
    keep_log(broker)
    with broker.database.reading() as tx:
        bundle = read_certificate(tx, broker, "e" * 26)
        head, tiles = find_head(tx), reading_tiles(lambda tile: read_tile(tx, tile.level, tile.number))
        assert head is not None
        hashes = prove_consistency(signed.size, head.size, tiles)
    assert head.size > signed.size
    check_consistency(signed.size, signed.root, head.size, head.root, hashes)
    vkeys = read_vkeys("\n".join(broker.log.vkeys))
    assert verify_evidence(str(bundle), jwks=broker.keys.jwks(), vkeys=vkeys).logged
    assert [] == known(broker)
    walked = audit(broker, found.append)
    assert ([], True) == (found, walked["lost leaves"] > 0), "of leaves that came back nobody has the rows"


def test_while_the_log_is_refused_more_people_can_be_erased(restored: Home) -> None:
    broker = restored.broker()
    replay_erasures(broker)
    erased(broker, SAM)
    assert 2 == len(rows_of(broker)["erasures"]) == len(read_journal(restored.marks))
    assert [] == traces_in(rows_of(broker), broker, a_pen().key, [SAM], [an_identifier("sam@mailbox.example")])


def test_a_backup_that_knows_nobody_of_them_notes_the_erasure_and_no_more(restored: Home) -> None:
    broker = restored.broker()
    with broker.database.engine.begin() as raw:
        raw.exec_driver_sql("DELETE FROM people WHERE account <> ?", (broker.blinder.account(SAM.account),))
    assert 1 == replay_erasures(broker)
    said = rows_of(broker)["erasures"]
    assert ["e" * 26] == [row["erasure_id"] for row in said]


def test_an_objection_that_was_to_stay_stays_when_a_backup_is_erased_again(home: Home) -> None:
    backup = home.back_up()
    erased(home.broker(), objects=True)
    home.restore(backup)
    broker, shop = home.broker(), home.life.clients[0]
    replay_erasures(broker)
    assert {"objections.account", "cautions.caution", "trail.row_key"} == {
        line.partition(" ")[0] for line in known(broker)
    }
    offered(broker, shop, a_tag(), identifier=an_identifier(EMAIL))
    assert not asked(broker, shop, a_question(identifier=an_identifier(EMAIL))).decision.permitted


def test_who_came_back_is_not_touched_by_an_entry_of_before(home: Home) -> None:
    broker = home.broker()
    prod, dev = (broker.blinder.account(home.life.account.account, environment=name) for name in ("prod", "dev"))
    generations = {row["account"]: row["generation"] for row in rows_of(broker)["people"]}
    entry = {"at": NOON, "by": "person", "objects": False}
    append_entry(home.marks, Entry(erasure_id="e" * 26, generations=(generations[prod],), **entry))  # type: ignore[arg-type]
    assert 1 == replay_erasures(broker)
    left = {row["account"] for table in ("people", "consents", "handles") for row in rows_of(broker)[table]}
    assert (False, True) == (prod in left, dev in left)
    back = consented(broker, home.life.clients[0])
    assert 0 == replay_erasures(broker)
    with broker.database.engine.begin() as raw:
        raw.exec_driver_sql("DELETE FROM erasures")
    assert 1 == replay_erasures(broker)
    assert back.grant_id in {row["grant_id"] for row in rows_of(broker)["consents"]}


# --- the journal itself ---------------------------------------------------------------------------------------


def test_a_backup_that_is_put_back_under_a_broker_that_runs_is_erased_again_at_the_next_look(home: Home) -> None:
    broker, backup = home.broker(), home.back_up()
    sequencer = Sequencer(broker, nobody)
    erased(broker)
    sequencer.turn()
    home.restore(backup)
    with pytest.raises(LogForked):
        sequencer.turn()
    with pytest.raises(LogForked):
        sequencer.turn()
    assert [] == known(broker)
    sequencer.close()


def test_who_gives_somebody_the_generation_of_one_who_was_erased_does_not_have_them_erased(home: Home) -> None:
    broker = home.broker()
    jane = erased_line(home, broker).generations
    sam = broker.blinder.account(SAM.account)
    with broker.database.engine.begin() as tx:
        people = metadata.tables["people"]
        tx.execute(people.update().where(people.c.account == sam).values(generation=jane[0]))
        tx.execute(metadata.tables["erasures"].delete())
    with pytest.raises(BadConfiguration, match="the broker did not write it so"):
        replay_erasures(broker)
    assert {sam} <= {row["account"] for row in rows_of(broker)["people"]}


def erased_line(home: Home, broker: Broker) -> Entry:
    """Erase Jane, and return the line of the journal that says so."""
    erased(broker)
    return read_journal(home.marks)[-1]


def test_a_journal_that_is_missing_is_refused(home: Home) -> None:
    broker = home.broker()
    (home.marks / NAME).unlink()
    with pytest.raises(BadConfiguration, match=r"erasures\.journal: cannot be used \(No such file"):
        replay_erasures(broker)
    assert not journal_agrees(broker)


def test_a_journal_that_lacks_an_erasure_of_the_database_is_refused(home: Home) -> None:
    broker, older = home.broker(), (home.marks / NAME).read_bytes()
    erased(broker)
    (home.marks / NAME).write_bytes(older)
    with pytest.raises(BadConfiguration, match="lacks 1 of the database's 1 erasures"):
        replay_erasures(broker)
    assert not journal_agrees(broker)


def test_an_idle_look_at_the_journal_reads_nothing_and_a_new_entry_is_carried_out(home: Home) -> None:
    broker, sent = home.broker(), []
    seen = follow_journal(broker, None)
    event.listen(broker.database.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    assert seen == follow_journal(broker, seen)
    assert [] == sent
    generation = next(row["generation"] for row in rows_of(broker)["people"]
                      if row["account"] == broker.blinder.account(an_account().account))  # fmt: skip
    entry = Entry(erasure_id="e" * 26, at=NOON, by="operator", objects=False, generations=(generation,))
    append_entry(home.marks, entry)
    assert seen != (now := follow_journal(broker, seen))
    assert now == follow_journal(broker, now)
    assert [] == lacking(broker)
    assert not [line for line in known(broker) if " in dev" not in line and " in staging" not in line]


def test_while_somebody_reads_the_journal_of_sqlite_is_emptied_at_a_later_look(home: Home) -> None:
    broker = home.broker()
    reader = sqlite3.connect(home.file)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM people").fetchone()
    erased(broker)
    assert follow_journal(broker, None) is None
    reader.close()
    assert follow_journal(broker, None) is not None
    assert 0 == Path(f"{home.file}-wal").stat().st_size

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from builders import NOON, a_pen, undone
from sqlalchemy import event, select, text

from broker.errors import BadConfiguration, Unavailable
from broker.store import connecting
from broker.store.database import Database
from broker.store.routes import GRANT, add_route, find_route
from broker.store.short_lived import RevokedTokenRow
from broker.store.tokens import revoke_token, token_revoked
from broker.store.transaction import Transaction

CANARY = "canary-in-a-statement"


@pytest.mark.parametrize("url", ["", "sqlite", "mysql://host/db", "postgresql://host/db", "postgresql+psycopg2://h/d"])
def test_a_database_of_another_kind_is_refused_by_the_name_of_the_setting(url: str) -> None:
    with pytest.raises(BadConfiguration, match="BROKER_DATABASE_URL"):
        Database(url)


def test_an_acknowledged_row_survives_a_power_cut_by_these_settings(database: Database) -> None:
    expected = (
        {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
        if database.engine.dialect.name == "sqlite"
        else {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    )
    reported = database.safety()
    assert expected == {name: reported[name] for name in expected}


def test_every_connection_of_sqlite_is_prepared_not_the_first_only(sqlite_database: Database) -> None:
    asked = ("synchronous", "foreign_keys", "trusted_schema", "secure_delete")
    with sqlite_database.engine.connect() as first, sqlite_database.engine.connect() as second:
        for connection in (first, second):
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            assert [2, 1, 0, 1] == [raw.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]


def test_sqlite_waits_for_another_writer_before_it_gives_up(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as tx:
        assert 10_000 == tx.execute(text("PRAGMA busy_timeout")).scalar_one()


@pytest.mark.postgres
def test_postgres_waits_for_no_statement_and_no_lock_for_ever(postgres_database: Database) -> None:
    with postgres_database.transaction() as tx:
        shown = [
            tx.execute(text(f"SHOW {name}")).scalar_one() for name in ("statement_timeout", "lock_timeout", "timezone")
        ]
    assert ["8s", "4s", "UTC"] == shown


def test_what_a_block_wrote_is_there_when_it_ends(database: Database) -> None:
    with database.transaction() as tx:
        revoke_token(tx, "a token", expires_at=NOON)
    with database.transaction() as tx:
        assert token_revoked(tx, "a token")


def test_what_a_block_wrote_is_gone_when_it_raises(database: Database) -> None:
    with undone(database) as tx:
        revoke_token(tx, "a token", expires_at=NOON)
    with database.transaction() as tx:
        assert not token_revoked(tx, "a token")


def test_nothing_is_seen_by_others_before_the_block_ends(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        seen = f"{database.engine.url.database}"
        with database.transaction() as tx, sqlite3.connect(seen) as other:
            revoke_token(tx, "a token", expires_at=NOON)
            assert 0 == other.execute("SELECT count(*) FROM revoked_tokens").fetchone()[0]
        other.close()
        return
    with database.transaction() as tx, database.transaction() as other_tx:
        revoke_token(tx, "a token", expires_at=NOON)
        assert not token_revoked(other_tx, "a token")


def fails(tx: Transaction) -> None:
    """Write a name twice, with a value in the statement that no log may hold."""
    for _ in range(2):
        add_route(tx, GRANT, "a name", account=CANARY.encode(), target=CANARY)


def test_a_drivers_error_becomes_unavailable_and_tells_no_value(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as caught, database.transaction() as tx:
        fails(tx)
    assert 503 == caught.value.status
    assert caught.value.__suppress_context__
    assert "the store failed" in caplog.text
    for told in (str(caught.value), caught.value.detail, caplog.text):
        assert CANARY not in told
        assert CANARY.encode().hex() not in told
        assert "routes" not in told
    with database.transaction() as tx:
        assert find_route(tx, GRANT, "a name") is None


def test_a_statement_that_was_never_sent_tells_no_value_either(database: Database) -> None:
    with pytest.raises(ValueError, match="without a zone") as caught, database.transaction() as tx:
        revoke_token(tx, CANARY, expires_at=NOON.replace(tzinfo=None))
    assert CANARY not in str(caught.value)


def test_whoever_waits_to_write_looks_often_and_does_not_sleep_through_a_moment_in_which_nobody_writes(
    own_sqlite: Database,
) -> None:
    looks: list[str] = []
    own_sqlite.close()
    event.listen(own_sqlite.engine, "connect", lambda raw, _: raw.set_trace_callback(looks.append))

    def revoke() -> None:
        with own_sqlite.transaction() as tx:
            revoke_token(tx, "a token", expires_at=NOON)

    with closing(sqlite3.connect(str(own_sqlite.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer = Thread(target=revoke)
        writer.start()
        sleep(0.5)
        looked = looks.count("BEGIN IMMEDIATE")
        other.execute("COMMIT")
        writer.join(10)
    assert looked > 20  # where SQLite itself waits, it is asked once, and looks ten times
    with own_sqlite.reading() as tx:
        assert token_revoked(tx, "a token")


def test_a_writer_that_finds_the_database_taken_is_told_to_ask_again(
    own_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "BUSY_MS", 50)
    with own_sqlite.transaction() as tx:
        revoke_token(tx, "the first writer's", expires_at=NOON)
        with pytest.raises(Unavailable), own_sqlite.transaction() as late:
            revoke_token(late, "the second writer's", expires_at=NOON)
    with own_sqlite.transaction() as tx:
        kept = tx.execute(select(RevokedTokenRow.__table__.c.token_id)).scalars().all()  # type: ignore[attr-defined]
    assert ["the first writer's"] == kept


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.db", pytest.param("postgresql+psycopg://b@127.0.0.1:1/b", id="a closed port")]
)
def test_a_store_that_is_not_there_is_unavailable_and_does_not_answer(url: str) -> None:
    database = Database(url)
    with pytest.raises(Unavailable), database.transaction():
        raise AssertionError("the block must not be entered")
    assert not database.answers()
    database.close()


def test_a_look_waits_for_no_writer_and_sees_what_is_committed(database: Database) -> None:
    with database.transaction() as tx:
        revoke_token(tx, "a token", expires_at=NOON)
        with database.reading() as look:
            assert not token_revoked(look, "a token")
    with database.reading() as look:
        assert token_revoked(look, "a token")


def test_a_look_that_fails_is_unavailable_too(database: Database) -> None:
    with pytest.raises(Unavailable), database.reading() as look:
        look.execute(text("SELECT * FROM nowhere"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:////"])
def test_a_database_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(BadConfiguration, match="names no file"):
        Database(url)


@pytest.mark.parametrize("url", ["postgresql+psycopg://me:secret@host:port/db", "sqlite://host/path.db"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        Database(url)
    assert "secret" not in caught.value.detail
    assert ".env.example" in caught.value.detail


def test_a_store_that_is_there_answers(database: Database) -> None:
    assert database.answers()


def cut(database: Database, backend: int) -> None:
    """End one of the server's processes, as a restart or a failover does."""
    other = Database(database.engine.url.render_as_string(hide_password=False), pen=a_pen())
    with other.transaction() as tx:
        tx.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    other.close()


@pytest.mark.postgres
def test_a_connection_that_the_server_cut_is_replaced(postgres_database: Database) -> None:
    with postgres_database.transaction() as tx:
        mine = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    cut(postgres_database, mine)
    with postgres_database.transaction() as tx:
        assert mine != tx.execute(text("SELECT pg_backend_pid()")).scalar_one()


def writes_while_cut(tx: Transaction, database: Database) -> None:
    """Write, lose the server, write on."""
    revoke_token(tx, "a token", expires_at=NOON)
    cut(database, tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
    revoke_token(tx, "another", expires_at=NOON)


@pytest.mark.postgres
def test_a_connection_cut_within_a_block_is_unavailable_and_nothing_is_kept(postgres_database: Database) -> None:
    with pytest.raises(Unavailable), postgres_database.transaction() as tx:
        writes_while_cut(tx, postgres_database)
    with postgres_database.transaction() as tx:
        assert not token_revoked(tx, "a token")


def test_the_journal_is_copied_while_somebody_reads_and_begins_anew_when_nobody_does(own_sqlite: Database) -> None:
    journal = Path(f"{own_sqlite.engine.url.database}-wal")

    def revoked(*tokens: str) -> int:
        for token in tokens:
            with own_sqlite.transaction() as tx:
                revoke_token(tx, token, expires_at=NOON)
        own_sqlite.settle()
        return journal.stat().st_size

    with own_sqlite.reading() as tx:
        assert not token_revoked(tx, "a token")
        before = revoked("a token")
    grown = revoked(*map(str, range(20)))
    assert grown == revoked(*map(str, range(100, 120))) >= before
    with own_sqlite.reading() as tx:
        assert token_revoked(tx, "a token")


def test_a_look_at_one_moment_keeps_nobody_waiting_and_sees_nothing_later(database: Database) -> None:
    with database.transaction() as tx:
        add_route(tx, GRANT, "before", account=b"a" * 16, target="it")
    with database.still(lambda: NOON) as (look, moment):
        with database.transaction() as tx:
            add_route(tx, GRANT, "after", account=b"a" * 16, target="it")
        assert NOON == moment
        assert find_route(look, GRANT, "before")
        assert find_route(look, GRANT, "after") is None
    with database.reading() as tx:
        assert find_route(tx, GRANT, "after")


def test_on_sqlite_that_moment_is_one_at_which_nobody_writes(sqlite_database: Database) -> None:
    looked = []

    def look() -> None:
        with sqlite_database.still(lambda: NOON) as (tx, _moment):
            looked.append(find_route(tx, GRANT, "begun") is not None)

    with sqlite_database.transaction() as tx:
        add_route(tx, GRANT, "begun", account=b"a" * 16, target="it")
        waiting = Thread(target=look)
        waiting.start()
        waiting.join(timeout=0.3)
        assert [] == looked
    waiting.join(timeout=10)
    assert [True] == looked

"""How a database is connected to: SQLite by its pragmas; PostgreSQL within limits, straight or through PgBouncer."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from select import POLLIN, poll
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError

from broker import watching
from broker.store.slow import note_slow

BUSY_MS = 10_000
#: Seconds between two looks of whoever waits to write.
_LOOK = 0.002
#: The bits of SQLite's error codes that say which kind one is of.
_KIND = 0xFF
#: Pages of SQLite's journal, 128 MB of them, after which whoever commits copies them into the database: tenths of a
#: second, and at SQLite's own 1,000 pages every twentieth grant would. A duty does it before (Database.settle).
_JOURNAL = 32_000
#: WAL with FULL: at NORMAL an acknowledged row is lost in a power cut. secure_delete overwrites what is erased.
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"wal_autocheckpoint={_JOURNAL}",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_MS}",
    "trusted_schema=OFF",
    "secure_delete=ON",
)
#: Connections of one worker: more than those who may wait ever have (store/turns), so there is one for a withdrawal.
#: No error tells a statement's values.
_POOL: dict[str, Any] = {
    "pool_size": 8,
    "max_overflow": 24,
    "pool_timeout": 10,
    "pool_use_lifo": True,
    "hide_parameters": True,
}
#: For statements that stand alone, and wait for nobody who has a connection: whoever counts beside a transaction.
FEW = {**_POOL, "pool_size": 2, "max_overflow": 6}
#: A server that is there answers in a moment. One that went without a word is noticed within seconds: whoever waits on
#: its connection then reads that nothing is known, and the next one finds the server that has taken its place.
_REACH: dict[str, Any] = {
    "application_name": "consent-broker",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: A statement is prepared when it comes for the second time. Those that are made for so many values are many.
_PREPARED: dict[str, Any] = {"prepare_threshold": 1}
_MOST_PREPARED = 400


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a database is spoken to.

    ``statement_timeout``, in seconds, ends what takes longer. ``pooled``: through PgBouncer in transaction mode, where
    the next transaction has another session: nothing is prepared, and what a session would remember each transaction
    says. ``slow_ms``: a statement, on SQLite too, that takes so many milliseconds is written to the log; 0, none is.
    """

    statement_timeout: int = 8
    pooled: bool = False
    slow_ms: int = 200

    @property
    def says(self) -> dict[str, str]:
        """What holds within every transaction. A lock is waited for half as long as a statement may take."""
        return {
            "statement_timeout": str(self.statement_timeout * 1000),
            "lock_timeout": str(self.statement_timeout * 500),
            "synchronous_commit": "on",
            "timezone": "UTC",
            # Nothing here runs long enough to be worth compiling, least of all over many parts of a table.
            "jit": "off",
        }


def open_engine(url: str, manner: Manner, *, pool: Mapping[str, Any] = _POOL) -> Engine:
    """An engine for *url*; nothing is connected to yet."""
    engine = _open(url, manner, pool)
    _watch(engine, manner)
    return engine


def _open(url: str, manner: Manner, pool: Mapping[str, Any]) -> Engine:
    if url.startswith("sqlite"):
        # autocommit leaves BEGIN to us: writers take the lock at once instead of failing half-way.
        engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "isolation_level": None}, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return _open_pooled(url, manner, pool) if manner.pooled else _open_postgres(url, manner, pool)


def _open_postgres(url: str, manner: Manner, pool: Mapping[str, Any]) -> Engine:
    options = " ".join(f"-c {name}={value}" for name, value in manner.says.items())
    engine = create_engine(url, connect_args={**_REACH, **_PREPARED, "options": options}, **pool)
    event.listen(engine, "connect", _let_prepare)
    event.listen(engine, "checkout", _look_alive)
    return engine


def _open_pooled(url: str, manner: Manner, pool: Mapping[str, Any]) -> Engine:
    # PgBouncer takes no `options`, and a prepared statement would stay in the session of somebody else.
    engine = create_engine(url, connect_args={**_REACH, "prepare_threshold": None}, **pool)
    said = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in manner.says.items())

    def say(connection: Connection) -> None:
        # Not `SELECT set_config(...)`: after a query it is too late to choose the isolation.
        connection.exec_driver_sql(said)

    event.listen(engine, "begin", say)
    event.listen(engine, "checkout", _look_alive)
    return engine


def _watch(engine: Engine, manner: Manner) -> None:
    """Count connections of the pool in use, after whoever may refuse one; and note statements that take long."""
    name = engine.dialect.name
    event.listen(engine, "checkout", lambda *_: watching.connection_taken(name, 1))
    for ended in ("checkin", "detach"):
        event.listen(engine, ended, lambda *_: watching.connection_taken(name, -1))
    note_slow(engine, manner.slow_ms)


def _let_prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    connection.prepared_max = _MOST_PREPARED


def _look_alive(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - a driver's connection
    """Replace a connection that the server has ended while nobody used it.

    An idle server says nothing, so what can be read is its farewell. To ask would cost each transaction a round trip.
    """
    readable = poll()
    readable.register(connection.fileno(), POLLIN)
    if readable.poll(0):
        raise DisconnectionError("the server has ended the connection")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("reading", False):
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_to_write(connection)


def _begin_to_write(connection: Connection) -> None:
    """Begin as soon as nobody writes; whoever waits looks often.

    SQLite itself would sleep up to 0.1 s between two looks, and miss each moment between the end of one transaction of
    another process and the beginning of its next: of sixteen grants at once one in a hundred waited for a second.
    """
    driver: Any = connection.connection.driver_connection
    ends = monotonic() + BUSY_MS / 1000
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while not _begins_to_write(connection, last=monotonic() >= ends):
            sleep(_LOOK)
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _begins_to_write(connection: Connection, *, last: bool) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        # Somebody may also be mending what a killed process left: BUSY too, with more in its upper bits.
        if last or getattr(error.orig, "sqlite_errorcode", 0) & _KIND != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

"""The database: opened one safe way, and the only place that commits."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.errors import BadConfiguration, Unavailable
from broker.store.trail import Pen, begin_trail
from broker.store.turns import Turns

#: What verbs are handed; only this folder knows what it can do.
Transaction = Connection

SCHEMES = ("sqlite", "postgresql+psycopg")
_BUSY_MS = 10_000
#: How long an emptying of the journal waits for those who read; writers wait for it.
_SCRUB_MS = 500
_POSTGRES_OPTIONS = "-c statement_timeout=8000 -c lock_timeout=4000 -c synchronous_commit=on -c timezone=UTC"
#: WAL with FULL: at NORMAL an acknowledged row is lost in a power cut. secure_delete overwrites what is erased.
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_MS}",
    "trusted_schema=OFF",
    "secure_delete=ON",
)
#: Connections of one worker: more than those who may wait ever have (store/turns), so there is one for a withdrawal.
#: No error tells a statement's values.
_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "pool_timeout": 10, "hide_parameters": True}
log = logging.getLogger(__name__)


@contextmanager
def _failing_plainly() -> Iterator[None]:
    """Turn a driver's error into :class:`Unavailable`: the outcome is unknown, and nothing may be acknowledged."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        # The driver's own text carries the statement's values: it stays out of the log.
        log.error("the store failed: %s", type(getattr(error, "orig", error)).__name__)  # noqa: TRY400
        raise Unavailable(
            "the store did not finish; whether it was recorded is not known, so look again before you repeat it"
        ) from None


class Database:
    """A store reached by an SQLAlchemy URL of one of :data:`SCHEMES`; written to only with the *pen* for its rows."""

    def __init__(self, url: str, *, pen: Pen | None = None) -> None:
        if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
            raise BadConfiguration(f"BROKER_DATABASE_URL must start with {' or '.join(SCHEMES)}://")
        if url.startswith("sqlite") and not url.removeprefix("sqlite://").strip("/"):
            raise BadConfiguration(
                "BROKER_DATABASE_URL names no file: what was kept in memory would be lost at the end"
            )
        self._pen = pen
        try:
            self.engine = _open(url)
            self._readers = self.engine.execution_options(reading=True)
            self._turns = Turns(_file_of(self.engine))
        except (ValueError, SQLAlchemyError) as error:
            # Neither text names the URL: it may hold a password.
            raise BadConfiguration("BROKER_DATABASE_URL cannot be read; see .env.example") from error

    @contextmanager
    def transaction(self, *, in_turn: bool = False, whose: str = "") -> Iterator[Transaction]:
        """One unit of work: committed when the block ends, undone when it raises.

        What may wait is begun *in_turn*; *whose* it is then, none has more than half of the turns.
        """
        turn = self._turns.in_turn(whose) if in_turn else self._turns.first()
        with _failing_plainly(), turn as begun, self.engine.begin() as connection:
            begun()
            if self._pen is None:
                yield connection
                return
            trail = begin_trail(connection, self._pen)
            yield connection
            trail.write(connection)

    @contextmanager
    def reading(self, *, in_turn: bool = False, whose: str = "") -> Iterator[Transaction]:
        """A look that waits for no writer, and writes nothing; *in_turn* and *whose* as of a transaction."""
        turn = self._turns.look(whose) if in_turn else nullcontext()
        with _failing_plainly(), turn, self._readers.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """One moment, for as long as it takes to walk over everything; text that is no UTF-8 comes as surrogates."""
        with self.reading() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                yield connection
                return
            driver: Any = connection.connection.driver_connection
            driver.text_factory = lambda raw: raw.decode(errors="surrogateescape")
            try:
                yield connection
            finally:
                driver.text_factory = str

    @property
    def row_key(self) -> bytes:
        """The key of the rows' MACs, or TypeError where the database was opened without it."""
        if self._pen is None:
            raise TypeError("this database was opened without the key of its rows")
        return self._pen.key

    def answers(self) -> bool:
        """Whether the store can be reached now."""
        try:
            with self.reading() as connection:
                connection.execute(text("SELECT 1"))
        except Unavailable:
            return False
        return True

    def safety(self) -> dict[str, str]:
        """The settings that decide whether an acknowledged row survives a power cut, as the server reports them."""
        asked = (
            ("journal_mode", "synchronous", "foreign_keys")
            if self.engine.dialect.name == "sqlite"
            else ("fsync", "full_page_writes", "synchronous_commit", "server_version_num")
        )
        show = "PRAGMA" if self.engine.dialect.name == "sqlite" else "SHOW"
        with self.reading() as connection:
            return {name: str(connection.execute(text(f"{show} {name}")).scalar_one()) for name in asked}

    def scrub(self) -> bool:
        """Empty SQLite's journal, in which pages lie as they were before an erasure; False while somebody reads in it.

        PostgreSQL keeps such pages until it overwrites them by itself: they are sealed, and what seals them has an end.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        try:
            with closing(self.engine.raw_connection()) as connection:
                connection.execute(f"PRAGMA busy_timeout={_SCRUB_MS}")
                busy, *_pages = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        except (sqlite3.Error, PoolTimeout):
            return False
        return not busy

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _open(url: str) -> Engine:
    if url.startswith("sqlite"):
        # autocommit leaves BEGIN to us: writers take the lock at once instead of failing half-way.
        engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000, "isolation_level": None}, **_POOL)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True, connect_args={"options": _POSTGRES_OPTIONS}, **_POOL)


def _file_of(engine: Engine) -> Path | None:
    return Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

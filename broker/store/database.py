"""The database: opened one safe way, and the only place that commits."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.errors import BadConfiguration, Unavailable
from broker.spans import span
from broker.store.connecting import BUSY_MS, Manner, open_engine
from broker.store.projecting import project
from broker.store.trail import Pen, begin_trail
from broker.store.transaction import Transaction
from broker.store.turns import Turns

SCHEMES = ("sqlite", "postgresql+psycopg")
#: How long an emptying of the journal waits for those who read; writers wait for it.
_SCRUB_MS = 500
#: How often what was written meanwhile is copied too.
_ROUNDS = 5
_STRAIGHT = Manner()
#: A look begins with what it reads first; SQLite reads nothing for a query of no table.
_ANY = text("SELECT 1 FROM clients LIMIT 1")
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

    def __init__(self, url: str, *, pen: Pen | None = None, manner: Manner = _STRAIGHT) -> None:
        if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
            raise BadConfiguration(f"BROKER_DATABASE_URL must start with {' or '.join(SCHEMES)}://")
        if url.startswith("sqlite") and not url.removeprefix("sqlite://").strip("/"):
            raise BadConfiguration(
                "BROKER_DATABASE_URL names no file: what was kept in memory would be lost at the end"
            )
        self._pen = pen
        try:
            self.engine = open_engine(url, manner)
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
        kept = span("transaction", {"db.system.name": self.engine.dialect.name, "broker.in_turn": in_turn})
        with kept, _failing_plainly(), turn as begun, self.engine.begin() as connection:
            begun()
            if self._pen is None:
                yield connection
                return
            trail = begin_trail(connection, self._pen)
            yield connection
            project(connection, trail.touched)
            trail.write(connection)

    @contextmanager
    def reading(self, *, in_turn: bool = False, whose: str = "") -> Iterator[Transaction]:
        """A look that waits for no writer, and writes nothing; *in_turn* and *whose* as of a transaction."""
        turn = self._turns.look(whose) if in_turn else nullcontext()
        kept = span("look", {"db.system.name": self.engine.dialect.name, "broker.in_turn": in_turn})
        with kept, _failing_plainly(), turn, self._readers.begin() as connection:
            yield connection

    @contextmanager
    def still(self, now: Callable[[], datetime], *, whose: str = "") -> Iterator[tuple[Transaction, datetime]]:
        """A look of one moment, and that moment; however long it takes, nobody waits for it.

        On SQLite the moment is one at which nobody wrote: what bears an earlier time is in the look, what is not in it
        will bear a later one. So what is decided here counts as if it had been decided between two transactions.
        """
        with ExitStack() as look:
            if self.engine.dialect.name == "postgresql":
                tx = look.enter_context(self.reading())
                tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
                moment = now()
                tx.execute(_ANY).all()
            else:
                with self.transaction(in_turn=True, whose=whose):
                    tx = look.enter_context(self.reading())
                    tx.execute(_ANY).all()
                    moment = now()
            yield tx, moment

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
                connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        except (sqlite3.Error, PoolTimeout):
            return False
        return not busy

    def settle(self) -> None:
        """Copy SQLite's journal into the database beside those who read and write; nobody waits for it.

        What was committed lies safely in the journal: this keeps it short, and spares a commit from doing it.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with suppress(sqlite3.Error, PoolTimeout), closing(self.engine.raw_connection()) as connection:
            for _ in range(_ROUNDS):
                # Only a journal that is copied to its end begins anew; while it was copied, more was written.
                _busy, written, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if written == copied:
                    return

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _file_of(engine: Engine) -> Path | None:
    return Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None

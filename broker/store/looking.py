"""All that a single question needs, read by one statement, as it is committed at that moment; nothing is kept of it."""

from __future__ import annotations

import sqlite3
from threading import BoundedSemaphore, Lock
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from broker.core.caution import EVERYONE, Caution
from broker.errors import Unavailable
from broker.store.database import Database
from broker.store.pairs import PairFound, caution_key, cautions_from
from broker.store.row_security import SETTING

#: Connections of one worker to PostgreSQL for this. More of them answer no more matches, and lengthen the tail.
_KEPT = 2
#: Of such a connection to SQLite, which only ever reads: pages of the file are looked at where the system has them,
#: the first 2 GB of it (SQLite maps no more), and what is beyond is kept for the next look, as long as nobody commits.
_PRAGMAS = ("mmap_size=2147418112", "cache_size=-32768", "query_only=ON")
_COLUMNS = (
    "c.standing, c.standing_number, c.mac, r.token_id IS NOT NULL, p.shape, p.names, p.ends_at, e.content, o.content,"
    " p.pair IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM consents k WHERE k.account = :account AND k.client_id = c.client_id)"
    " OR EXISTS (SELECT 1 FROM grounds g WHERE g.account = :account AND g.client_id = c.client_id)"
)
#: Each table is looked into by its primary key, once, whatever is found in another.
_FROM = (
    "FROM clients c"
    " LEFT JOIN revoked_tokens r ON r.token_id = :token"
    " LEFT JOIN pairs p ON p.pair = :pair"
    " LEFT JOIN cautions e ON e.caution = :everyone"
    " LEFT JOIN cautions o ON o.caution = :own"
    " WHERE c.client_id = :client"
)
_NAMES = ("account", "account", "token", "pair", "everyone", "own", "client")


class Look(NamedTuple):
    """A client's standing and the version of its row; whether the token was revoked; what is known of the pair.

    ``known``: the client has something on the account, whichever the pair; see :func:`broker.store.holdings`.
    """

    standing: str
    standing_number: int
    version: bytes | None
    revoked: bool
    row: PairFound | None
    cautions: dict[bytes, Caution]
    known: bool


class Looker:
    """Looks for one worker."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_sqlite = database.engine.dialect.name == "sqlite"
        # A list gives and takes at one end, each in one step.
        self._idle: list[Any] = []
        self.asked = _in_style("?" if self._is_sqlite else "%s")
        # One at a time on SQLite: they share one interpreter, and each wait for it costs more than the look itself. On
        # PostgreSQL as many as there are connections: to open one more for a look takes as long as a hundred looks.
        self.turn = Lock() if self._is_sqlite else BoundedSemaphore(_KEPT)

    def look(self, client_id: str, token_id: str, account: bytes, identifier: bytes) -> Look | None:
        """Return what there is, None of a client that is not there; raise :class:`Unavailable` when that fails."""
        everyone, own = caution_key(account, EVERYONE), caution_key(account, client_id)
        sought: tuple[object, ...] = (account, account, token_id, account + identifier, everyone, own, client_id)
        rows = self._rows(sought if self._is_sqlite else (client_id, *sought))
        if not rows:
            return None
        standing, number, version, revoked, shape, names, ends_at, of_all, of_one, known = rows[0][-10:]
        row = (account + identifier, shape, names, ends_at) if shape is not None else None
        cautions = cautions_from(((everyone, of_all), (own, of_one))) if of_all or of_one else {}
        return Look(standing, number, version, bool(revoked), row, cautions, bool(known))

    def _rows(self, sought: tuple[object, ...]) -> list[Any]:
        connection = None
        try:
            connection = self._idle.pop() if self._idle else self._new_one()
            rows: list[Any] = connection.execute(self.asked, sought).fetchall()
        except (sqlite3.Error, psycopg.Error, SQLAlchemyError, OSError):
            if connection is not None:
                connection.close()
            raise Unavailable("the store did not answer; nothing was done") from None
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()
        return rows

    def _new_one(self) -> Any:  # noqa: ANN401 - a driver's connection
        """A connection of its own, made as every other one is, that begins no transaction."""
        held = self._database.engine.raw_connection()
        driver: Any = held.driver_connection
        held.detach()
        if self._is_sqlite:
            for pragma in _PRAGMAS:
                driver.execute(f"PRAGMA {pragma}").close()
        else:
            driver.autocommit = True
        return driver


def _in_style(mark: str) -> str:
    """The statement with a driver's own marks; on PostgreSQL it binds itself to its client."""
    statement = f"{_COLUMNS} {_FROM}"
    for name in _NAMES:
        statement = statement.replace(f":{name}", mark, 1)
    bound = f"set_config('{SETTING}', %s, true), " if mark == "%s" else ""
    return f"SELECT {bound}{statement}"

"""The same links in clear, in a database of their own: what a view as usually written, and a bare join, read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks import consenting
from benchmarks.stage import driver_url

_AT_ONCE = 50_000
_LINKS = """CREATE TABLE plain_links (platform TEXT NOT NULL, account_id TEXT NOT NULL, kind TEXT NOT NULL,
 type TEXT NOT NULL, value TEXT NOT NULL, grant_id TEXT NOT NULL, purposes TEXT NOT NULL, status TEXT NOT NULL,
 valid_until TEXT NOT NULL, PRIMARY KEY (platform, account_id, kind, type, value))"""
_DECISIONS = """CREATE TABLE plain_decisions (id TEXT PRIMARY KEY, platform TEXT NOT NULL, account_id TEXT NOT NULL,
 type TEXT NOT NULL, value TEXT NOT NULL, purpose TEXT NOT NULL, permitted BOOLEAN NOT NULL,
 decided_at TEXT NOT NULL)"""


def make_plain(url: str, links: int) -> None:
    """Fill the tables, empty ones of that database, with as many links."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            for pragma in ("journal_mode=WAL", "synchronous=OFF"):
                file.execute(f"PRAGMA {pragma}")
            file.execute(f"{_LINKS} WITHOUT ROWID")
            file.execute(_DECISIONS)
            file.execute("BEGIN")
            file.executemany("INSERT INTO plain_links VALUES (?,?,?,?,?,?,?,?,?)", _rows(links))
            file.execute("COMMIT")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with psycopg.connect(driver_url(url)) as server:
        server.execute(_LINKS)
        server.execute(_DECISIONS)
        with server.cursor() as cursor, cursor.copy("COPY plain_links FROM STDIN") as copy:
            for row in _rows(links):
                copy.write_row(row)
        server.commit()
        server.autocommit = True
        server.execute("VACUUM (ANALYZE) plain_links")


def _rows(links: int) -> Iterator[tuple[str, ...]]:
    ends = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    for number in range(links):
        account, email = consenting.who(number)
        yield "x", account, "person", "email", email, f"grant-{number}", "customer-care", "given", ends

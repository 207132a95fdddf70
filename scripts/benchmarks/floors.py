"""The floors: what the same disk and the same hash take with no broker on top of them."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psycopg

from benchmarks.measuring import Timings
from benchmarks.stage import driver_url

#: Inserts rows of 32 bytes, and commits them.
Insert = Callable[[Sequence[bytes]], None]


class BareTable:
    """A table of one column without a key, on the same disk as the broker's, so many rows a commit."""

    def __init__(self, insert: Insert, per_commit: int) -> None:
        self._insert = insert
        self._per_commit = per_commit
        self.timings = Timings()

    def take(self, rows: Sequence[bytes]) -> None:
        """Insert rows, and count how long it took."""
        for begin in range(0, len(rows), self._per_commit):
            with self.timings.one():
                self._insert(rows[begin : begin + self._per_commit])


def bare_sqlite(file: Path, safety: Mapping[str, str]) -> Insert:
    """A bare file with the durability that the broker's own database reports of itself."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode", "synchronous"):
        connection.execute(f"PRAGMA {pragma}={safety[pragma]}")
    connection.execute("CREATE TABLE bare (data BLOB NOT NULL)")

    def insert(rows: Sequence[bytes]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO bare VALUES (?)", [(row,) for row in rows])
        connection.execute("COMMIT")

    return insert


def bare_postgres(url: str, name: str, safety: Mapping[str, str]) -> Insert:
    """A bare table in the same database, by the driver alone, with the broker's own durability."""
    connection = psycopg.connect(driver_url(url))
    connection.execute(f"SET synchronous_commit = {safety['synchronous_commit']}")
    connection.execute(f"CREATE TABLE {name} (data bytea NOT NULL)")
    connection.commit()

    def insert(rows: Sequence[bytes]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {name} VALUES (%s)", [(row,) for row in rows])  # noqa: S608 - our name
        connection.commit()

    return insert


def hash_alone(leaves: Sequence[bytes]) -> float:
    """How many seconds a tree's hashes take and nothing else: one a leaf, and about one node a leaf."""
    timings, sha256, node = Timings(), hashlib.sha256, b"\x01" + bytes(64)
    with timings.one():
        for leaf in leaves:
            sha256(b"\x00" + leaf).digest()
            sha256(node).digest()
    return timings.total

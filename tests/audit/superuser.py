"""A database superuser: raw SQL past the broker, on rows as the driver gives them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import JSON, Boolean, Integer, LargeBinary, Table
from sqlalchemy.engine import make_url

from broker.store.columns import metadata
from broker.store.types import UtcDateTime

#: A row as the driver gives it; JSON and times as the text that is stored.
Row = Mapping[str, Any]


@cache
def columns_of(table: str) -> tuple[str, ...]:
    """Every column of a table."""
    return tuple(column.name for column in metadata.tables[table].columns)


@cache
def primary_key(table: str) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(column.name for column in metadata.tables[table].primary_key)


def key_of(table: str, row: Row) -> str:
    """How an audit names a row."""
    return "/".join(_shown(row[name]) for name in primary_key(table))


def _shown(part: object) -> str:
    """Bytes in hex; of text no more than what a terminal only prints."""
    if isinstance(part, bytes):
        return part.hex()
    return "".join(letter if letter.isprintable() else "?" for letter in str(part))


class Superuser:
    """One who is connected to the database and may write anything. Nothing of the broker's is asked."""

    def __init__(self, url: str) -> None:
        self._postgres = url.startswith("postgresql")
        if self._postgres:
            plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection: Any = psycopg.connect(plain, autocommit=True, options="-c timezone=UTC")
        else:
            self._connection = sqlite3.connect(Path(url.removeprefix("sqlite:///")), isolation_level=None)
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")

    def close(self) -> None:
        """Go away."""
        self._connection.close()

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement whose parameters are question marks."""
        cursor = self._connection.execute(statement.replace("?", "%s") if self._postgres else statement, values)
        return list(cursor.fetchall()) if cursor.description else []

    def rows(self, table: str) -> list[Row]:
        """Every row of a table, by its primary key."""
        order = ", ".join(primary_key(table))
        shown = ", ".join(self._shown(table, name) for name in columns_of(table))
        found = self.run(f'SELECT {shown} FROM "{table}" ORDER BY {order}')  # noqa: S608 - names of tables
        return [dict(zip(columns_of(table), row, strict=True)) for row in found]

    def insert(self, table: str, row: Row) -> None:
        """Insert a row."""
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        self.run(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(row.values()))  # noqa: S608 - names

    def update(self, table: str, row: Row, changes: Row) -> None:
        """Write other values into one row."""
        written = ", ".join(f'"{name}" = ?' for name in changes)
        same, key = self._same(table, row)
        self.run(f'UPDATE "{table}" SET {written} WHERE {same}', [*changes.values(), *key])  # noqa: S608 - names

    def delete(self, table: str, row: Row) -> None:
        """Delete one row."""
        same, key = self._same(table, row)
        self.run(f'DELETE FROM "{table}" WHERE {same}', key)  # noqa: S608 - names

    def restore(self, table: str, rows: Sequence[Row]) -> None:
        """Put a table back as it was."""
        self.run(f'DELETE FROM "{table}"')  # noqa: S608 - a name
        for row in rows:
            self.insert(table, row)

    def other_value(self, table: str, name: str, value: Any, chance: Random) -> Any:  # noqa: ANN401 - whatever is stored
        """Something else that can be put in place of a value: a little off, of another kind, or nothing."""
        column = metadata.tables[table].c[name]
        makers = [*_MAKERS[_kind(column.type)], *((lambda _value, _chance: None,) if column.nullable else ())]
        if not self._postgres:
            makers += _ANYTHING
        return chance.choice(makers)(value, chance)

    def _shown(self, table: str, name: str) -> str:
        kind = metadata.tables[table].c[name].type
        return f'"{name}"::text' if self._postgres and isinstance(kind, JSON | UtcDateTime) else f'"{name}"'

    def _same(self, table: str, row: Row) -> tuple[str, list[object]]:
        key = primary_key(table)
        return " AND ".join(f'"{name}" = ?' for name in key), [row[name] for name in key]


def _kind(kind: object) -> str:
    kinds: dict[str, type | tuple[type, ...]] = {
        "time": UtcDateTime, "json": JSON, "truth": Boolean, "number": Integer, "bytes": LargeBinary,
    }  # fmt: skip
    return next((name for name, sort in kinds.items() if isinstance(kind, sort)), "text")


def _flipped(value: Any, chance: Random) -> bytes:  # noqa: ANN401 - stored
    raw = bytearray(value or b"\0")
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(raw)


def _moved(value: Any, chance: Random) -> str:  # noqa: ANN401 - stored
    """Another second, or another day."""
    if not value:
        return "2026-11-23 12:00:00.000000"
    place = chance.choice([9, 18])
    return f"{value[:place]}{(int(value[place]) + 1) % 10}{value[place + 1 :]}"


Maker = Callable[[Any, Random], Any]
_MAKERS: dict[str, list[Maker]] = {
    "bytes": [
        _flipped, _flipped,
        lambda value, _chance: (value or b"") + b"\0",
        lambda _value, _chance: b"",
        lambda value, chance: chance.randbytes(len(value or b"") or 16),
    ],
    "text": [
        lambda value, _chance: f"{value}x",
        lambda value, _chance: f"{value or ''} ",
        lambda value, _chance: str(value or "A").swapcase(),
        lambda _value, _chance: "",
        lambda _value, _chance: "customer-care",
    ],
    "number": [
        lambda value, _chance: (value or 0) + 1,
        lambda value, _chance: (value or 0) - 1,
        lambda _value, chance: chance.randrange(2**20),
        lambda _value, _chance: 0,
    ],
    "truth": [lambda value, _chance: not value],
    "time": [_moved, _moved, lambda _value, _chance: "1999-12-31 23:59:59.000001"],
    "json": [
        lambda value, _chance: f" {value}",
        lambda value, _chance: re.sub(r'"', '"x', value, count=1) if '"' in value else '"x"',
        lambda _value, _chance: "[]",
        lambda _value, _chance: "null",
        lambda value, _chance: f"[{value}]",
    ],
}  # fmt: skip
#: What SQLite takes in any column.
_ANYTHING: list[Maker] = [
    lambda _value, _chance: 2**40,
    lambda _value, _chance: 0.5,
    lambda _value, _chance: "not what belongs here",
    lambda value, _chance: value.decode("latin-1") if isinstance(value, bytes) else str(value).encode(),
    lambda _value, _chance: b"\xff\xfe",
]
POSTGRES_TIMES = ("infinity", "0044-03-15 12:00:00+00 BC", "294276-12-31 00:00:00+00")


def every_table() -> list[Table]:
    """Every table of the broker's."""
    return list(metadata.sorted_tables)

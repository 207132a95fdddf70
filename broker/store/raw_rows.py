"""Rows as they lie, read past every converter.

Who edits a database by hand may leave anything in a column: in SQLite text where bytes belong, 2 for a truth, bytes
that are no UTF-8; in PostgreSQL a time at infinity. A converter would stumble, or read two writings as one value. Here
a value is what the broker itself would have written, to the letter, or it is wrong, and its row can be told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    cast,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from broker.store.row_mac import MAC, primary_key_of
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime

#: Rows that are in memory at a time.
CHUNK = 1000
_SHOWN = 120
_SURROGATE = re.compile("[\ud800-\udfff]")
_TIME_OF = {
    "sqlite": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"),
    "postgresql": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{0,5}[1-9])?\+00"),
}


class NotWritten(ValueError):
    """A column holds what the broker never writes; the message says what belongs there."""


@dataclass(frozen=True)
class RawRow:
    """One row: its primary key as it can be shown, its values where all could be read, and what is wrong where not."""

    key: str
    values: Mapping[str, Any]
    mac: object
    wrong: str | None


def walk(
    tx: Transaction, table: Table, query: Callable[[Select[Any]], Select[Any]] | None = None
) -> Iterator[list[RawRow]]:
    """Every row of *table*, or those that *query* narrows it to, a chunk at a time."""
    form = _form(table, tx.dialect.name)
    statement = query(form.statement) if query else form.statement
    for chunk in tx.execute(statement, execution_options={"yield_per": CHUNK}).partitions():
        yield [form.read(row) for row in chunk]


@dataclass(frozen=True)
class _Form:
    """How the rows of one table are asked for, and read."""

    names: Sequence[str]
    readers: Sequence[Callable[[Any], object]]
    key: Sequence[int]
    statement: Select[Any]

    def read(self, row: Sequence[Any]) -> RawRow:
        """Read one row, whatever it holds."""
        values, wrong = {}, None
        for name, reader, value in zip(self.names, self.readers, row[1:], strict=True):
            try:
                values[name] = reader(value)
            except NotWritten as fault:
                wrong = wrong or f"{name} {fault}"
        return RawRow("/".join(_shown(row[1 + place]) for place in self.key), values, row[0], wrong)


@cache
def _form(table: Table, dialect: str) -> _Form:
    columns = [column for column in table.columns if column.name != MAC]
    names = [column.name for column in columns]
    return _Form(
        names=names,
        readers=[_reader(column, dialect) for column in columns],
        key=[names.index(name) for name in primary_key_of(table)],
        statement=select(*(_raw(column, dialect) for column in (table.c[MAC], *columns))),
    )


def _raw(column: Column[Any], dialect: str) -> ColumnElement[Any]:
    """A column without its converter; what PostgreSQL's driver would convert by itself is asked for as text."""
    if dialect == "postgresql" and isinstance(column.type, JSON | UtcDateTime):
        return cast(column, Text).label(column.name)
    return type_coerce(column, NullType()).label(column.name)


def _reader(column: Column[Any], dialect: str) -> Callable[[Any], object]:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        read: Callable[[Any], object] = partial(_time, _TIME_OF[dialect])
    elif isinstance(kind, JSON):
        return _json  # nothing is a value of its own there
    elif isinstance(kind, Boolean):
        read = _truth if dialect == "sqlite" else partial(_exactly, bool)
    else:
        read = partial(_exactly, next(python for sql, python in _PLAIN if isinstance(kind, sql)))
    return partial(_or_nothing, read) if column.nullable else read


_PLAIN = ((LargeBinary, bytes), (String, str), (Integer, int))


def _exactly(kind: type, value: object) -> object:
    if type(value) is not kind:
        raise NotWritten(f"holds {_kind(value)} where {_NAMES[kind]} belongs")
    if kind is str:
        _check_text(str(value))
    return value


_NAMES = {bytes: "bytes", str: "text", int: "a number", bool: "a truth", type(None): "nothing", float: "a fraction"}


def _kind(value: object) -> str:
    return _NAMES.get(type(value), "something else")


def _check_text(text: str) -> None:
    # Bytes that are no UTF-8 come as lone surrogates, which have no writing of their own.
    if not text.isascii() and _SURROGATE.search(text):
        raise NotWritten("holds text that is no UTF-8")


def _or_nothing(read: Callable[[Any], object], value: object) -> object:
    return None if value is None else read(value)


def _truth(value: object) -> bool:
    if type(value) is not int or value not in {0, 1}:
        raise NotWritten(f"holds {_kind(value)} where a truth belongs")
    return bool(value)


def _time(form: re.Pattern[str], value: object) -> datetime:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise NotWritten("holds no time as the broker writes it")
    try:
        moment = datetime.fromisoformat(value if value.endswith("+00") else f"{value}+00:00")
    except ValueError as error:
        raise NotWritten("holds no time as the broker writes it") from error
    return moment


def _json(value: object) -> object:
    if not isinstance(value, str):
        raise NotWritten(f"holds {_kind(value)} where JSON belongs")
    _check_text(value)
    try:
        read: object = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise NotWritten("holds no JSON") from error
    # Blanks, doubled members, another order of letters: two readers could see two values.
    if json.dumps(read) != value:
        raise NotWritten("holds JSON that is written otherwise than the broker does")
    return read


def _shown(value: object) -> str:
    """A part of a primary key as it can be shown: keyed digests, ids and numbers."""
    if isinstance(value, bytes):
        return value[: _SHOWN // 2].hex()
    text = str(value)[:_SHOWN]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)

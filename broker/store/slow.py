"""Statements that take too long, for the log: what they look like, how long, and how many rows; never a value."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

from sqlalchemy import Dialect, Engine, event

from broker import watching

#: Characters of a statement that a line holds.
_MOST = 400
#: Values that stand in the text, a quote doubled within; numbers; and many of a kind, such as the keys of a batch.
_QUOTED = re.compile(r"[xX]?'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w$:.%])\d+(?:\.\d+)?\b")
_MANY = re.compile(r"(\((?:\?|%\(\w+\)s(?:::\w+)?|:\w+|\$\d+))(?:, ?(?:\?|%\(\w+\)s(?:::\w+)?|:\w+|\$\d+)){3,}")
_BLANKS = re.compile(r"\s+")
log = logging.getLogger(__name__)


def note_slow(engine: Engine, milliseconds: int) -> None:
    """Write a warning for each statement on *engine* that takes that long; with 0 none is looked at.

    SQLite finds the rows of a query while they are read: its time is that to the first one.
    """
    if not milliseconds:
        return
    most = milliseconds / 1000
    # Around the driver alone: the events about cursors cost a statement eight microseconds, and this one less than one.
    for name in ("do_execute", "do_executemany"):
        event.listen(engine, name, _timed(engine.dialect, name, most))


def _timed(dialect: Dialect, name: str, most: float) -> Callable[..., bool]:
    execute: Callable[..., None] = getattr(dialect, name)

    def run(cursor: Any, statement: str, values: object, context: object) -> bool:  # noqa: ANN401 - a driver's cursor
        began = perf_counter()
        try:
            execute(cursor, statement, values, context)
        finally:  # what takes too long for PostgreSQL is ended by it
            if (took := perf_counter() - began) >= most:
                _note(dialect.name, shape_of(statement), took, cursor.rowcount)
        return True  # it is done

    return run


def _note(database: str, shape: str, took: float, rows: int) -> None:
    watching.count_slow(database)
    known = {"rows": rows} if rows >= 0 else {}
    fields = {"milliseconds": round(took * 1000), "statement": shape, **known}
    log.warning("a statement took long", extra={"fields": fields})


def shape_of(statement: str) -> str:
    """A statement on one line without a value in it, cut short."""
    plain = _BLANKS.sub(" ", _NUMBER.sub("0", _QUOTED.sub("'…'", statement))).strip()
    short = _MANY.sub(r"\1, …", plain)
    return short if len(short) <= _MOST else f"{short[:_MOST]}…"

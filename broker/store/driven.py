"""Insertions as the driver takes them: compiled once, and bound without SQLAlchemy's whole way to a statement.

That way costs several times what SQLite takes to insert a row, and a grant inserts a dozen. What SQLAlchemy knows is
kept: how each column's values are written, what its listeners hear, and what it calls an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import CursorResult, Dialect, Insert, Table, insert, literal_column
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from broker.store.transaction import Transaction

Values = Mapping[str, object]
_INSERTS: Mapping[str, Any] = {"postgresql": postgres_insert, "sqlite": sqlite_insert}


@dataclass(frozen=True)
class Insertion:
    """An insertion into one table for one kind of database; ``forms`` are its parameters in the driver's order."""

    sql: str
    forms: tuple[tuple[str, Callable[[Any], object] | None], ...]
    by_name: bool

    def bound(self, row: Values) -> Any:  # noqa: ANN401 - as the driver takes it
        """The parameters for a whole *row*."""
        if self.by_name:
            return {name: form(row[name]) if form else row[name] for name, form in self.forms}
        return tuple([form(row[name]) if form else row[name] for name, form in self.forms])


@lru_cache(maxsize=1024)
def compiled(statement: Insert, dialect: Dialect, names: tuple[str, ...]) -> Insertion:
    """*statement*, which inserts rows that have these columns, for the databases of *dialect*."""
    made = statement.compile(dialect=dialect, column_keys=names)
    order = made.positiontup or names
    kinds = {name: statement.table.c[name].type.dialect_impl(dialect) for name in names}
    forms = tuple((name, kinds[name].bind_processor(dialect)) for name in order)
    return Insertion(sql=made.string, forms=forms, by_name=made.positiontup is None)


def insert_rows(tx: Transaction, statement: Insert, rows: Sequence[Values]) -> CursorResult[Any]:
    """Insert rows, all of the same columns, by *statement*: one, or many in one go, which gives nothing back."""
    insertion = compiled(statement, tx.dialect, tuple(rows[0]))
    bound = [insertion.bound(row) for row in rows]
    return tx.exec_driver_sql(insertion.sql, bound if len(bound) > 1 else bound[0])


@cache
def inserting(table: Table) -> Insert:
    """An insertion of rows."""
    return insert(table)


@cache
def inserting_once(table: Table, dialect: str) -> Any:  # noqa: ANN401 - a statement of either dialect
    """An insertion that says by a row whether it was one: it is none where a row of that key is there."""
    return _INSERTS[dialect](table).on_conflict_do_nothing().returning(literal_column("1"))


@cache
def putting(table: Table, dialect: str, key: tuple[str, ...]) -> Any:  # noqa: ANN401 - a statement of either dialect
    """An insertion that writes the row of that *key* anew where one is there."""
    statement = _INSERTS[dialect](table)
    anew = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=anew)

"""The rows of a grant, found by what is new in every table after some, and made again with other keys."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Dialect, Table, create_engine, make_url, select

from benchmarks import consenting
from benchmarks.stage import a_broker, a_home
from broker.store import every_table  # noqa: F401 - fills the metadata
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.row_mac import primary_key_of

#: For each statement, the values of each time that a grant needs it.
GrantRows = list[tuple[str, list[tuple[Any, ...]]]]
Row = Mapping[str, Any]
_GRANTS = 8
#: The database numbers these itself.
_NUMBERED = frozenset({("trail", "number")})


@dataclass(frozen=True)
class SameRows:
    """For each table, the rows that one grant adds to it."""

    rows: Mapping[str, Sequence[Row]]

    def make_tables(self, url: str) -> None:
        """Make the broker's tables in a database of their own: empty, with the same columns, keys and indexes."""
        engine, tables = create_engine(url), [_table(name) for name in self.rows]
        metadata.drop_all(engine, tables=tables)
        metadata.create_all(engine, tables=tables)
        engine.dispose()

    def of_grants(self, url: str, grants: int) -> list[GrantRows]:
        """The rows of as many more grants, as the driver of that database takes them; none of them is there yet."""
        dialect = make_url(url).get_dialect()()
        shapes = [(_Shape(_table(name), dialect), rows) for name, rows in self.rows.items()]
        return [
            [(shape.statement, [shape.another(row) for row in rows]) for shape, rows in shapes] for _ in range(grants)
        ]


def rows_of_a_grant() -> SameRows:
    """Let some people say yes to an empty broker, and see which rows each of them has added."""
    with a_home() as home, a_broker(home, f"sqlite:///{home / 'broker.db'}") as broker:
        client = consenting.a_client(broker)
        list(consenting.consents(broker, client, range(2)))
        with broker.database.transaction() as tx:
            choices = [consenting.a_choice(tx, broker, client, number) for number in range(2, 2 + _GRANTS)]
        before = _all_rows(broker.database)
        for choice in choices:
            consenting.give(broker, client, choice)
        after = _all_rows(broker.database)
    added = {name: [row for key, row in rows.items() if key not in before[name]] for name, rows in after.items()}
    # What a grant adds seldom, such as a text that is kept once, is no part of it.
    return SameRows({name: rows[: len(rows) // _GRANTS] for name, rows in added.items() if len(rows) >= _GRANTS})


def _all_rows(database: Database) -> dict[str, dict[tuple[Any, ...], Row]]:
    found = {}
    with database.reading() as tx:
        for table in metadata.sorted_tables:
            rows = [row._asdict() for row in tx.execute(select(table))]
            found[table.name] = {tuple(row[name] for name in primary_key_of(table)): row for row in rows}
    return found


def _table(name: str) -> Table:
    return metadata.tables[name]


class _Shape:
    """How the rows of one table are made again, and put."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        columns = [column for column in table.columns if (table.name, column.name) not in _NUMBERED]
        names = ", ".join(column.name for column in columns)
        place = "?" if dialect.name == "sqlite" else "%s"
        places = ", ".join(place for _ in columns)
        self.statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608 - our own names
        unique = {column.name for index in table.indexes if index.unique for column in index.columns}
        fresh = {*primary_key_of(table), *unique}
        self._ways = [(column.name, column.name in fresh, _way(column, dialect)) for column in columns]

    def another(self, row: Row) -> tuple[Any, ...]:
        """The same row under another key."""
        return tuple(way(_fresh(row[name]) if fresh else row[name]) for name, fresh, way in self._ways)


def _fresh(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    if isinstance(value, bytes):
        return os.urandom(len(value))
    if isinstance(value, str):
        return os.urandom(len(value)).hex()[: len(value)]
    return int.from_bytes(os.urandom(4)) // 2 if isinstance(value, int) else value


def _way(column: Column[Any], dialect: Dialect) -> Any:  # noqa: ANN401 - a function of a value
    if isinstance(column.type, JSON):
        return json.dumps
    return column.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)

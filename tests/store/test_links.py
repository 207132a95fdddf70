"""How SQLite finds a client's links: by an index, whichever end they are looked for from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_pen
from sqlalchemy import Connection, event

from broker.core.identifiers import Association
from broker.store.database import Database
from broker.store.links import accounts_linked, identifiers_linked, is_linked
from broker.store.migrating import migrate
from broker.store.transaction import Transaction

ONE, OTHER = b"1" * 16, b"2" * 16
Look = Callable[[Transaction], object]
#: Each look, and by what both of its tables must be searched.
LOOKS: dict[str, tuple[Look, set[str]]] = {
    "accounts": (
        lambda tx: accounts_linked(tx, "a client", ONE, after=b"", limit=101),
        {"client_id=?", "identifier=?", "account>?"},
    ),
    "identifiers": (
        lambda tx: identifiers_linked(tx, "a client", ONE, known_as=(ONE, OTHER), after=b"", limit=101),
        {"client_id=?", "account=?", "identifier>?"},
    ),
    "a pair": (
        lambda tx: is_linked(tx, Association(client_id="a client", account=ONE, identifier=OTHER)),
        {"client_id=?", "account=?", "identifier=?"},
    ),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Give a database with no row in it."""
    home: Path = tmp_path_factory.mktemp("links")
    database = Database(f"sqlite:///{home / 'broker.db'}", pen=a_pen())
    migrate(database)
    return database


@pytest.mark.parametrize(("look", "by"), LOOKS.values(), ids=LOOKS.keys())
def test_both_tables_of_links_are_searched_by_all_that_is_known(database: Database, look: Look, by: set[str]) -> None:
    asked: list[tuple[str, object]] = []

    def note(_connection: Connection, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        asked.append((statement, values))

    with database.reading() as tx:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            look(tx)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
        (one,) = asked
        steps = [step.detail for step in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {one[0]}", one[1])]  # type: ignore[arg-type] # as the driver was given them
    searched = [set(found[1].split(" AND ")) for step in steps if (found := re.search(r"\((\w+[=>]\?.*)\)", step))]
    assert [by, by] == searched, steps

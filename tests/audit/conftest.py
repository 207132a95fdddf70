"""One history, lived through once a run on SQLite and carried over to PostgreSQL; tests spoil it and put it back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from audit.history import live_through
from audit.spoilt import History, Rows, Spoilt, rows_of, spoil
from audit.superuser import Row, Superuser, every_table
from builders import a_pen
from harness.postgres import PostgresCluster
from machines.stage import open_database

from broker.store.database import Database
from broker.store.migrating import migrate

BOTH = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Live through it once."""
    folder = tmp_path_factory.mktemp("history")
    path = folder / "broker.db"
    database, seen = open_database(path), dict[tuple[str, object], Row]()
    user = Superuser(f"sqlite:///{path}")

    def look() -> None:
        for table, rows in rows_of(user).items():
            seen.update({(table, row["mac"]): row for row in rows})

    broker = live_through(database, folder / "marks", look)
    rows = rows_of(user)
    now = {(table, row["mac"]) for table, found in rows.items() for row in found}
    past: Rows = {table: [] for table in rows}
    for (table, mac), row in seen.items():
        past[table] += [row] if (table, mac) not in now else []
    user.close()
    database.close()  # the last connection brings everything from the journal into the file
    yield History(broker, rows, past, path)
    database.close()


@pytest.fixture(scope="session")
def sqlite_spoilt(history: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoilt]:
    """Give a SQLite file of its own."""
    path = tmp_path_factory.mktemp("spoilt") / "broker.db"
    shutil.copy(history.path, path)
    yield from spoil(history, f"sqlite:///{path}")


@pytest.fixture(scope="session")
def postgres_spoilt(history: History, postgres: Callable[[], PostgresCluster]) -> Iterator[Spoilt]:
    """Give a PostgreSQL database that the history's rows were carried over to."""
    url = postgres().fresh_database()
    database = Database(url, pen=a_pen())
    migrate(database)
    with history.broker.database.reading() as old, database.engine.begin() as new:
        for table in every_table():
            rows = [row._asdict() for row in old.execute(table.select())]
            if rows:
                new.execute(table.insert(), rows)
    database.close()
    yield from spoil(history, url)


@pytest.fixture(params=BOTH)
def spoilt(request: pytest.FixtureRequest) -> Iterator[Spoilt]:
    """Give the history on each kind of database, and put it back as it was."""
    found: Spoilt = request.getfixturevalue(f"{request.param}_spoilt")
    yield found
    found.put_back()

"""A database of each kind for the store's tests: migrated once a run, emptied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import a_pen, emptied, seeded_random
from harness.postgres import PostgresCluster

from broker.store.database import Database
from broker.store.migrating import migrate
from broker.store.sealing import Sealer

BOTH = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def sqlite_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Migrate one SQLite file; its engine keeps the statements that were compiled."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('store') / 'broker.db'}", pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_of_all(postgres: Callable[[], PostgresCluster]) -> Iterator[Database]:
    """Migrate one PostgreSQL database."""
    database = Database(postgres().fresh_database(), pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(sqlite_of_all: Database) -> Database:
    """Give a SQLite database with no row in it."""
    return emptied(sqlite_of_all)


@pytest.fixture
def postgres_database(postgres_of_all: Database) -> Database:
    """Give a PostgreSQL database with no row in it."""
    return emptied(postgres_of_all)


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> Database:
    """Give an empty database of each kind."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def own_sqlite(tmp_path: Path) -> Iterator[Database]:
    """Give a SQLite database that a test may spoil."""
    database = Database(f"sqlite:///{tmp_path / 'own.db'}", pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, postgres: Callable[[], PostgresCluster]) -> str:
    """Give the address of a database without a schema, of each kind."""
    return postgres().fresh_database() if request.param == "postgres" else f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def store() -> Sealer:
    """Give the store's own sealer."""
    return Sealer(b"k" * 32, seeded_random())

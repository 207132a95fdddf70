"""A whole broker on each kind of database, with a clock of the test's; its rows are checked after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import Clock, a_broker, a_pen, emptied, registered
from harness.postgres import PostgresCluster
from invariants import assert_sound
from lives import Home, a_home
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.store.migrating import migrate

BOTH = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def sqlite_of_verbs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedDatabase]:
    """Migrate one SQLite file; its engine keeps the statements that were compiled."""
    database = WatchedDatabase(f"sqlite:///{tmp_path_factory.mktemp('verbs') / 'broker.db'}", pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_of_verbs(postgres: Callable[[], PostgresCluster]) -> Iterator[WatchedDatabase]:
    """Migrate one PostgreSQL database."""
    database = WatchedDatabase(postgres().fresh_database(), pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(sqlite_of_verbs: WatchedDatabase) -> Iterator[WatchedDatabase]:
    """Give a SQLite database with no row in it, unwatched until it has a broker."""
    yield emptied(sqlite_of_verbs)
    sqlite_of_verbs.broker = None


@pytest.fixture
def postgres_database(postgres_of_verbs: WatchedDatabase) -> WatchedDatabase:
    """Give a PostgreSQL database with no row in it."""
    return emptied(postgres_of_verbs)


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> WatchedDatabase:
    """Give an empty database of each kind."""
    found: WatchedDatabase = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at noon until the test moves it."""
    return Clock()


@pytest.fixture
def broker(database: WatchedDatabase, clock: Clock) -> Iterator[Broker]:
    """Give a whole broker: its rows must be sound after every step on SQLite, and at the end on both."""
    broker = a_broker(database, clock=clock)
    if database.engine.dialect.name == "sqlite":
        database.broker = broker
    yield broker
    assert_sound(database, broker)


@pytest.fixture
def sqlite_broker(sqlite_database: WatchedDatabase, clock: Clock) -> Broker:
    """Give a whole broker on SQLite, unwatched, for tests that look at the file or spoil rows and undo it."""
    return a_broker(sqlite_database, clock=clock)


@pytest.fixture
def own_broker(tmp_path: Path, clock: Clock) -> Iterator[Broker]:
    """Give a whole broker on a SQLite file that a test may spoil."""
    database = WatchedDatabase(f"sqlite:///{tmp_path / 'own.db'}", pen=a_pen())
    migrate(database)
    yield a_broker(database, clock=clock)
    database.close()


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Let a person live at a broker on SQLite, once for all who copy it."""
    return a_home(tmp_path_factory.mktemp("lived"))


@pytest.fixture
def home(lived: Home, tmp_path: Path) -> Iterator[Home]:
    """Give a home of its own in which a person has lived."""
    copy = lived.copied(tmp_path / "home")
    yield copy
    copy.database.close()


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a registered business."""
    return registered(broker)


@pytest.fixture
def other_client(broker: Broker) -> Client:
    """Give a second business, of another owner."""
    return registered(broker, client_name="Contoso Market", owner="Contoso")

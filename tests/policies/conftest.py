"""A database for the tests of the terms: migrated once a run; worlds in it know nothing of one another."""

from collections.abc import Iterator
from typing import Any

import pytest
from builders import a_pen
from sqlalchemy import event

from broker.store.database import Database
from broker.store.migrating import migrate


@pytest.fixture(scope="session")
def database_of_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Migrate one SQLite file. No row of it need survive a power cut, so nobody waits for the disk."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('terms') / 'broker.db'}", pen=a_pen())
    event.listen(database.engine, "connect", hurry)
    migrate(database)
    yield database
    database.close()


def hurry(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    """Let commits return before the disk has them."""
    connection.execute("PRAGMA synchronous=OFF")

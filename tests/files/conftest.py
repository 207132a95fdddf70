"""A broker in this process, a business with a few consents, and files of its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import Clock, a_broker, a_log, a_pen, an_account, an_identifier, consented, emptied, registered

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.files.matching import Finished, Order, match_file
from broker.proof.journal import create_journal
from broker.store.database import Database
from broker.store.migrating import migrate

Ask = Callable[..., Finished]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Migrate one database for all tests of files."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('files') / 'broker.db'}", pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at noon until the test moves it."""
    return Clock()


@pytest.fixture
def broker(migrated: Database, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Give a whole broker with no row in it, and a journal in which nobody was erased."""
    broker, marks = a_broker(emptied(migrated), clock=clock), tmp_path_factory.mktemp("marks")
    create_journal(marks)
    return replace(broker, log=a_log(broker.keys, marks=marks, clock=clock))


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a business to which one person said yes."""
    client = registered(broker)
    consented(broker, client, an_account("1000"), "customer-care", identifier=an_identifier("0@mailbox.example"))
    return client


@pytest.fixture
def ask(broker: Broker, client: Client) -> Ask:
    """Answer a file of the business."""

    def run(file: Path, **changes: Any) -> Finished:  # noqa: ANN401 - any field of an order
        return match_file(broker, Order(**{"file": file, "client_id": client.client_id, "lines": 3, **changes}))

    return run

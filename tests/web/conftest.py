"""A whole broker in this process, its log kept when a test says so, and ways to ask its faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import Clock, a_broker, a_log, a_pen, emptied
from flask.testing import FlaskClient

from broker.actions.broker import Broker
from broker.app import create_app
from broker.core.client import Client
from broker.oauth.models import GrantUser, OAuthClient
from broker.oauth.tokens import issue_token
from broker.proof.highwater import first_high_water
from broker.store.database import Database
from broker.store.migrating import migrate


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Migrate one database for the tests of a file."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('faces') / 'broker.db'}", pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at noon until the test moves it."""
    return Clock()


@pytest.fixture
def broker(migrated: Database, clock: Clock, tmp_path: Path) -> Broker:
    """Give a whole broker with no row in it, and a log that nobody has kept yet."""
    broker = a_broker(emptied(migrated), clock=clock)
    first_high_water(tmp_path)
    return replace(broker, log=a_log(broker.keys, marks=tmp_path, clock=clock))


@pytest.fixture
def http(broker: Broker) -> FlaskClient:
    """Give a way to ask its faces."""
    return create_app(broker).test_client()


@pytest.fixture
def bearer(broker: Broker) -> Callable[..., dict[str, str]]:
    """Give the header of a token of a client's own, or behind one grant."""

    def header(client: Client, scope: str = "consent", grant: GrantUser | None = None) -> dict[str, str]:
        token = issue_token(broker, client=OAuthClient(client), scope=scope, token_id=broker.new_id(), user=grant)[
            "access_token"
        ]
        return {"Authorization": f"Bearer {token}"}

    return header

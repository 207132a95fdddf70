"""``broker actions``: what businesses said that they did, and who is late; the doctor counts them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from builders import an_account, consented
from events import withdrawn
from sqlmodel import col
from statements import a_key, a_statement, keyed, owed, stated

from broker.actions.broker import Broker
from broker.cli import main
from broker.core.client import Client
from broker.doctor import examine
from broker.store.tables import EventRow
from broker.store.writing import change


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a business that has a day."""
    return keyed(broker, action_within="P1D", client_name="Tardy Ltd")


@pytest.fixture
def event_id(broker: Broker, client: Client) -> str:
    """Give the event of a consent that was withdrawn."""
    withdrawn(broker, consented(broker, client, an_account(id="31337")))
    (event,) = owed(broker, client)
    return event.event_id


def aged(broker: Broker, event_id: str) -> None:
    """Let an event have happened two days ago."""
    with broker.database.transaction() as tx:
        long_ago = broker.now() - timedelta(days=2)
        change(tx, EventRow, col(EventRow.event_id) == event_id, occurred_at=long_ago)


def late(client: Client, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Who is late, of one client."""
    capsys.readouterr()
    main(["actions", "late", "--json"])
    return [it for it in json.loads(capsys.readouterr().out) if it["client_id"] == client.client_id]


def test_who_is_late_is_named_and_the_status_says_so(
    broker: Broker, client: Client, event_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [] == late(client, capsys)
    aged(broker, event_id)
    (found,) = late(client, capsys)
    assert ("Tardy Ltd", event_id, "consent-withdrawn") == tuple(found[it] for it in ("client_name", "event", "type"))
    assert 1 == main(["actions", "late"])
    assert any(line.startswith(f"{client.client_id}  {event_id}") for line in capsys.readouterr().out.splitlines())
    (finding,) = [finding for finding in examine() if finding.name == "actions"]
    assert (True, "see `broker actions late`") == (finding.ok, finding.detail.partition("; ")[2])
    stated(broker, client, a_statement(broker, event_id))
    assert [] == late(client, capsys)
    assert 0 == main(["actions", "late"])
    assert "every business has answered in time" in [finding.detail for finding in examine()]


def test_what_was_said_is_listed(
    broker: Broker, client: Client, event_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stated(broker, client, a_statement(broker, event_id, action="restricted"))
    capsys.readouterr()
    assert 0 == main(["actions", "list", "--client", client.client_id])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{client.client_id}  {event_id}  restricted at ")
    assert 0 == main(["actions", "list", "--client", keyed(broker, a_key("another's")).client_id])
    assert "" == capsys.readouterr().out


def test_the_agreed_time_is_registered_and_shown(
    registered: Callable[..., dict[str, Any]], register: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ("P30D", "P14D") == (registered()["action_within"], registered(action_within="P14D")["action_within"])
    assert 1 == register(action_within="P31D")
    assert "action_within" in capsys.readouterr().err

"""Rechecking against a server of somebody else's that speaks as X does: the address of one that runs is handed in.

It may be X's own API playground with its seeded people, or any other: three accounts that are there are named by their
ids, of which the last is protected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import Clock, a_broker, a_pen, a_question, a_tag, an_account, an_identifier, asked, consented, registered

from broker.actions.broker import Broker
from broker.actions.decide_match import answer_offer
from broker.actions.recheck_accounts import Orders, Rechecked, recheck_accounts
from broker.platforms.client import Credentials
from broker.platforms.x import ADDRESSES, X
from broker.store.database import Database
from broker.store.migrating import migrate

ADDRESS = os.environ.get("X_SHAPED_SERVER", "")
PRESENT = os.environ.get("X_SHAPED_IDS", "10,20,18").split(",")
ABSENT = "999999999"
pytestmark = pytest.mark.skipif(not ADDRESS, reason="X_SHAPED_SERVER names no server")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give a broker whose platform is that server."""
    database = Database(f"sqlite:///{tmp_path / 'broker.db'}", pen=a_pen())
    migrate(database)
    addresses = {**ADDRESSES, "users_url": f"{ADDRESS}/2/users", "compliance_url": f"{ADDRESS}/2/compliance/jobs"}
    x = X(
        credentials=Credentials(client_id="b", client_secret="s"),
        addresses=addresses,
        bearer_token="test",
        loopback=True,
    )
    yield replace(a_broker(database, clock=Clock(datetime.now(UTC))), platforms={"x": x})
    database.close()


def rechecked(broker: Broker, limit: int = 100) -> Rechecked:
    """Ask it."""
    done = Rechecked()
    recheck_accounts(broker, broker.platforms["x"], Orders(limit=limit), done)
    return done


def test_its_people_are_found_by_id_under_the_handles_that_they_bear(broker: Broker) -> None:
    client = registered(broker)
    for number, id_ in enumerate([*PRESENT, ABSENT]):
        consented(
            broker, client, an_account(id_, f"before_{number}"), identifier=an_identifier(f"{id_}@mailbox.example")
        )
    done = rechecked(broker)
    assert {"renamed": 3, "protected": 1} == {word: done.counts[word] for word in ("renamed", "protected")}
    # Some servers say nothing of who is not there, and some say that they are gone.
    assert 1 == done.counts["unanswered"] + done.counts["gone"]
    assert {"unchanged": 3} == {word: count for word, count in rechecked(broker).counts.items() if word == "unchanged"}


def test_its_protected_account_is_no_public_one(broker: Broker) -> None:
    client, other = registered(broker), registered(broker, client_name="Contoso Market")
    account = an_account(PRESENT[-1], "before")
    consented(broker, client, account)
    question = a_question(account, provenance=a_tag("public", "platform"))
    with broker.database.transaction() as tx:
        answer_offer(tx, broker, other, question)
    assert asked(broker, other, question._replace(provenance=None)).decision.permitted
    rechecked(broker)
    assert ("MATCH-4b2",) == asked(broker, other, question._replace(provenance=None)).decision.clauses


def test_at_its_limit_the_hour_to_go_on_is_read(broker: Broker) -> None:
    consented(broker, registered(broker), an_account(PRESENT[0], "before"))
    resume_at = next(done.resume_at for _ in range(2000) if (done := rechecked(broker)).resume_at)
    assert resume_at is not None
    assert timedelta(0) < resume_at - datetime.now(UTC) <= timedelta(hours=1)

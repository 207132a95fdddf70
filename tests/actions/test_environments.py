"""Development, staging and production have people of their own: the same account never meets itself (APPLICATION-2)."""

from __future__ import annotations

from itertools import permutations

import pytest
from acts_of_terms import objected, offered
from builders import (
    BROWSER,
    a_question,
    a_tag,
    an_account,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.linking import begin_link, claim_callback, new_attempt, record_proof
from broker.actions.list_consents import list_answers
from broker.actions.sign_in import sign_in, signed_in
from broker.core.client import ENVIRONMENTS, Client

NAMES = {"dev": "Northwind Bikes (dev)", "staging": "Northwind Bikes staging", "prod": "Northwind Bikes"}
BY_HANDLE = {"account_id": None, "handle": "JaneCanary"}
BY = pytest.mark.parametrize("by", [{}, BY_HANDLE], ids=["by id", "by handle"])


@pytest.fixture
def instances(broker: Broker) -> dict[str, Client]:
    """Give the three instances of one service."""
    return {
        name: registered(broker, owner="Northwind", environment=name, client_name=NAMES[name]) for name in ENVIRONMENTS
    }


def signed_up(broker: Broker, environment: str) -> tuple[bytes, str]:
    """Let a person sign in of their own, to the pages of one environment; return whom that is, and the session."""
    attempt = new_attempt(broker, "x")
    with broker.database.transaction() as tx:
        begin_link(tx, broker, platform="x", attempt=attempt, request=None, browser=BROWSER, environment=environment)
    with broker.database.transaction() as tx:
        link, _ = claim_callback(tx, broker, platform="x", state=attempt.state, browser=BROWSER)
        person = record_proof(tx, broker, link, an_account(), browser=BROWSER)
        return person.key, sign_in(tx, broker, person)


def test_one_account_is_three_people_under_three_handles(broker: Broker, instances: dict[str, Client]) -> None:
    records = [consented(broker, client) for client in instances.values()]
    assert 3 == len({record.account for record in records})
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    assert (3, 3, {"held"}) == (
        len(rows["people"]), len(rows["handles"]), {row["standing"] for row in rows["handles"]},
    )  # fmt: skip


@BY
@pytest.mark.parametrize("rests_on", ["consent", "user_provided"])
@pytest.mark.parametrize("given", ENVIRONMENTS)
def test_a_consent_or_a_ground_is_its_environments_alone(
    sqlite_broker: Broker, given: str, rests_on: str, by: dict[str, object]
) -> None:
    broker = sqlite_broker
    instances = {
        name: registered(broker, owner="Northwind", environment=name, client_name=NAMES[name]) for name in ENVIRONMENTS
    }
    if rests_on == "consent":
        consented(broker, instances[given])
    else:
        offered(broker, instances[given], **by)
    decisions = {name: asked(broker, client, a_question(**by)).decision for name, client in instances.items()}
    assert {name: rests_on if name == given else None for name in ENVIRONMENTS} == {
        name: decision.basis for name, decision in decisions.items()
    }


def test_an_owners_production_meets_no_ground_of_its_own_staging_even_of_the_same_words(
    broker: Broker, instances: dict[str, Client]
) -> None:
    """Digests of one pair differ between the instances on both sides."""
    grounds = [offered(broker, client).ground for client in instances.values()]
    assert None not in grounds
    with broker.database.transaction() as tx:
        rows = all_rows(tx)["grounds"]
    assert (3, 3) == (len({row["account"] for row in rows}), len({row["identifier"] for row in rows}))


@pytest.mark.parametrize(("one", "other"), list(permutations(ENVIRONMENTS, 2)))
def test_a_no_in_one_environment_is_none_in_another(sqlite_broker: Broker, one: str, other: str) -> None:
    broker = sqlite_broker
    here, there = (
        registered(broker, owner="Northwind", environment=name, client_name=NAMES[name]) for name in (one, other)
    )
    for client in (here, there):
        offered(broker, client)
    offered(broker, here, a_tag(origin="bought"))
    refused(broker, here)
    objected(broker, environment=one)
    assert [False, True] == [asked(broker, client).decision.permitted for client in (here, there)]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_sign_in_of_ones_own_shows_the_data_of_its_environment(
    broker: Broker, instances: dict[str, Client], environment: str
) -> None:
    records = {name: consented(broker, client) for name, client in instances.items()}
    key, session = signed_up(broker, environment)
    assert records[environment].account == key
    with broker.database.transaction() as tx:
        person = signed_in(tx, broker, session)
        assert an_account() == person.proven
        shown = list_answers(tx, broker, person).consents
    assert [records[environment].grant_id] == [view.grant_id for view in shown]


def test_a_sign_in_that_names_no_environment_is_production(broker: Broker) -> None:
    proved(broker, an_account(), None)
    assert signed_up(broker, "prod")[0] == broker.blinder.account(an_account().account)
    with broker.database.transaction() as tx:
        assert 1 == len(all_rows(tx)["people"])

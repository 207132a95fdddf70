"""No sequence of calls reaches a permit without one of the three grounds, and none that has one is kept from it.

Three businesses (two owners, one of them with a staging instance) and four people do anything in any order, over the
whole API; a model written from the terms says of each answer what it must be. In the test command the machine runs for
some seconds; ``MACHINES=long`` in the environment lets it run for 200 histories of 50 steps, and
look for holes that few histories come to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from machines.businesses import Businesses, Operators
from machines.holes import DEEPER, FOURTH, HOLES, the_document, the_terms, with_hole
from machines.model import Who
from machines.people import People
from machines.scene import ACCOUNTS, CARE, HANDLES
from machines.stage import open_database
from machines.tags import SOUND

from broker.core.policy import Policy, parse_policy
from broker.errors import PolicyDefect
from broker.store.database import Database

LONG = os.environ.get("MACHINES") == "long"
EXAMPLES, STEPS = (200, 50) if LONG else (40, 36)


class History(People, Businesses, Operators):
    """Any history."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Give one SQLite file, emptied before each history."""
    opened = open_database(tmp_path_factory.mktemp("machines") / "broker.db")
    yield opened
    opened.close()


def run(rows: Database, policy: Policy, **bounds: Any) -> None:  # noqa: ANN401 - hypothesis' own
    # Shrinking a long history takes minutes: a red run tells at once. Add Phase.shrink to look into one.
    chosen = {"max_examples": EXAMPLES, "stateful_step_count": STEPS, "phases": (Phase.reuse, Phase.generate), **bounds}
    run_state_machine_as_test(
        lambda: History(rows, policy), settings=settings(deadline=None, suppress_health_check=[], **chosen)
    )


def test_a_permit_has_one_of_the_three_grounds_and_each_ground_permits(database: Database) -> None:
    run(database, the_terms())


@pytest.mark.parametrize("hole", {**HOLES, **DEEPER} if LONG else HOLES)
def test_with_a_hole_in_the_terms_the_machine_goes_red(database: Database, hole: str) -> None:
    with pytest.raises(AssertionError, match="the model has"):
        run(database, with_hole({**HOLES, **DEEPER}[hole]), derandomize=True, database=None, max_examples=400)


@pytest.mark.parametrize("hole", FOURTH)
def test_a_document_with_such_a_hole_does_not_even_load(hole: str) -> None:
    document = the_document()
    {**HOLES, **DEEPER}[hole](document)
    with pytest.raises(PolicyDefect):
        parse_policy(document, digest="sha256:of-a-test")


def test_an_objection_made_again_beats_the_consent_that_lies_between(database: Database) -> None:
    history, pair = History(database, the_terms()), (0, ACCOUNTS[0], "email")
    for act in (
        lambda: history.object(pair, everyone=True, again=False),
        lambda: history.answer(pair, (CARE, "contact"), 30),
        lambda: history.object(pair, everyone=True, again=False),
    ):
        act()
        history.stage.clock.passes(seconds=60)
        history.contact(pair, "id", None)


@pytest.mark.parametrize("taken", [False, True])
def test_what_is_said_of_a_handle_that_an_account_has_left_is_not_said_of_the_account(
    database: Database,
    taken: bool,  # noqa: FBT001 - a parameter
) -> None:
    history = History(database, the_terms())
    history.answer((0, ACCOUNTS[0], "email"), (CARE,), 30)
    history.rename(ACCOUNTS[0], HANDLES[3], "prod")
    if taken:
        history.rename(ACCOUNTS[1], HANDLES[0], "prod")
    assert history.offered(0, Who(handle=HANDLES[0]), "number", (SOUND[0], [CARE]))
    history.matched(0, Who(account=ACCOUNTS[0]), "number", CARE)
    history.matched(0, Who(handle=HANDLES[0]), "number", CARE)


@pytest.mark.parametrize("then", ["stands", "is given up", "runs out"])
def test_who_takes_back_what_was_renewed_takes_back_what_came_of_it(database: Database, then: str) -> None:
    history, pair = History(database, the_terms()), (0, ACCOUNTS[0], "email")
    history.offered(0, Who(account=ACCOUNTS[0]), "email", (SOUND[0], [CARE]))
    for days in (30, 1):
        history.answer(pair, (CARE,), days)
    first, second = history.model.consents
    if then == "is given up":
        history.relinquish((second, pair), 0)
    if then == "runs out":
        history.stage.clock.passes(days=2)
    history.withdraw((first, pair), by_link=True)
    history.withdraw((first, pair), by_link=False)
    assert not history.model.grounds(history.clients[0], Who(account=ACCOUNTS[0]), "email", CARE, history.stage.clock())

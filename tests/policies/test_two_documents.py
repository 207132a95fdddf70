"""An application on two platforms stands under the terms of both: what one of them does not permit is not done."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from policies.world import (
    Act,
    Answer,
    World,
    adds_recipient,
    hands_over,
    people_are_asked_about,
    play,
    registers,
    reports,
)

from broker.core.policy import Policy
from broker.policies import Policies, load_policies
from broker.store.database import Database

POLICIES = load_policies()
TERMS, SERVERS = POLICIES.governing("x"), POLICIES.governing("mastodon")
REFUSED, NOT_HANDED = "refused-by-terms", "redistribution-refused"


def another(**limits: int) -> Policy:
    """Return the terms of X as another platform's, with other numbers."""
    changed = {name.replace("_", "-"): number for name, number in limits.items()}
    return replace(TERMS, platform="y", limits={**TERMS.limits, **changed})


def is_on(*documents: Policy) -> Act:
    """Northwind is on the platforms of these documents, in this order."""

    def act(world: World) -> None:
        known = world.broker.policies.by_platform | {policy.platform: policy for policy in documents}
        world.broker = replace(world.broker, policies=Policies(known))
        platforms = tuple(policy.platform for policy in documents)
        world.client = replace(world.client, registration=replace(world.client.registration, platforms=platforms))

    return act


@pytest.mark.parametrize("documents", [(TERMS, SERVERS), (SERVERS, TERMS)])
def test_what_one_document_is_silent_about_is_not_handed_over(
    database_of_worlds: Database, documents: tuple[Policy, ...]
) -> None:
    begin = (is_on(*documents), adds_recipient())
    whole = {"by": "alice", "person": True}
    handed = [hands_over(), hands_over("user_ids"), hands_over("posts", **whole), hands_over("users", **whole)]
    answers = [play((*begin, act), database_of_worlds, TERMS).answer for act in handed]
    assert [NOT_HANDED] * len(handed) == answers


@pytest.mark.parametrize("documents", [(TERMS, SERVERS), (SERVERS, TERMS)])
def test_what_one_document_forbids_is_refused_by_its_clause(
    database_of_worlds: Database, documents: tuple[Policy, ...]
) -> None:
    acts = (is_on(*documents), adds_recipient(agreements={}))
    assert Answer("REDISTRIBUTE-5", NOT_HANDED) == play(acts, database_of_worlds, TERMS)


LOWER: Mapping[str, tuple[str, int, str, dict[str, object]]] = {
    "post ids": ("ids_per_recipient_30_days", 10, "post_ids", {}),
    "whole objects": ("hydrated_per_recipient_day", 10, "posts", {"by": "alice", "person": True}),
}


@pytest.mark.parametrize(("limit", "most", "objects", "how"), LOWER.values(), ids=LOWER.keys())
@pytest.mark.parametrize("first", [True, False])
def test_the_lowest_ceiling_counts(
    database_of_worlds: Database, limit: str, most: int, objects: str, how: dict[str, object], *, first: bool
) -> None:
    lower = another(**{limit: most})
    documents = (lower, TERMS) if first else (TERMS, lower)
    begin = (is_on(*documents), adds_recipient())
    whole = (*begin, hands_over(objects, most, **how))
    assert Answer("", "0 left") == play(whole, database_of_worlds, TERMS)
    refused = play((*whole, hands_over(objects, 1, **how)), database_of_worlds, TERMS)
    assert NOT_HANDED == refused.answer
    assert refused.clauses in {"REDISTRIBUTE-3", "REDISTRIBUTE-2"}


@pytest.mark.parametrize("documents", [(TERMS, SERVERS), (SERVERS, TERMS)])
def test_the_highest_floor_counts(database_of_worlds: Database, documents: tuple[Policy, ...]) -> None:
    floor = SERVERS.limit("report-cohort")
    few = play((is_on(*documents), people_are_asked_about(floor - 1), reports()), database_of_worlds, TERMS)
    assert REFUSED == few.answer
    assert {"SENSITIVE-2", "SERVER-5"} == set(few.clauses.split())
    enough = play((is_on(*documents), people_are_asked_about(floor), reports()), database_of_worlds, TERMS)
    assert Answer("", f"no_basis {floor}") == enough


def test_what_is_found_and_forbidden_by_nobody_is_held(database_of_worlds: Database) -> None:
    speaking = (registers(use_case="We predict which customers are pregnant."),)
    mute = replace(TERMS, clauses=tuple(it for it in TERMS.clauses if it.id != "SENSITIVE-1.health"))
    assert Answer("SENSITIVE-1.health", REFUSED) == play(speaking, database_of_worlds, TERMS)
    assert Answer("", "held") == play(speaking, database_of_worlds, mute)


def test_a_name_is_looked_at_for_what_is_plain_only(database_of_worlds: Database) -> None:
    named = (registers(client_name="Church and Sons", brands=("Debt Records",)),)
    assert Answer("", "registered") == play(named, database_of_worlds, TERMS)

"""A client learns nothing from what other clients have: not from an answer, and not from the statements behind it.

Two brokers live through the same deeds, except that what other clients did (consents, refusals, withdrawals, tags,
refused origins, messages, recipients, redistributions, decisions, suspensions, objections to them alone, idempotency
keys, being registered at all) is here in one and there in the other. Then one client sends both the same requests.
A *pair* is one request to one such pair of brokers; both answers must be the same in status, headers and body, byte for
byte, and come of the same statements. Other clients are of other owners, or a staging instance of the same: what one
owner's applications know of recipients they know together. ``MACHINES=long`` in the environment asks ten times as much.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from builders import NOON
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from machines.asking import DEEDS, PRESENT, REQUESTS, Names, Request
from machines.holes import the_terms
from machines.scene import ACCOUNTS, CARE, HANDLES, IDENTIFIERS
from machines.stage import open_database
from machines.tags import REFUSED, SOUND
from machines.worlds import BOTH, LEFT, RIGHT, Deed, World

from broker.store.database import Database

REQUESTS_A_WORLD = 50
WORLDS = 450 if os.environ.get("MACHINES") == "long" else 45
Two = tuple[Database, Database]
EVERYTHING = [
    Deed(kind=kind, number=number, account=0, identifier="email", detail=detail, where=RIGHT)
    for kind, detail in (("consent", 1), ("tag", 0), ("taint", 0), ("message", 0), ("decision", 0))
    for number in (1, 2, 3)
] + [Deed(kind="refusal", number=2, account=0, identifier="email", detail=0, where=RIGHT)]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Give two SQLite files, emptied for each pair of worlds."""
    folder = tmp_path_factory.mktemp("worlds")
    left, right = open_database(folder / "left.db"), open_database(folder / "right.db")
    yield left, right
    left.close()
    right.close()


def compare(databases: Two, present: Sequence[int], deeds: Sequence[Deed], requests: Sequence[Request]) -> int:
    """Build both worlds and send both the same; how many pairs that were."""
    terms = the_terms(report_cohort=1, ids_per_recipient_30_days=1000, contact_accounts_per_day=1)
    worlds = [World(rows, terms, side, present) for rows, side in zip(databases, (LEFT, RIGHT), strict=True)]
    try:
        for world in worlds:
            world.lives_through(deeds)
        names: Names = {kind: sorted(set().union(*(it.names[kind] for it in worlds))) for kind in worlds[0].names}
        for number, request in enumerate(requests):
            ask_both(worlds, number, request, names)
    finally:
        for world in worlds:
            world.close()
    return len(requests)


def ask_both(worlds: Sequence[World], number: int, request: Request, names: Names) -> None:
    for world in worlds:
        world.clock.passes(seconds=request.seconds)
    sent = request.sent(worlds[0], names)
    (left, by_left), (right, by_right) = (world.answers(number, *sent) for world in worlds)
    assert left.status < 500, f"{sent} fails: {left.body!r}"
    assert left == right, f"{sent} tells of others"
    assert by_left == by_right, f"{sent} asks the store otherwise"


def test_what_other_clients_have_changes_no_answer_and_no_statement(databases: Two) -> None:
    pairs = 0

    @settings(max_examples=WORLDS, deadline=None, phases=(Phase.reuse, Phase.generate), suppress_health_check=[])
    @given(
        present=PRESENT,
        deeds=st.lists(DEEDS, min_size=8, max_size=20),
        requests=st.lists(REQUESTS, min_size=REQUESTS_A_WORLD, max_size=REQUESTS_A_WORLD),
    )
    def in_any_world(present: tuple[int, ...], deeds: list[Deed], requests: list[Request]) -> None:
        nonlocal pairs
        pairs += compare(databases, present, deeds, requests)

    in_any_world()
    assert pairs >= 2000


def test_messages_of_other_clients_count_against_no_ceiling(databases: Two) -> None:
    # Few generated worlds come to it: both must hold consents that name contact, and the other must have sent.
    deeds = [
        Deed(kind=kind, number=number, account=number, identifier="email", detail=1, where=RIGHT)
        for kind, number in (("consent", 0), ("consent", 1), ("message", 1))
    ]
    asks = Request(kind="contact", account=0, identifier="email", purpose=CARE, tag=0, detail=3, keyed=False, seconds=0)
    assert 1 == compare(databases, (BOTH,) * 3, deeds, [asks])


ASKED_OF_NOBODY = (
    ("POST", "/v1/match", {"account": {"platform": "x", "id": ACCOUNTS[0]}, "purpose": CARE}),
    ("POST", "/v1/match", {"account": {"platform": "x", "handle": HANDLES[0]}, "purpose": CARE}),
    (
        "POST",
        "/v1/match",
        {"account": {"platform": "x", "id": ACCOUNTS[0]}, "purpose": CARE, "provenance": SOUND[0].stated([CARE])},
    ),
    (
        "POST",
        "/v1/associations",
        {"account": {"platform": "x", "id": ACCOUNTS[0]}, "provenance": REFUSED[0].stated([CARE])},
    ),
    ("POST", "/v1/contact/check", {"account": {"platform": "x", "id": ACCOUNTS[0]}}),
)


@pytest.mark.parametrize("asked", range(len(ASKED_OF_NOBODY)))
def test_an_account_that_others_know_reads_like_one_that_nobody_knows(databases: Two, asked: int) -> None:
    told = []
    for rows, side in zip(databases, (LEFT, RIGHT), strict=True):
        world = World(rows, the_terms(), side, (RIGHT,) * 3)
        # In one world three clients hold everything of the account; in the other nobody has ever seen it.
        if side == RIGHT:
            world.lives_through(EVERYTHING)
        world.clock.now = NOON + timedelta(days=1)
        method, path, body = ASKED_OF_NOBODY[asked]
        told.append(world.answers(0, method, path, {**body, "identifier": IDENTIFIERS["email"]}, None))
        world.close()
    assert told[0] == told[1]
    assert len(told[0][1]) > 5
    if path == "/v1/match" and "provenance" not in body:
        assert "no_basis" == told[0][0].json["context"]["reason"]

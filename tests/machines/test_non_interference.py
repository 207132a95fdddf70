"""A client learns nothing from what other clients have: not from an answer, and not from the statements behind it.

Two brokers live through the same deeds, except that what other clients did (consents, refusals, withdrawals, tags,
refused origins, messages, recipients, redistributions, decisions, suspensions, objections to them alone, idempotency
keys, streams, statements about events, being registered at all) is here in one and there in the other. What people,
platforms and time do is done in both: proofs, browsers' signals, new handles, accounts that vanish, consents that end.
Then one client sends both the same requests.
What it is pushed is an answer too.
A *pair* is one request to one such pair of brokers; both answers must be the same in status, headers and body, byte for
byte, and come of the same statements. Other clients are of other owners, or a staging instance of the same: what one
owner's applications know of recipients they know together. ``MACHINES=long`` in the environment asks ten times as much.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product
from random import Random

import pytest
from builders import NOON
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from machines.asking import (
    Names,
    Request,
    Sent,
    a_request,
    everything_told,
    polled_again,
    some_deeds,
    who_is_there,
)
from machines.holes import the_terms
from machines.listening import named_in
from machines.scene import ACCOUNTS, CARE, HANDLES, IDENTIFIERS
from machines.stage import Answer, open_database
from machines.tags import REFUSED, SOUND
from machines.worlds import BOTH, LEFT, RIGHT, Deed, World

from broker.store.database import Database

REQUESTS_A_WORLD = 48
WORLDS = 400 if os.environ.get("MACHINES") == "long" else 40
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
        left, right = (world.names for world in worlds)
        assert left["own event"] == right["own event"], "what is told tells of others"
        names: Names = {kind: sorted(left[kind] | right[kind]) for kind in left}
        for number, request in enumerate(requests):
            ask_both(worlds, number, request, names)
        return len(requests) + hear_both(worlds)
    finally:
        for world in worlds:
            world.close()


def ask_both(worlds: Sequence[World], number: int, request: Request, names: Names) -> None:
    for world in worlds:
        world.clock.passes(seconds=request.seconds)
    answer = same_answer(worlds, number, request.sent(worlds[0], names))
    if request.kind == "action" and answer.status == 201:
        names["action"].append(named_in(answer))


def hear_both(worlds: Sequence[World]) -> int:
    """Fetch all that the client is told of in the end, the order included; how many polls that took."""
    same_answer(worlds, REQUESTS_A_WORLD, polled_again(worlds[0]))
    told: list[str] = []
    for count in range(1, 1000):
        answer = same_answer(worlds, REQUESTS_A_WORLD + count, everything_told(worlds[0], told))
        told = list(answer.json["sets"])
        if not told:
            return count
    raise AssertionError("it never ends")


def same_answer(worlds: Sequence[World], number: int, sent: Sent) -> Answer:
    """Send both the same, and hold that both do and say the same."""
    (left, by_left), (right, by_right) = (world.answers(number, *sent) for world in worlds)
    assert left.status < 500, f"{sent} fails: {left.body!r}"
    assert left == right, f"{sent} tells of others"
    assert by_left == by_right, f"{sent} asks the store otherwise"
    return left


def test_what_other_clients_have_changes_no_answer_and_no_statement(databases: Two) -> None:
    pairs = 0

    # Drawn by dice of its own: what is drawn as one list of many strategies is too much alike.
    @settings(max_examples=WORLDS, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(seed=st.integers(0, 2**64))
    def in_any_world(seed: int) -> None:
        nonlocal pairs
        rng = Random(seed)  # noqa: S311 - a test wants its run again, not secrecy
        requests = [a_request(rng) for _ in range(REQUESTS_A_WORLD)]
        pairs += compare(databases, who_is_there(rng), some_deeds(rng), requests)

    in_any_world()
    assert pairs >= 2000


def test_messages_of_other_clients_count_against_no_ceiling(databases: Two) -> None:
    # Few generated worlds come to it: both must hold consents that name contact, and the other must have sent.
    deeds = [
        Deed(kind=kind, number=number, account=number, identifier="email", detail=1, where=RIGHT)
        for kind, number in (("consent", 0), ("consent", 1), ("message", 1))
    ]
    asks = Request(kind="contact", account=0, identifier="email", purpose=CARE, tag=0, detail=3, keyed=False, seconds=0)
    compare(databases, (BOTH,) * 3, deeds, [asks])


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


#: What comes to an account that the asking client has a tag of, and another a consent: what it hears must be the same.
COMES = {"a signal": ("signal", 0), "it is gone": ("sighting", 2), "it is back": ("sighting", 1), "time": ("time", 2)}


@pytest.mark.parametrize(("kind", "detail"), COMES.values(), ids=COMES.keys())
@pytest.mark.parametrize("own", ["tag", "consent"])
def test_what_comes_to_an_account_says_nothing_of_who_else_knows_it(
    databases: Two, own: str, kind: str, detail: int
) -> None:
    whole = {"account": 0, "identifier": "email", "where": RIGHT}
    begins = [Deed(kind=own, number=0, detail=1, **whole)]
    others = [Deed(kind=it, number=number, detail=1, **whole) for it in ("stream", "consent") for number in (1, 2, 3)]
    signs_in = Deed(kind="refusal", number=2, account=0, identifier="number", detail=0, where=BOTH)
    comes = [Deed(kind="sighting", number=0, detail=2, **whole)] * (detail == 1) + [
        Deed(kind=kind, number=0, detail=detail, **whole)
    ]
    asks = [
        Request(kind="match", account=0, identifier=it, purpose=purpose, tag=0, detail=0, keyed=False, seconds=0)
        for it, purpose in product(("email", "number"), (CARE, "direct-marketing"))
    ]
    compare(databases, (BOTH,) * 3, [signs_in, *begins, *others, *comes], asks)

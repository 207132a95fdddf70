"""Passing content on: who may receive it, and how much, to the last object."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness import wire
from harness.business import AGREEMENTS, PAPERS, Business
from harness.running import RunningBroker

POST_IDS = 1_500_000
CLIENTS = 100
ON_SQLITE = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")
ACADEMIC = {"institution": "Northern University", "statement": "Research of no commercial interest."}


def day(days: int) -> str:
    """Return a day, so many from today."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def refused(answer: Any) -> tuple[int, bool, list[str]]:  # noqa: ANN401 (a requests answer)
    """Return status, whether it is a problem, and the clauses."""
    return answer.status_code, wire.is_problem(answer), answer.json().get("clauses", [])


@pytest.fixture(scope="module")
def shops(broker: RunningBroker) -> list[Business]:
    """Register two applications of one owner, each with a purpose of its own."""
    owner = wire.fresh("Owner of several ")
    return [broker.business(owner=owner, purposes=[purpose]) for purpose in ("customer-care", "newsletter")]


@ON_SQLITE
def test_ids_are_counted_and_what_remains_is_said(business: Business) -> None:
    recipient = business.recipient()
    first, second = (business.hand_over(recipient, count) for count in (1000, 400))
    assert (201, POST_IDS - 1000) == (first.status_code, first.json()["remaining"])
    assert {"id", "remaining", "window_ends"} == second.json().keys()
    assert POST_IDS - 1400 == second.json()["remaining"]
    ends = datetime.fromisoformat(first.json()["window_ends"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < ends <= timedelta(days=30)
    assert first.json()["window_ends"][:16] == second.json()["window_ends"][:16]


@ON_SQLITE
def test_the_last_id_goes_and_the_next_does_not(business: Business) -> None:
    recipient = business.recipient()
    assert 201 == business.hand_over(recipient, POST_IDS - 1).status_code
    assert (409, True, ["REDISTRIBUTE-3"]) == refused(business.hand_over(recipient, 2))
    assert (201, 0) == (business.hand_over(recipient, 1).status_code, 0)
    assert (409, True, ["REDISTRIBUTE-3"]) == refused(business.hand_over(recipient, 1))
    assert 201 == business.hand_over(recipient, 7, "user_ids").status_code
    assert (409, True, ["REDISTRIBUTE-3"]) == refused(business.hand_over(business.recipient(), POST_IDS + 1))


@ON_SQLITE
@pytest.mark.parametrize("kind", ["posts", "users"])
def test_whole_objects_are_not_handed_over_by_a_program(business: Business, kind: str) -> None:
    for papers in ({}, {"academic": ACADEMIC}, {"permission": {"reference": "letter 7", "until": day(30)}}):
        answer = business.hand_over(business.recipient(**papers), 1, kind)
        assert (409, True, ["REDISTRIBUTE-2"]) == refused(answer)


@ON_SQLITE
def test_an_academic_recipient_goes_uncounted(business: Business) -> None:
    recipient = business.recipient(academic=ACADEMIC)
    for _ in range(2):
        answer = business.hand_over(recipient, POST_IDS)
        assert (201, None) == (answer.status_code, answer.json()["remaining"])


@ON_SQLITE
@pytest.mark.parametrize("academic", [{}, {"institution": "Northern University"}, {"statement": "Free."}])
def test_an_academic_recipient_names_its_institution_and_says_its_word(
    business: Business, academic: dict[str, str]
) -> None:
    assert (409, True, ["REDISTRIBUTE-4"]) == refused(business.add_recipient(academic=academic))


@ON_SQLITE
def test_a_written_permission_lifts_the_ceiling_until_its_day(business: Business) -> None:
    until_today = {"permission": {"reference": "letter 7", "until": day(0)}}
    recipient = business.recipient(**until_today)
    assert [201, 201] == [business.hand_over(recipient, POST_IDS).status_code for _ in range(2)]
    past = business.recipient(permission={"reference": "letter 7", "until": day(-1)})
    assert 201 == business.hand_over(past, POST_IDS).status_code
    assert (409, True, ["REDISTRIBUTE-3"]) == refused(business.hand_over(past, 1))


@ON_SQLITE
@pytest.mark.parametrize("paper", PAPERS)
def test_a_recipient_has_agreed_to_every_paper_first(business: Business, paper: str) -> None:
    lacking = {name: when for name, when in AGREEMENTS.items() if name != paper}
    for agreements in (lacking, {**lacking, paper: day(1)}):
        assert (409, True, ["REDISTRIBUTE-5"]) == refused(business.add_recipient(agreements=agreements))
    assert 201 == business.add_recipient(agreements={**lacking, paper: day(0)}).status_code


@ON_SQLITE
def test_a_name_again_is_the_same_recipient_with_newer_papers(business: Business) -> None:
    name = wire.fresh("Institute ")
    first = business.recipient(name=name)
    assert 201 == business.hand_over(first, POST_IDS).status_code
    assert first == business.recipient(name=name.upper(), academic=ACADEMIC)
    assert 201 == business.hand_over(first, 1).status_code
    assert first == business.recipient(name=name)
    assert (409, True, ["REDISTRIBUTE-3"]) == refused(business.hand_over(first, 1))


@ON_SQLITE
def test_a_recipient_of_another_owner_reads_like_none(business: Business, other_business: Business) -> None:
    recipient = business.recipient()

    def read(recipient_id: str) -> tuple[int, dict[str, Any]]:
        answer = other_business.hand_over(recipient_id, 1)
        return answer.status_code, {**answer.json(), "instance": "any"}

    assert read(recipient) == read("a" * 26)
    assert 404 == read(recipient)[0]


@ON_SQLITE
def test_applications_of_one_owner_share_a_recipient_and_its_ledger(shops: list[Business]) -> None:
    name = wire.fresh("Institute ")
    recipient, same = (shop.recipient(name=name) for shop in shops)
    assert recipient == same
    assert [201, 201] == [shop.hand_over(recipient, POST_IDS // 2).status_code for shop in shops]
    assert [(409, True, ["REDISTRIBUTE-3"])] * 2 == [refused(shop.hand_over(recipient, 1)) for shop in shops]


@pytest.mark.parametrize("left", [1, 7])
def test_of_a_hundred_clients_that_race_for_the_last_objects_each_object_goes_once(
    shops: list[Business], left: int
) -> None:
    recipient = shops[0].recipient()
    assert 201 == shops[0].hand_over(recipient, POST_IDS - left).status_code
    for shop in shops:
        shop.client_token("redistribute")

    def take(number: int) -> tuple[int, tuple[str, ...]]:
        answer = shops[number % len(shops)].hand_over(recipient, 1)
        return answer.status_code, tuple(answer.json().get("clauses", ()))

    with ThreadPoolExecutor(CLIENTS) as racers:
        answers = Counter(racers.map(take, range(CLIENTS)))
    assert {(201, ()): left, (409, ("REDISTRIBUTE-3",)): CLIENTS - left} == answers


def test_racing_handovers_of_many_never_go_over_and_never_stop_short(shops: list[Business]) -> None:
    recipient, size = shops[0].recipient(), 100_000
    with ThreadPoolExecutor(16) as racers:
        answers = list(racers.map(lambda n: shops[n % len(shops)].hand_over(recipient, size), range(24)))
    remaining = sorted(answer.json()["remaining"] for answer in answers if answer.status_code == 201)
    assert list(range(0, POST_IDS, size)) == remaining


def test_a_recipient_that_is_recorded_many_times_at_once_is_one(shops: list[Business]) -> None:
    name = wire.fresh("Institute ")
    with ThreadPoolExecutor(12) as racers:
        ids = set(racers.map(lambda n: shops[n % len(shops)].recipient(name=name), range(24)))
    assert 1 == len(ids)

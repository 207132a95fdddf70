"""The arithmetic of budgets, held against a bucket in which tokens are really counted."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.core.budget import ABSURD, DEEPEST, FULL, SECOND, Allowance, Budget, Limits, taken, taken_at_once, waits

NOW = 1_795_000_000 * SECOND
BUDGETS = st.builds(
    lambda rate, store: Budget.of(per_minute=rate, store=store), st.integers(1, 2_000_000), st.integers(1, 5_000)
)
LIMITS = st.builds(Limits, *(st.one_of(st.just(Budget()), BUDGETS) for _ in range(3)))
#: Steps of time in nanoseconds, and how much is asked then.
STEPS = st.lists(st.tuples(st.integers(0, 90 * SECOND), st.integers(0, 6_000)), max_size=30)


class Bucket:
    """Tokens that are counted, as fractions, up to a store's size; what is owed is less than none, a day's at most."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.tokens = budget, Fraction(budget.store)

    def passes(self, length: int) -> None:
        """Let so many nanoseconds bring tokens back."""
        self.tokens = min(Fraction(self.budget.store), self.tokens + Fraction(length, self.budget.cost))

    def gives(self, number: int) -> bool:
        """Take so many if they are there; of more than the store holds, if it is full."""
        there = self.tokens >= min(number, self.budget.store)
        self.tokens = max(self.tokens - (number if there else 0), Fraction(-DEEPEST, self.budget.cost))
        return there


@example(Budget.of(per_minute=1, store=1), [(0, 1442), (0, 0)])
@given(BUDGETS, STEPS)
def test_one_number_says_all_that_a_bucket_of_tokens_says(budget: Budget, steps: list[tuple[int, int]]) -> None:
    bucket, full_at, now = Bucket(budget), 0, NOW
    for length, number in steps:
        now += length
        bucket.passes(length)
        wait = budget.wait(full_at, now, number)
        if bucket.gives(number):
            assert wait <= 0
            full_at = budget.after(full_at, now, number)
        else:
            assert budget.wait(full_at, now + wait - 1, number) == 1, "a moment sooner would be too soon"
            assert budget.wait(full_at, now + wait, number) == 0
        assert max(0, bucket.tokens // 1) == budget.left(full_at, now)


@given(LIMITS, st.lists(st.tuples(st.integers(0, 9 * SECOND), st.integers(0, 3), st.integers(0, 9_000)), max_size=12))
def test_the_quick_way_takes_what_the_long_way_takes_and_nothing_else(
    limits: Limits, steps: list[tuple[int, int, int]]
) -> None:
    levels, now = FULL, NOW
    for length, requests, items in steps:
        now += length
        quick = taken_at_once(limits, levels, now, requests, items)
        fits = max(waits(limits, levels, now, requests=requests, items=items)) <= 0
        after = taken(limits, levels, now, requests=requests, items=items)
        assert quick is None or (fits and quick == after)
        levels = after if fits else levels
        levels = taken(limits, levels, now, misses=items // 3)


@given(st.integers(1, 2_000_000), st.integers(1, 5_000))
def test_a_rate_is_never_more_than_was_said_and_a_nanosecond_a_token_less_at_most(rate: int, store: int) -> None:
    budget = Budget.of(per_minute=rate, store=store)
    assert (budget.cost - 1) * rate < 60 * SECOND <= budget.cost * rate
    assert store == budget.store


def test_more_than_a_store_holds_is_given_when_it_is_full_and_owed_afterwards() -> None:
    budget = Budget.of(per_minute=60, store=10)
    owed = budget.after(0, NOW, 25)
    assert (0, 0) == (max(0, budget.wait(0, NOW, 25)), budget.left(owed, NOW + 15 * SECOND))
    assert (16 * SECOND, 1) == (budget.wait(owed, NOW, 1), budget.left(owed, NOW + 16 * SECOND))


def test_nobody_owes_more_than_a_day() -> None:
    budget = Budget.of(per_minute=1, store=10)
    owed = budget.after(0, NOW, 10**6)
    assert DEEPEST + budget.cost == budget.wait(owed, NOW, 1)
    assert owed == budget.after(owed, NOW, 10**6)


def test_a_clock_that_was_set_back_shuts_nobody_out_for_longer_than_two_days() -> None:
    budget = Budget.of(per_minute=60, store=10)
    of_another_year = NOW + 10**9 * SECOND
    assert (0, 10) == (budget.wait(of_another_year, NOW, 10), budget.left(of_another_year, NOW))
    of_the_day_after = NOW + budget.span + ABSURD
    assert ABSURD + SECOND == budget.wait(of_the_day_after, NOW, 1)


def test_without_a_limit_nothing_is_waited_for_whatever_lies_there_from_before() -> None:
    levels = (NOW + 5 * SECOND,) * 3
    assert (0, 0, 0) == waits(Limits(), levels, NOW, requests=1, items=10**6)
    assert (None, None, None) == Allowance(Limits(), levels, NOW).left


@pytest.mark.parametrize("spent", [0, 1, 2])
def test_each_budget_is_waited_for_by_itself(spent: int) -> None:
    one = Budget.of(per_minute=60, store=1)
    levels = tuple(NOW + one.span if number == spent else 0 for number in range(3))
    longest = waits(Limits(one, one, one), levels, NOW, requests=1, items=1)  # type: ignore[arg-type] # three of them
    assert [spent] == [number for number, wait in enumerate(longest) if wait > 0]


def test_misses_are_asked_for_by_items_alone() -> None:
    one = Budget.of(per_minute=60, store=1)
    levels = (0, 0, NOW + one.span)
    assert 0 == max(waits(Limits(one, one, one), levels, NOW, requests=1, items=0))

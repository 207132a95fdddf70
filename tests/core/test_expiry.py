"""When something comes to a consent by itself."""

from datetime import timedelta

import pytest
from core.records import NOW
from hypothesis import given
from hypothesis import strategies as st

from broker.core.expiry import AHEAD, due_after, reminders

LIVES = st.integers(min_value=1, max_value=3653).map(lambda days: timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "before"),
    [(365, (30, 7)), (60, (30, 7)), (40, (20, 7)), (14, (7,)), (10, (5,)), (1, (0.5,))],
)
def test_a_client_is_told_thirty_and_seven_days_ahead_or_at_half_of_a_shorter_life(
    days: float, before: tuple[float, ...]
) -> None:
    until = NOW + timedelta(days=days)
    assert tuple(until - timedelta(days=it) for it in before) == reminders(NOW, until)


@given(LIVES, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_what_comes_next_comes_later_or_is_the_end(life: timedelta, later: timedelta) -> None:
    until, moment = NOW + life, NOW + later
    due = due_after(moment, given_at=NOW, valid_until=until)
    assert due in (*reminders(NOW, until), until)
    assert due > moment or due == until
    assert not any(moment < at < due for at in reminders(NOW, until))


@given(LIVES)
def test_nobody_is_told_in_the_first_half_of_a_life_or_at_its_end(life: timedelta) -> None:
    told = reminders(NOW, NOW + life)
    assert 1 <= len(told) <= len(AHEAD)
    assert all(NOW + life / 2 <= at < NOW + life for at in told)

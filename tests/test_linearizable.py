"""The checker of histories, on histories that are known to be good and known to be bad."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from linearizable import Act, Object, linearizable


def register(state: int, act: Act) -> int | None:
    """A register: `w3` writes 3, `r` answers what it holds."""
    if act.name.startswith("w"):
        return int(act.name[1:])
    return state if act.answer == state else None


REGISTER = Object(0, register)


def wrote(value: int, called: float, returned: float = float("inf")) -> Act:
    return Act(f"w{value}", None, called, returned)


def read(value: int, called: float, returned: float) -> Act:
    return Act("r", value, called, returned)


GOOD = {
    "nothing": [],
    "one after the other": [wrote(1, 0, 1), read(1, 2, 3)],
    "a read beside a write sees the old": [wrote(1, 0, 5), read(0, 1, 2)],
    "a read beside a write sees the new": [wrote(1, 0, 5), read(1, 1, 2)],
    "two writes beside each other in either order": [wrote(1, 0, 5), wrote(2, 0, 5), read(1, 6, 7)],
    "a write that was never answered happened": [wrote(1, 0), read(1, 1, 2)],
    "a write that was never answered did not happen": [wrote(1, 0), read(0, 1, 2)],
    "a write that was never answered happened late": [wrote(1, 0), read(0, 1, 2), read(1, 3, 4)],
}
BAD = {
    "a read of what was overwritten": [wrote(1, 0, 1), read(0, 2, 3)],
    "a read of what nobody wrote": [read(1, 0, 1)],
    "the new and then the old again": [wrote(1, 0, 9), read(1, 1, 2), read(0, 3, 4)],
    "two readers who disagree on the order": [
        wrote(1, 0, 9), wrote(2, 0, 9), read(1, 10, 11), read(2, 12, 13),
    ],
    "a write that was never answered is undone": [wrote(1, 0), read(1, 1, 2), read(0, 3, 4)],
}  # fmt: skip


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD.keys())
def test_a_good_history_is_good(history: list[Act]) -> None:
    assert linearizable(history, REGISTER)


@pytest.mark.parametrize("history", BAD.values(), ids=BAD.keys())
def test_a_bad_history_is_bad(history: list[Act]) -> None:
    assert not linearizable(history, REGISTER)


def by_all_orders(history: list[Act]) -> bool:
    """The definition, word for word: some order that respects time and the register."""
    for order in permutations(history):
        state: int | None = 0
        in_time = all(not later.returned < earlier.called for at, earlier in enumerate(order) for later in order[at:])
        for act in order:
            state = None if state is None else register(state, act)
        if in_time and state is not None:
            return True
    return False


def test_it_agrees_with_the_definition_on_many_small_histories() -> None:
    rng, verdicts = Random(5), []  # noqa: S311 - the same histories in every run
    for _ in range(400):
        history = []
        for _ in range(rng.randint(1, 5)):
            called, length, value = rng.randint(0, 9), rng.randint(1, 4), rng.randint(0, 2)
            make = wrote if rng.random() < 0.4 else read
            history.append(make(value, called, called + length - 0.5))
        verdicts.append(linearizable(history, REGISTER))
        assert verdicts[-1] == by_all_orders(history)
    assert 50 < sum(verdicts) < 350


def test_a_long_history_of_many_hands_is_judged_quickly() -> None:
    history = [wrote(number % 3, number, number + 4) for number in range(400)]
    history += [read(number % 3, number + 3.5, number + 4.5) for number in range(0, 400, 2)]
    assert linearizable(history, REGISTER)
    assert not linearizable([*history, read(7, 500, 501)], REGISTER)

"""Whether a history could have happened one act after the other, each at a moment between its call and its answer.

Wing and Gong's search ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of what was tried
("Testing for linearizability", 2017): acts that are done, and the state they lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True)
class Act:
    """What one client did. Without an answer it may have happened at any time since its call, or not at all."""

    name: str
    answer: object
    called: float
    returned: float = inf

    @property
    def known(self) -> bool:
        """Whether it was answered."""
        return self.returned < inf


@dataclass(frozen=True)
class Object(Generic[State]):
    """What acts are done to: how it begins; and what an act leads to, or None when its answer cannot be given then."""

    begins: State
    step: Callable[[State, Act], State | None]


def linearizable(history: Sequence[Act], of: Object[State]) -> bool:
    """Whether some order of *history* that respects time is one that the object allows."""
    acts = sorted(history, key=lambda act: act.called)
    known = sum(1 << place for place, act in enumerate(acts) if act.known)
    tried: set[tuple[int, State]] = set()
    open_ = [(0, of.begins)]
    while open_:
        done, state = open_.pop()
        if done & known == known:
            return True
        if (done, state) in tried:
            continue
        tried.add((done, state))
        for place in _may_be_next(acts, done):
            led = of.step(state, acts[place])
            if led is not None:
                open_.append((done | 1 << place, led))
    return False


def _may_be_next(acts: Sequence[Act], done: int) -> list[int]:
    """The acts that were called before any that is left had returned."""
    left, first_return = [], inf
    for place, act in enumerate(acts):
        if done >> place & 1:
            continue
        if act.called > first_return:
            break
        left.append(place)
        first_return = min(first_return, act.returned)
    return left

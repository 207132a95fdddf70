"""What clients may still ask, counted together by every worker: see ``core/budget`` for the arithmetic.

Counting is never part of a request's own transaction: what was taken stays taken when that is undone, and nobody waits
for another's commit.
"""

from __future__ import annotations

from typing import Protocol

from broker.core.budget import SECOND, Allowance, Levels, Limits, taken, taken_at_once, waits
from broker.errors import TooManyRequests

#: The names of the budgets, as RateLimit-Policy tells them.
NAMES = Limits._fields


class Budgets(Protocol):
    """The budgets of all clients. No call reads or writes another client's than the one that it names."""

    @property
    def limits(self) -> Limits:
        """How large they are; the same for each client."""

    def take(self, client_id: str, *, requests: int = 1, items: int = 0, misses: int = 0) -> Allowance:
        """Take so much, all of it or nothing: then :class:`TooManyRequests` says how long to wait.

        Items are not given either while the budget of misses is spent. How many of the items are *misses*, where that
        is known already, is noted with them. ``Unavailable`` where it cannot be counted.
        """

    def note(self, client_id: str, *, requests: int = 0, misses: int = 0) -> Allowance:
        """Take what has happened already, or must; what is not there is owed."""

    def close(self) -> None:
        """Give back what counting needs."""


class Unlimited:
    """No limits, and nothing is counted."""

    limits = Limits()

    def take(self, client_id: str, *, requests: int = 1, items: int = 0, misses: int = 0) -> Allowance:  # noqa: ARG002 - the protocol's
        """As much as anybody likes."""
        return Allowance()

    def note(self, client_id: str, *, requests: int = 0, misses: int = 0) -> Allowance:  # noqa: ARG002 - likewise
        """As much as anybody likes."""
        return Allowance()

    def close(self) -> None:
        """There is nothing to give back."""


def take_from(limits: Limits, levels: Levels, now: int, *, requests: int, items: int) -> Levels:
    """The levels once so much was taken, or :class:`TooManyRequests`."""
    after = taken_at_once(limits, levels, now, requests, items)
    if after is not None:
        return after
    longest = waits(limits, levels, now, requests=requests, items=items)
    if max(longest) > 0:
        raise refusal(limits, levels, now, longest)
    return taken(limits, levels, now, requests=requests, items=items)


def refusal(limits: Limits, levels: Levels, now: int, longest: Levels) -> TooManyRequests:
    """What is said to who must wait so long; in whole seconds, and in none that is too early."""
    return TooManyRequests(
        spent=tuple(name for name, wait in zip(NAMES, longest, strict=True) if wait > 0),
        retry_after=max(1, -(-max(longest) // SECOND)),
        left=Allowance(limits, levels, now).left,
    )

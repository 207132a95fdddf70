"""What a client may ask: so much a minute of each kind, and what it did not ask is saved up to a store's size.

A bucket of tokens, whose whole state is one number: the moment at which it is full again (the generic cell rate
algorithm, ITU-T I.371). To take moves that moment on by what the taken tokens need to come back. Whoever dies while it
writes one number leaves the old one or the new one. Moments are whole nanoseconds of any clock.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000
_MINUTE, _DAY = 60 * SECOND, 86_400 * SECOND
#: A bucket is never deeper in debt than this many nanoseconds.
DEEPEST = _DAY
#: What seems to be deeper in debt than this is a clock that was set back: that debt is nobody's.
ABSURD = 2 * DEEPEST
#: What a store holds at most, in minutes of its rate: a year's. What is stored fits 64 bits.
LONGEST = 366 * 24 * 60


class Budget(NamedTuple):
    """``cost`` is how long one token takes to come back, ``span`` how long a whole store; zeros are no limit."""

    cost: int = 0
    span: int = 0

    @classmethod
    def of(cls, *, per_minute: int, store: int) -> Budget:
        """So many tokens a minute, rounded down to whole nanoseconds a token, and so many at once."""
        cost = -(-_MINUTE // per_minute)
        return cls(cost, store * cost)

    def since(self, full_at: int, now: int) -> int:
        """Where counting begins: no sooner than now, since a full bucket gets no fuller."""
        return now if full_at > now + self.span + ABSURD else max(full_at, now)

    def wait(self, full_at: int, now: int, number: int) -> int:
        """How long until *number* can be taken. More than a store holds can be taken whenever it is full."""
        return self.since(full_at, now) + min(number * self.cost, self.span) - now - self.span if self.cost else 0

    def after(self, full_at: int, now: int, number: int) -> int:
        """The state after *number* were taken, whether or not they were there: the rest is owed, a day's at most."""
        return min(self.since(full_at, now) + number * self.cost, now + self.span + DEEPEST)

    def left(self, full_at: int, now: int) -> int | None:
        """Whole tokens that are there; None where there is no limit."""
        cost, span = self
        taken = full_at - now
        if not cost or taken <= 0 or taken > span + ABSURD:
            return self.store if cost else None
        return max(0, span - taken) // cost

    @property
    def store(self) -> int:
        """Tokens of a full store."""
        return self.span // self.cost if self.cost else 0


class Limits(NamedTuple):
    """The budgets of each client: requests, the items in them, and items about accounts that it has nothing on."""

    requests: Budget = Budget()
    items: Budget = Budget()
    misses: Budget = Budget()


#: How the buckets of one client stand, in the order of its limits: of each the moment at which it is full again. Where
#: nothing was ever taken, that was long ago.
Levels = tuple[int, int, int]
FULL: Levels = (0, 0, 0)


class Allowance(NamedTuple):
    """How the buckets of one client stood at one moment; what is left in them is worked out when it is asked."""

    limits: Limits = Limits()
    levels: Levels = FULL
    now: int = 0

    @property
    def left(self) -> tuple[int | None, int | None, int | None]:
        """Whole tokens of each, in the order of the limits; None where there is no limit."""
        (requests, items, misses), (of_requests, of_items, of_misses), now = self
        return requests.left(of_requests, now), items.left(of_items, now), misses.left(of_misses, now)


def taken_at_once(limits: Limits, levels: Levels, now: int, requests: int, items: int) -> Levels | None:
    """The levels once so much was taken; None where it cannot be taken plainly, and :func:`waits` must be asked.

    What every match goes through, written out: a call for each bucket would cost more than all the rest.
    """
    (request_cost, request_span), (item_cost, item_span), (miss_cost, miss_span) = limits
    of_requests, of_items, of_misses = levels
    of_requests = max(now, of_requests) + requests * request_cost
    of_items = max(now, of_items) + items * item_cost
    of_misses = max(now, of_misses)
    if of_requests - now > request_span or of_items - now > item_span or of_misses + miss_cost - now > miss_span:
        return None
    return of_requests, of_items, of_misses


def waits(limits: Limits, levels: Levels, now: int, *, requests: int, items: int) -> Levels:
    """How long until so much can be taken, budget for budget, in nanoseconds; none above 0 where it can be now.

    Which items will be misses nobody knows before they are decided: items wait until there is one miss at least.
    """
    of_requests, of_items, of_misses = levels
    return (
        limits.requests.wait(of_requests, now, requests) if requests else 0,
        limits.items.wait(of_items, now, items) if items else 0,
        limits.misses.wait(of_misses, now, 1) if items else 0,
    )


def taken(limits: Limits, levels: Levels, now: int, *, requests: int = 0, items: int = 0, misses: int = 0) -> Levels:
    """The levels once so much was taken, whether or not it was there."""
    of_requests, of_items, of_misses = levels
    return (
        limits.requests.after(of_requests, now, requests),
        limits.items.after(of_items, now, items),
        limits.misses.after(of_misses, now, misses),
    )

"""Budgets counted ahead: a worker takes a few tokens more than it is asked, and gives the next few away by itself.

So a single question seldom waits for a statement. It stays exact: what a worker gives away it has taken, and never more
passes than the budget; what it has taken and not given away it brings back with its next statement. That is a
ten-thousandth of a store at most, a process that is killed loses no more of it, and small stores have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic

from broker.core.budget import Allowance, Limits
from broker.errors import TooManyRequests
from broker.store.budget_rows import Counts, RowBudgets

#: Tokens that are taken ahead at most, and what part of a store.
_MOST, _PART = 64, 10_000
#: Seconds after which what was taken ahead is brought back before more is given away: so old is what is told at most.
_FRESH = 1.0


@dataclass
class _Purse:
    """What one worker holds of one client's: tokens to give away, misses to report, and how all stood."""

    requests: int = 0
    items: int = 0
    misses: int = 0
    until: float = 0.0
    last: Allowance | None = None


class AheadBudgets:
    """Budgets in *rows*, of which this process takes some ahead."""

    def __init__(self, rows: RowBudgets) -> None:
        self.limits: Limits = rows.limits
        self._rows, self._ahead = rows, ahead_of(rows.limits)
        self._lock, self._purses = Lock(), dict[str, _Purse]()

    def take(self, client_id: str, *, requests: int = 1, items: int = 0, misses: int = 0) -> Allowance:
        """See :class:`Budgets`."""
        allowance = self._taken_of(client_id, requests, items)
        return self.note(client_id, misses=misses) if misses else allowance

    def _taken_of(self, client_id: str, requests: int, items: int) -> Allowance:
        if not self._ahead:
            return self._rows.take(client_id, requests=requests, items=items)
        with self._lock:
            purse = self._purses.setdefault(client_id, _Purse())
            if purse.last and purse.requests >= requests and purse.items >= items and monotonic() < purse.until:
                purse.requests -= requests
                purse.items -= items
                return purse.last
            held = _emptied(purse)
        return self._refilled(client_id, purse, held, Counts(requests, items))

    def note(self, client_id: str, *, requests: int = 0, misses: int = 0) -> Allowance:
        """See :class:`Budgets`. A few misses are reported together, and with them what is left is asked anew."""
        if not self._ahead:
            return self._rows.note(client_id, requests=requests, misses=misses)
        with self._lock:
            purse = self._purses.setdefault(client_id, _Purse())
            purse.misses += misses
            if purse.last and not requests and purse.misses < self._ahead:
                return purse.last
            owed, purse.misses, purse.until = purse.misses, 0, 0.0
        return self._rows.note(client_id, requests=requests, misses=owed)

    def close(self) -> None:
        """Bring back what was taken ahead, and report what was not yet."""
        for client_id, purse in self._purses.items():
            held = _emptied(purse)
            self._rows.note(client_id, requests=-held.requests, items=-held.items, misses=held.misses)
        self._rows.close()

    def _refilled(self, client_id: str, purse: _Purse, held: Counts, asked: Counts) -> Allowance:
        """Take what is *asked* and some ahead, bringing back what was *held*; or just what is asked."""
        try:
            allowance, ahead = self._taken(client_id, held, asked)
        except TooManyRequests:
            self._put(purse, held)  # after any other failure nobody knows who has it: then it is nobody's
            raise
        self._put(purse, Counts(ahead, ahead))
        purse.until, purse.last = monotonic() + _FRESH, allowance
        return allowance

    def _taken(self, client_id: str, held: Counts, asked: Counts) -> tuple[Allowance, int]:
        try:
            return self._rows.take_for(client_id, asked, held, ahead=self._ahead), self._ahead
        except TooManyRequests:
            return self._rows.take_for(client_id, asked, held), 0

    def _put(self, purse: _Purse, more: Counts) -> None:
        with self._lock:
            purse.requests += more.requests
            purse.items += more.items
            purse.misses += more.misses


def ahead_of(limits: Limits) -> int:
    """How many tokens are taken ahead: none of a store so small that it would be felt."""
    return min([_MOST, *(limit.store // _PART for limit in limits if limit.cost)])


def _emptied(purse: _Purse) -> Counts:
    held = Counts(purse.requests, purse.items, purse.misses)
    purse.requests = purse.items = purse.misses = 0
    return held

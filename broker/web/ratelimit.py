"""RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10): how large budgets are, and what is left.

A store of q tokens fills in w seconds. ``broker-unit`` says what is counted where that is not requests: the draft's own
parameter for it knows no items.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from broker.core.budget import SECOND, Budget, Limits

_UNIT = {"requests": "", "items": ';broker-unit="items"', "misses": ';broker-unit="items"'}


def policy_text(limits: Limits) -> str:
    """How large the budgets are; empty where nothing is limited."""
    return ", ".join(
        f'"{name}";q={limit.store};w={-(-limit.span // SECOND)}{_UNIT[name]}'
        for name, limit in limits._asdict().items()
        if limit.cost
    )


def left_text(limits: Limits, left: Sequence[int | None], *, spent: Collection[str] = (), seconds: int = 0) -> str:
    """What is left of each; of those that are *spent*, also in how many seconds there is enough of it.

    Told in hundredths of the store: two answers in a row read alike, whatever was asked between them. Misses are told
    of once less than half of them is left: before, an answer about nobody reads like any other.
    """
    requests, items, misses = map(_about, left, limits)
    few = left[2] is not None and left[2] * 2 < limits.misses.store
    return _text((requests, items, misses if few else None), tuple(spent), seconds)


@lru_cache(maxsize=1000)
def _text(left: tuple[int | None, ...], spent: tuple[str, ...], seconds: int) -> str:
    told = [_left(name, number, spent, seconds) for name, number in zip(Limits._fields, left, strict=True)]
    return ", ".join(filter(None, told))


def _about(number: int | None, limit: Budget) -> int | None:
    step = limit.store // 100
    # A full store is told like one from which one was just taken.
    return number if number is None or number <= step or step < 1 else (number - 1) // step * step


def _left(name: str, number: int | None, spent: Collection[str], seconds: int) -> str:
    if number is None:
        return ""
    return f'"{name}";r={number};t={seconds}' if name in spent else f'"{name}";r={number}'

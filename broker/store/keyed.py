"""Rows of many keys by one statement: by one list of keys and no join, and of a few lengths only.

After ANALYZE, SQLite makes a Bloom filter over the whole table for a join. And each connection keeps the statements
that it ran last: in as many lengths as chunks have, those would be tens of megabytes. PostgreSQL gets one array, in
binary: as text, keys would be written and read digit by digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from broker.store.transaction import Transaction

#: Keys of one statement to SQLite: fewer are made as many by the last one, or a multiple of the largest of these.
_LENGTHS = (16, 64, 256, 512)
#: Keys of one statement at most; SQLite takes 32,766 values.
_AT_ONCE = 58 * _LENGTHS[-1]


def rows_of(tx: Transaction, asked: str, keys: Sequence[bytes], *before: object) -> list[Any]:
    """What *asked* finds for *keys*: a statement that ends in their column, with a ``%s`` for each value *before* them.

    The driver is asked directly: to compile a statement for so many keys takes as long as to run it.
    """
    found: list[Any] = []
    for begin in range(0, len(keys), _AT_ONCE):
        some = keys[begin : begin + _AT_ONCE]
        if tx.dialect.name == "postgresql":
            found += tx.exec_driver_sql(f"{asked} = ANY(%b)", (*before, list(some))).all()
        else:
            same = _as_many(some)
            found += tx.exec_driver_sql(f"{asked.replace('%s', '?')} IN ({_places(len(same))})", (*before, *same)).all()
    return found


def _as_many(keys: Sequence[bytes]) -> Sequence[bytes]:
    """As many keys as one of the lengths: one that is named twice is found once."""
    step = next((length for length in _LENGTHS if len(keys) <= length), _LENGTHS[-1])
    return [*keys, *[keys[-1]] * (-len(keys) % step)]


@cache
def _places(number: int) -> str:
    return ",".join("?" * number)

"""For migrations: a table's rows get another shape, and those that the broker wrote a new MAC over it.

A row that is not as the broker wrote it last keeps its false MAC: a migration must not bless it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, bindparam, text, update

from broker.store.row_mac import MAC, canonical, primary_key_of, row_mac
from broker.store.trail import trail_of
from broker.store.writing import is_as_written


def has_pen(tx: Connection) -> bool:
    """Whether rows can be written with their MACs: on the way down to a release that had none, nobody needs to."""
    try:
        trail_of(tx)
    except TypeError:
        return False
    return True


def before_macs(tx: Connection) -> bool:
    """Whether the rows are still those of a release that had no MACs: then the trail has no entry yet."""
    return tx.execute(text("SELECT 1 FROM trail LIMIT 1")).first() is None


def reshape(
    tx: Connection, before: Table, after: Table, row: Mapping[str, Any], *, unmarked: bool = False, **added: object
) -> bool:
    """Write a row of *before* as one of *after*, with what is *added*; say whether the broker had written it.

    *row* is whole as it was. A column that *after* lacks is left as it lies, to be dropped next. A row without a MAC
    is the broker's only while rows are *unmarked*; it gets its MAC when all do.
    """
    key, found = primary_key_of(after), row[MAC]
    genuine = unmarked if found is None else is_as_written(tx, before, row)
    if genuine and found is not None:
        now = {column.name: {**row, **added}[column.name] for column in after.columns}
        content = canonical(after, now)
        added[MAC] = row_mac(trail_of(tx).key, content)
        trail_of(tx).note(after, now, content)
    if added:
        statement = update(after).where(*(after.c[name] == bindparam(f"the_{name}") for name in key))
        tx.execute(statement.values(added), {f"the_{name}": row[name] for name in key})
    return genuine


def marked(tx: Connection, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A new row with its MAC, of a table that the trail does not follow."""
    whole = {column.name: row.get(column.name) for column in table.columns}
    return {**whole, MAC: row_mac(trail_of(tx).key, canonical(table, whole))}

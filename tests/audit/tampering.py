"""What a superuser may do to one row, and how the audit must name it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from audit.superuser import Row, Superuser, columns_of, key_of, primary_key

from broker.store.columns import metadata
from broker.store.row_mac import row_key_digest
from broker.store.trail import NOT_FOLLOWED

#: Versions of rows that were once there, by table; what they had come to is known by their MAC.
Past = Mapping[str, list[Row]]


@dataclass(frozen=True)
class Deed:
    """What was done, and the names of which the audit must give one: tables and keys."""

    what: str
    table: str
    names: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        return f"{self.what} in {self.table}: {sorted(self.names)}"


class Tampering:
    """Deeds on a database whose rows, and whose rows of the past, are known."""

    def __init__(self, superuser: Superuser, rows: Mapping[str, list[Row]], past: Past, key: bytes) -> None:
        self._user, self._rows, self._past, self._key = superuser, rows, past, key

    def do(self, kind: str, table: str, chance: Random) -> Deed | None:
        """Do one deed; None where there is nothing to do it to."""
        act: Callable[[str, Random], Deed | None] = getattr(self, kind)
        return act(table, chance)

    def edit(self, table: str, chance: Random, column: str | None = None) -> Deed | None:
        """Put another value in one column."""
        if not self._rows[table]:
            return None
        row, name = chance.choice(self._rows[table]), column or chance.choice(columns_of(table))
        other = self._user.other_value(table, name, row[name], chance)
        return self._edited(table, row, {name: other}, f"{name} edited")

    def _edited(self, table: str, row: Row, changes: Row, what: str) -> Deed | None:
        try:
            self._user.update(table, row, changes)
        except Exception as error:  # noqa: BLE001 - whatever the driver says to what it does not take
            assert type(error).__module__.partition(".")[0] in {"sqlite3", "psycopg"}, error  # noqa: PT017
            return None
        after = self._user.rows(table)
        if after == self._rows[table]:
            return None  # what was written reads as what was there
        now = next((found for found in after if found not in self._rows[table]), row)
        return Deed(f"{what} to {now[next(iter(changes))]!r:.40}", table, self._named(table, row, now))

    def delete(self, table: str, chance: Random) -> Deed | None:
        """Delete a row."""
        if not self._rows[table]:
            return None
        row = chance.choice(self._rows[table])
        self._user.delete(table, row)
        return Deed("a row deleted", table, self._named(table, row))

    def swap(self, table: str, chance: Random) -> Deed | None:
        """Let two rows change what they hold, all of it or one column; the MACs may go along."""
        if len(self._rows[table]) < 2:
            return None
        one, other = chance.sample(self._rows[table], 2)
        free = [name for name in columns_of(table) if name not in primary_key(table)]
        names = chance.choice([free, [chance.choice(free)], [name for name in free if name != "mac"]])
        if all(one[name] == other[name] for name in names):
            return None
        first = self._edited(table, one, {name: other[name] for name in names}, f"{len(names)} columns swapped")
        second = self._edited(table, other, {name: one[name] for name in names}, f"{len(names)} columns swapped")
        both = first and first.names | (second.names if second else frozenset())
        return Deed("two rows swapped", table, both) if both else None

    def copy(self, table: str, chance: Random) -> Deed | None:
        """Insert a copy of a row under another key."""
        if not self._rows[table]:
            return None
        row, name = chance.choice(self._rows[table]), chance.choice(primary_key(table))
        copied = {**row, name: self._user.other_value(table, name, row[name], chance)}
        for unique in ("generation", "leaf_index", "position"):
            if unique in copied and unique != name:
                copied[unique] = self._user.other_value(table, unique, row[unique], chance)
        try:
            self._user.insert(table, copied)
        except Exception as error:  # noqa: BLE001 - as above
            assert type(error).__module__.partition(".")[0] in {"sqlite3", "psycopg"}, error  # noqa: PT017
            return None
        (now,) = [found for found in self._user.rows(table) if found not in self._rows[table]]
        return Deed("a copy inserted", table, frozenset({(table, key_of(table, now))}))

    def put_back(self, table: str, chance: Random) -> Deed | None:
        """Put an old version of a row back, with the MAC that it had."""
        if not self._past.get(table):
            return None
        old = chance.choice(self._past[table])
        same = [row for row in self._rows[table] if key_of(table, row) == key_of(table, old)]
        try:
            if same:
                self._user.update(table, same[0], old)
            else:
                self._user.insert(table, old)
        except Exception as error:  # noqa: BLE001 - as above
            assert type(error).__module__.partition(".")[0] in {"sqlite3", "psycopg"}, error  # noqa: PT017
            return None
        # An entry that was emptied tells nothing but of its erasure, whose certificate counts it.
        emptied = {("erasures", row["erasure_id"]) for row in same if table == "trail" and row["erasure_id"]}
        return Deed("an old version put back", table, self._named(table, old, *same) | emptied)

    def _named(self, table: str, *rows: Row) -> frozenset[tuple[str, str]]:
        """The names by which a row may be told: its key, its key's digest, or its place in the log."""
        return frozenset((table, name) for row in rows for name in self._names(table, row))

    def _names(self, table: str, row: Row) -> Iterator[str]:
        yield key_of(table, row)
        if table not in NOT_FOLLOWED and all(_typed(table, name, row[name]) for name in primary_key(table)):
            yield f"#{row_key_digest(self._key, metadata.tables[table], row).hex()}"
        if table == "leaves" and row["leaf_index"] is not None:
            yield f"index {row['leaf_index']}"
        if table == "trail" and row["batch"] is not None:
            yield f"batch {row['batch']} place {row['position']}"


def _typed(table: str, name: str, value: Any) -> bool:  # noqa: ANN401 - stored
    return isinstance(value, metadata.tables[table].c[name].type.python_type)

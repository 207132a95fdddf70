"""Walking over every row, to see whether it bears its MAC and is what the trail says it was last.

Nothing here holds more than a chunk of rows at a time, a bit for each entry of the trail, and what was found wrong.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, inspect

from broker.store.columns import metadata
from broker.store.log_tables import TrailRow
from broker.store.raw_rows import RawRow, walk
from broker.store.row_mac import canonical, primary_key_of, row_key_digest, row_mac
from broker.store.trail import UNMARKED, entry_digest, entry_mac, is_followed
from broker.store.transaction import Transaction
from broker.store.writing import table_of

TRAIL = table_of(TrailRow)
#: Rows are dated when their transaction begins, and are seen when it ends. This is longer than any lasts.
LONGEST = timedelta(minutes=1)
_NOT_ITS_MAC = "its MAC is not that of what it holds"


@dataclass(frozen=True, order=True)
class Finding:
    """One row that disagrees: its table, its primary key as it can be shown, what is wrong and with what."""

    table: str
    key: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.wrong}"


@dataclass(frozen=True)
class Seen:
    """A row: its key as it is told, its values as far as they can be read, and whether nothing is wrong so far."""

    key: str
    values: Mapping[str, Any]
    sound: bool


class Marks:
    """Numbers that were seen: a bit each, in pages that are made where there are any."""

    _PAGE = 1 << 16

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        """Mark a number."""
        page = self._pages.setdefault(number // self._PAGE, bytearray(self._PAGE // 8))
        page[number % self._PAGE // 8] |= 1 << number % 8

    def __contains__(self, number: int) -> bool:
        page = self._pages.get(number // self._PAGE)
        return page is not None and bool(page[number % self._PAGE // 8] >> number % 8 & 1)


@dataclass
class Walk:
    """One audit on its way: what it reads from, what it has walked, and what it tells.

    ``name`` tells each row once, the first fault that was found of it: what follows from it would only add noise.
    """

    tx: Transaction
    key: bytes = field(repr=False)
    tell: Callable[[Finding], None]
    walked: Counter[str] = field(default_factory=Counter)
    entries: Marks = field(default_factory=Marks)
    leaves: Marks = field(default_factory=Marks)
    waiting: set[bytes] = field(default_factory=set)
    newest: tuple[int, datetime] | None = None
    #: What is older was dropped, as retentions say, and how many rows of which table they name.
    kept_since: datetime | None = None
    retained: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    _named: set[tuple[str, str]] = field(default_factory=set)

    def name(self, table: str, key: str, wrong: str) -> None:
        """Tell of a row that disagrees."""
        if (table, key) not in self._named:
            self._named.add((table, key))
            self.tell(Finding(table, key, wrong))

    def knows(self, table: str, key: str) -> bool:
        """Whether a row was told of already."""
        return (table, key) in self._named


def by_letters(audit: Walk, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text in the order of its letters' numbers, whatever the language that a database was made for sorts like."""
    return column.collate("C") if audit.tx.dialect.name == "postgresql" else column


def missing_tables(tx: Transaction) -> list[str]:
    """Name the tables that are not there at all, and those that lack a column."""
    there = inspect(tx)
    tables = set(there.get_table_names())
    lost = [table.name for table in metadata.sorted_tables if table.name not in tables]
    for table in metadata.sorted_tables:
        if table.name in tables:
            columns = {column["name"] for column in there.get_columns(table.name)}
            lost += [f"{table.name}.{column.name}" for column in table.columns if column.name not in columns]
    return lost


def check_rows(audit: Walk) -> None:
    """Look at every row of every table that bears MACs, but the trail itself."""
    for table in metadata.sorted_tables:
        if table is not TRAIL and table.name not in UNMARKED:
            for chunk in walk(audit.tx, table):
                audit.walked["rows"] += len(chunk)
                check_chunk(audit, table, chunk)


def check_chunk(audit: Walk, table: Table, chunk: list[RawRow]) -> list[RawRow | None]:
    """Look at some rows of a table; return the last entry of each, None where it has none."""
    key = primary_key_of(table)
    named = [row for row in chunk if all(name in row.values for name in key)]
    lasting = {row_key_digest(audit.key, table, row.values): row for row in named if is_followed(table, row.values)}
    last = last_entries(audit, lasting)
    digests = {row.key: digest for digest, row in lasting.items()}
    for row in chunk:
        entry = last.get(digests.get(row.key, b""))
        fault = _fault(audit.key, table, row, lasting=row.key in digests, entry=entry)
        if fault:
            audit.name(table.name, row.key, fault)
    return [last.get(digests.get(row.key, b"")) for row in chunk]


def last_entries(audit: Walk, keys: Iterable[bytes]) -> Mapping[bytes, RawRow]:
    """The last entry of each key that has any; all of the key's entries are marked as seen.

    Each has a salt of its own. What says again what one before it said is a copy, made before that one was chained.
    """
    asked, found, said = list(keys), {}, set[object]()
    if asked:
        of_keys = walk(audit.tx, TRAIL, lambda query: query.where(TRAIL.c.row_key.in_(asked)).order_by(TRAIL.c.number))
        for entry in (entry for chunk in of_keys for entry in chunk):
            audit.entries.add(entry.values["number"])
            digest = entry.values.get("digest")
            if digest in said:
                audit.name(TRAIL.name, entry.key, "says again what an earlier entry said: a copy of that was put back")
                continue
            said.add(digest)
            found[entry.values.get("row_key", b"")] = entry
    return found


def _fault(key: bytes, table: Table, row: RawRow, *, lasting: bool, entry: RawRow | None) -> str | None:
    """What is wrong with a row, if anything is."""
    content = content_of(table, row)
    if content is None:
        return row.wrong or "cannot be read"
    where = _whence(entry) if lasting else ""
    if not bears(row, row_mac(key, content)):
        return _NOT_ITS_MAC + where
    if not lasting:
        return None
    if entry is None:
        return "the trail has no entry of it" + where
    return _against_trail(key, entry, content)


def _whence(entry: RawRow | None) -> str:
    return f"; it was last written with entry {entry.key} of the trail" if entry else "; the broker did not write it"


def _against_trail(key: bytes, entry: RawRow, content: bytes) -> str | None:
    """What a row's last entry says against it; an entry that lies itself is told of by itself."""
    said: Mapping[str, Any] = entry.values
    if entry.wrong is not None or (not said["gone"] and said["digest"] == entry_digest(said["salt"], content)):
        return None
    if not is_sound(key, entry):
        return None
    if said["gone"]:
        return f"it was deleted with entry {entry.key} of the trail, and put back"
    return f"it is not what entry {entry.key} of the trail says it was last: an older row was put back"


def content_of(table: Table, row: RawRow) -> bytes | None:
    """A row's canonical content; None where it holds what the broker never writes."""
    if row.wrong is not None:
        return None
    try:
        return canonical(table, row.values)
    except ValueError:  # an escape in JSON that is half a letter
        return None


def is_sound(key: bytes, entry: RawRow) -> bool:
    """Whether an entry of the trail is as it was written."""
    return entry.wrong is None and bears(entry, entry_mac(key, entry.values))


def bears(row: RawRow, mac: bytes) -> bool:
    """Whether a row bears that MAC."""
    return isinstance(row.mac, bytes) and hmac.compare_digest(row.mac, mac)

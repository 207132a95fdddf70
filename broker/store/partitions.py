"""What was answered, a part for each month on PostgreSQL: what is too old goes whole, and leaves nothing to tidy up.

A part is reached through its table alone: it has no rights of its own, and a lock that nobody but its owner passes.
What is of no month that has a part goes to the one for all others, so that nothing is refused for want of a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from broker.store.row_security import OTHERWISE, locks

#: How many months are made ahead, and how few are too few.
AHEAD, TOO_FEW = 6, 2
#: Enough for whoever looks something up, and so little that nobody notices who waits behind it.
PATIENCE = "SET LOCAL lock_timeout = '100ms'"
_PART = re.compile(r"(?P<table>[a-z_]+?)_(?:(?P<before>before_)?(?P<year>\d{4})_(?P<month>\d\d)|other)")
_PARTS = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass) ORDER BY 1")
_SPREAD = text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:name)")


@dataclass(frozen=True, kw_only=True)
class Form:
    """The keys that a table has; ``locked`` by row-level security where its rows are a client's."""

    key: Sequence[str]
    indices: Sequence[Sequence[str]]
    locked: bool


#: The column that parts go by stands in each; a key that is unique must have it (PostgreSQL 15, 5.11.2.3).
BY = "decided_at"
FORMS: Mapping[str, Form] = {
    "decisions": Form(key=("account", "decision_id"), indices=(("client_id", BY), ("account", BY)), locked=True),
    "led_to": Form(key=("account", "decision_id"), indices=(("account", BY),), locked=False),
    "sheets": Form(key=("sheet_id",), indices=((BY, "sheet_id"), ("client_id", BY)), locked=True),
    "sheet_entries": Form(key=("sheet_id", "number"), indices=(), locked=True),
}


@dataclass(frozen=True, order=True)
class Part:
    """A part of a table, and the moment that all of it is before; None of the one for all others."""

    name: str
    ends: datetime | None


def month_of(moment: datetime) -> datetime:
    """When a moment's month begins, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def months_after(month: datetime, number: int) -> datetime:
    """When the month begins that is so many after another."""
    years, rest = divmod(month.year * 12 + month.month - 1 + number, 12)
    return month.replace(year=years, month=rest + 1)


def is_part(name: str) -> bool:
    """Whether a table is a part of one, by its name."""
    found = _PART.fullmatch(name)
    return found is not None and found["table"] in FORMS


def in_parts(tx: Connection) -> bool:
    """Whether what was answered lies in parts here: not in a file."""
    return tx.dialect.name == "postgresql" and bool(tx.execute(_SPREAD, {"name": "decisions"}).scalar_one())


def hold_still(tx: Connection) -> None:
    """Let no part be dropped before this transaction ends, which a snapshot alone would not keep from happening."""
    if tx.dialect.name == "postgresql":
        with suppress(ProgrammingError), tx.begin_nested():  # a table that is not there is told of in another way
            tx.execute(text(f"LOCK TABLE {', '.join(FORMS)} IN ACCESS SHARE MODE"))


def parts_of(tx: Connection, table: str) -> list[Part]:
    """The parts of a table, by name."""
    return [Part(name, _ends(name)) for name in tx.execute(_PARTS, {"name": table}).scalars()]


def _ends(name: str) -> datetime | None:
    found = _PART.fullmatch(name)
    if found is None or found["year"] is None:
        return None
    month = datetime(int(found["year"]), int(found["month"]), 1, tzinfo=UTC)
    return month if found["before"] else months_after(month, 1)


def months_ahead(tx: Connection, *, now: datetime) -> int:
    """How many months after this one every table has a part for."""
    ends = [{part.ends for part in parts_of(tx, table)} for table in FORMS]
    ready = 0
    while all(months_after(month_of(now), ready + 2) in known for known in ends):
        ready += 1
    return ready


def make_ahead(tx: Connection, *, now: datetime) -> list[str]:
    """Make the parts that are missing, of this month and of those to come; return their names. For the owner."""
    made = []
    for table in FORMS:
        known = [part.ends for part in parts_of(tx, table) if part.ends is not None]
        for month in (months_after(month_of(now), number) for number in range(AHEAD + 1)):
            ends = months_after(month, 1)
            # What is older than the oldest part is of no month's: it was there before there were parts.
            if ends not in known and (not known or ends > min(known)):
                made.append(_make(tx, table, month, ends))
    return made


def _make(tx: Connection, table: str, begins: datetime, ends: datetime) -> str:
    """Make the part of one month, with what had to go to the part for all others."""
    name = f"{table}_{begins:%Y_%m}"
    tx.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)"))
    month = {"begins": begins, "ends": ends}
    taken = f"DELETE FROM {table}_other WHERE {BY} >= :begins AND {BY} < :ends RETURNING *"  # noqa: S608 - names of ours
    tx.execute(text(f"WITH taken AS ({taken}) INSERT INTO {name} SELECT * FROM taken"), month)  # noqa: S608 - likewise
    tx.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({_at(begins)}) TO ({_at(ends)})"))
    for statement in _closed(name):
        tx.execute(text(statement))
    return name


def drop_before(tx: Connection, table: str, before: datetime) -> list[str]:
    """Drop the parts that are wholly older; return their names. For the owner."""
    old = [part.name for part in parts_of(tx, table) if part.ends is not None and part.ends <= before]
    for name in old:
        tx.execute(text(f"DROP TABLE {name}"))
    return old


def _closed(name: str) -> Iterator[str]:
    """Nobody but the owner reaches a part by its own name, whatever rights somebody grants to all tables at once."""
    yield f"REVOKE ALL ON {name} FROM PUBLIC"
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"


def _at(moment: datetime) -> str:
    return f"'{moment:%Y-%m-%d %H:%M:%S}+00'"


def _indices(table: str) -> Iterator[tuple[str, str]]:
    for columns in FORMS[table].indices:
        yield f"ix_{table}_{'_'.join(columns)}", ", ".join(columns)


def put_in_parts(tx: Connection, table: str) -> None:
    """Make a plain table one in parts. All that is there becomes the first part as it lies; no row is written anew."""
    form = FORMS[table]
    latest = text(f"SELECT greatest(now(), max({BY})) FROM {table}")  # noqa: S608 - names of our own
    begins = months_after(month_of(tx.execute(latest).scalar_one()), 1)
    old = f"{table}_before_{begins:%Y_%m}"
    statements = [
        f"ALTER TABLE {table} RENAME TO {old}",
        f"ALTER TABLE {old} DROP CONSTRAINT pk_{table}",
        *(f"DROP INDEX {name}" for name, _columns in _indices(table)),
        *([f"DROP POLICY IF EXISTS own ON {old}"] if form.locked else []),
        f"CREATE TABLE {table} (LIKE {old} INCLUDING DEFAULTS INCLUDING STORAGE) PARTITION BY RANGE ({BY})",
        f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({', '.join((*form.key, BY))})",
        *(f"CREATE INDEX {name} ON {table} ({columns})" for name, columns in _indices(table)),
        f"ALTER TABLE {table} ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ({_at(begins)})",
        f"CREATE TABLE {table}_other PARTITION OF {table} DEFAULT",
        *_closed(old),
        *_closed(f"{table}_other"),
        *(locks(table) if form.locked else []),
    ]
    for statement in statements:
        tx.execute(text(statement))


def put_together(tx: Connection, table: str) -> None:
    """Make one plain table of all parts, as it was."""
    form, whole = FORMS[table], f"{table}_whole"
    statements = [
        f"CREATE TABLE {whole} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)",
        f"INSERT INTO {whole} SELECT * FROM {table}",  # noqa: S608 - names of our own
        f"DROP TABLE {table}",
        f"ALTER TABLE {whole} RENAME TO {table}",
        f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({', '.join(form.key)})",
        *(f"CREATE INDEX {name} ON {table} ({columns})" for name, columns in _indices(table)),
        *(locks(table) if form.locked and table not in OTHERWISE else []),
    ]
    for statement in statements:
        tx.execute(text(statement))

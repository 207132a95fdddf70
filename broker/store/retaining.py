"""Dropping what is too old to be kept: whole parts on PostgreSQL, a few rows at a time where there are none.

Nothing tells the trail of each row: a retention says of all of them that they are gone, and the audit takes its word
for rows that were written before its moment, and for no others. What was decided before it and written down later is
deleted like any row, with an entry of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, text, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from broker.store.auditing import Finding, Walk, check_chunk
from broker.store.log import Leaf, leave
from broker.store.log_tables import TrailRow
from broker.store.partitions import BY, PATIENCE, drop_before, in_parts
from broker.store.raw_rows import walk
from broker.store.retention_tables import RetentionRow
from broker.store.row_mac import primary_key_of
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.tables import DecisionRow
from broker.store.terms_tables import LedToRow
from broker.store.trail import NOT_FOLLOWED, trail_of
from broker.store.transaction import Transaction
from broker.store.writing import add_once, drop, table_of, wipe

KIND = "retention"
#: How many rows a transaction takes, so that nobody waits long for it.
AT_ONCE, SHEETS_AT_ONCE = 500, 20
#: In the order in which they are written, so that no two wait for each other.
MODELS: tuple[type, ...] = (DecisionRow, LedToRow, SheetRow, SheetEntriesRow)
_SUM = 1 << 256
_OWNS = text("SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('decisions')")


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Everything decided before a moment was dropped: who had it done, how many rows by table, and what was signed."""

    retention_id: str
    before: datetime
    who: str
    dropped: Mapping[str, int]
    jwt: str
    leaf: bytes
    retained_at: datetime


@dataclass
class Looked:
    """What is to be dropped, as it was found: rows by table, the sum of their entries' digests, and what is wrong.

    ``late`` are rows that were written after the moment that they are older than.
    """

    rows: Counter[str] = field(default_factory=Counter)
    digests: int = 0
    late: list[tuple[type, Mapping[str, Any]]] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)


def may_drop(tx: Transaction) -> bool:
    """Whether whoever asks may: on PostgreSQL the owner of the tables alone."""
    return tx.dialect.name != "postgresql" or bool(tx.execute(_OWNS).scalar_one())


def kept_since(tx: Transaction) -> datetime | None:
    """The moment before which no answer is kept any more; None while all are."""
    latest = select(col(RetentionRow.before)).order_by(col(RetentionRow.before).desc()).limit(1)
    found: datetime | None = tx.execute(latest).scalar_one_or_none()
    return found


def begun_at(tx: Transaction) -> datetime | None:
    """When the first row was written that the trail knows of: nothing here is older."""
    first = select(col(TrailRow.written_at)).order_by(col(TrailRow.number)).limit(1)
    found: datetime | None = tx.execute(first).scalar_one_or_none()
    return found


def save_retention(tx: Transaction, retention: Retention) -> bool:
    """Put a retention on record with its pending leaf; False when somebody else has meanwhile."""
    if not add_once(tx, RetentionRow, **vars(retention)):
        return False
    leave(tx, Leaf(retention.leaf, KIND, retention.retained_at))
    return True


def look(tx: Transaction, key: bytes, *, before: datetime, since: datetime | None) -> Looked:
    """Look at everything that was decided before a moment, as the audit does; *since* is that of the last retention."""
    found = Looked()
    audit = Walk(tx, key, found.faults.append)
    for model in MODELS:
        table = table_of(model)
        for chunk in walk(tx, table, lambda query, by=table.c[BY]: query.where(by < before)):  # type: ignore[misc] # a lambda's default
            for row, entry in zip(chunk, check_chunk(audit, table, chunk), strict=True):
                said = entry.values if entry and entry.wrong is None else {}
                if said and said["written_at"] >= before:
                    found.late.append((model, {name: row.values[name] for name in primary_key_of(table)}))
                    continue
                found.rows[table.name] += 1
                found.digests = (found.digests + int.from_bytes(said.get("digest", b""))) % _SUM
        missing = 0 if table.name in NOT_FOLLOWED else _written(tx, table.name, before, since) - found.rows[table.name]
        if missing > 0:
            audit.name(table.name, "", f"{missing} rows are gone that the trail knows")
    return found


def _written(tx: Transaction, table: str, before: datetime, since: datetime | None) -> int:
    """How many rows of a table the trail knows to be there that were written in that time."""
    one, later = aliased(TrailRow), aliased(TrailRow)
    again = exists().where(col(later.row_key) == col(one.row_key), col(later.number) > col(one.number))
    where: list[ColumnElement[bool]] = [
        col(one.row_table) == table,
        col(one.written_at) < before,
        col(one.gone).is_(False),
        col(one.erasure_id).is_(None),
        ~again,
    ]
    if since is not None:
        where.append(col(one.written_at) >= since)
    return int(tx.execute(select(func.count()).select_from(one).where(*where)).scalar_one())


def drop_late(tx: Transaction, looked: Looked) -> None:
    """Delete what was written later than it is old, each with its entry of the trail."""
    for model, key in looked.late:
        drop(tx, model, *(table_of(model).c[name] == value for name, value in key.items()))


def drop_parts(tx: Transaction, before: datetime) -> list[str]:
    """Drop the parts that are wholly older, and name them: all at once, so that no sheet is seen without its groups."""
    if not in_parts(tx):
        return []
    tx.execute(text(PATIENCE))
    return [name for model in MODELS for name in drop_before(tx, table_of(model).name, before)]


def clear(tx: Transaction, before: datetime) -> int:
    """Delete some of the rows that are older and in no part that is; return how many, 0 when there are none left."""
    return sum(_clear(tx, model, before) for model in MODELS)


def _clear(tx: Transaction, model: type, before: datetime) -> int:
    table, trail = table_of(model), trail_of(tx)
    key = [table.c[name] for name in primary_key_of(table)]
    most = SHEETS_AT_ONCE if model is SheetRow else AT_ONCE
    rows = [row._asdict() for row in tx.execute(select(table).where(table.c[BY] < before).limit(most))]
    known = trail.last(tx, table, rows) if table.name not in NOT_FOLLOWED else {}
    named = {trail.key_of(table, row): tuple(row[column.name] for column in key) for row in rows}
    late = [named[digest] for digest, entry in known.items() if _time(entry) >= before]
    if late:
        drop(tx, model, tuple_(*key).in_(late))
    if rows:
        wipe(tx, table, tuple_(*key).in_(list(named.values())))
    if rows and model is SheetRow:
        groups = table_of(SheetEntriesRow)
        wipe(tx, groups, groups.c.sheet_id.in_([row["sheet_id"] for row in rows]))
    return len(rows)


def _time(entry: Mapping[str, Any]) -> datetime:
    written: datetime = entry["written_at"]
    return written

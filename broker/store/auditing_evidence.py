"""Signed rows as the audit reads them: receipts and statements opened, and what must lie beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.exc import DataError, DBAPIError, StatementError

from broker.store.auditing import Seen, Walk, last_entries
from broker.store.columns import metadata
from broker.store.partitions import BY, FORMS
from broker.store.raw_rows import RawRow, walk
from broker.store.row_mac import row_key_digest
from broker.store.sealing import SealBroken, Sealer
from broker.store.trail import NOT_FOLLOWED

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class OpenedRow(Seen):
    """A receipt or a statement with what was sealed in it; no disclosures where its person was erased."""

    jwt: str
    disclosures: tuple[str, ...]
    person: Sealer | None


def sound_rows(audit: Walk, name: str) -> Iterator[list[Seen]]:
    """The rows of a table that nothing was found wrong with, a chunk at a time."""
    return ([seen for seen in chunk if seen.sound] for chunk in all_rows(audit, name))


def all_rows(audit: Walk, name: str) -> Iterator[list[Seen]]:
    """The rows of a table, a chunk at a time."""
    return (list(_seen(audit, name, chunk)) for chunk in walk(audit.tx, metadata.tables[name]))


def rows_beside(audit: Walk, name: str, column: str, values: Iterable[object], **fixed: object) -> Iterator[Seen]:
    """The rows of a table whose *column* holds one of *values*, and the others what is *fixed*."""
    table, asked = metadata.tables[name], list(values)
    same = [table.c[other] == value for other, value in fixed.items()]
    if asked:
        for chunk in walk(audit.tx, table, lambda query: query.where(*same, table.c[column].in_(asked))):
            yield from _seen(audit, name, chunk)


def rows_older(audit: Walk, before: datetime) -> Iterator[tuple[str, Seen, datetime | None]]:
    """What was answered before a moment and is there: its table, the row, and when it was last written, if known."""
    for name in FORMS:
        table = metadata.tables[name]
        for chunk in walk(audit.tx, table, lambda query, by=table.c[BY]: query.where(by < before)):  # type: ignore[misc] # a lambda's default
            whole = [row for row in chunk if row.wrong is None]
            keys = {row.key: row_key_digest(audit.key, table, row.values) for row in whole}
            last = {} if name in NOT_FOLLOWED else last_entries(audit, keys.values())
            written = {key: entry.values.get("written_at") for key, entry in last.items()}
            yield from ((name, seen, written.get(keys[seen.key])) for seen in _seen(audit, name, whole))


def opened_rows(audit: Walk, name: str, store: Sealer) -> Iterator[list[OpenedRow]]:
    """Receipts or statements, opened; those that do not open are told of, and those told of before are left aside."""
    for chunk in sound_rows(audit, name):
        people = rows_beside(audit, "people", "account", {seen.values["account"] for seen in chunk})
        wrapped = {found.values["account"]: found.values.get("wrapped_key", b"") for found in people}
        opened = (
            _open(audit, metadata.tables[name], seen, store, wrapped.get(seen.values["account"])) for seen in chunk
        )
        yield [row for row in opened if row is not None]


def legible(read: Callable[[], Answer]) -> Answer | None:
    """What is read through converters; None where a row holds what the broker never writes, such as a time at infinity.

    Such a row is told of where it is looked at as it lies.
    """
    try:
        return read()
    except (ValueError, TypeError, RecursionError, AttributeError, DataError):
        return None
    except StatementError as fault:
        if isinstance(fault, DBAPIError):
            raise  # the database itself failed
        return None


def _open(audit: Walk, table: Table, seen: Seen, store: Sealer, wrapped: bytes | None) -> OpenedRow | None:
    row, account = seen.values, seen.values["account"].hex()
    name = next(row[column.name] for column in table.primary_key if column.name != "account")
    place: Callable[[str], str] = lambda column: f"{table.name}.{column}:{name}"  # noqa: E731 - two places of one row
    try:
        jwt = store.open(row["sealed_jwt"], place=place("sealed_jwt")).decode()
        person = None if wrapped is None else store.unwrap(wrapped, place=f"people.wrapped_key:{account}")
        disclosures: Any = ()
        if person is not None:
            disclosures = person.open_json(row["sealed_disclosures"], place=place("sealed_disclosures"))
    except (SealBroken, ValueError) as fault:
        audit.name(table.name, seen.key, f"it does not open: {fault}")
        return None
    return OpenedRow(seen.key, row, True, jwt, tuple(disclosures), person)


def _seen(audit: Walk, name: str, chunk: Iterable[RawRow]) -> Iterator[Seen]:
    return (Seen(row.key, row.values, row.wrong is None and not audit.knows(name, row.key)) for row in chunk)

"""What sheets say about an account: in each, the one group is read that its digest leads to.

That is one look by primary key a sheet, made by the database itself, and only groups that name the account come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, ScalarSelect, Select, and_, func, literal, or_, select
from sqlmodel import col

from broker.core.sheet import Entry, beginning, decision_row, unpack
from broker.store.paging import Place
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime


@dataclass(frozen=True)
class Answered:
    """One entry of a sheet as a decision's row has it, and whether a handle led to the account it is found under.

    ``place`` is where it is listed: by its sheet's moment, though its own may be seconds later.
    """

    row: dict[str, Any]
    led: bool
    place: Place


def answered_about(
    tx: Transaction, account: bytes, *, client_id: str | None, before: Place | None, limit: int | None
) -> Iterator[Answered]:
    """The answers about an account in sheets that are before a place, the latest first: *limit* of them, or more."""
    sheet_id = col(SheetRow.sheet_id)
    if tx.dialect.name == "postgresql":
        # In the order of the letters' numbers, as places are compared everywhere else.
        sheet_id = sheet_id.collate("C")  # type: ignore[assignment] # text like the column
    at = col(SheetRow.decided_at)
    told = (SheetRow.sheet_id, SheetRow.client_id, at, SheetRow.moments, SheetRow.outcomes, SheetRow.width)
    query = groups_about(tx, account, *told)
    if client_id is not None:
        query = query.where(col(SheetRow.client_id) == client_id)
    if before is not None:
        query = query.where(at <= before.at, or_(at < before.at, sheet_id <= before.name))
    # Of the sheet that the page before ended in nothing may be left: of every other there is something.
    query = query.order_by(at.desc(), sheet_id.desc()).limit(None if limit is None else limit + 1)
    for row in tx.execute(query):
        yield from (found for found in _told(row, account) if before is None or found.place < before)


def _told(row: Any, account: bytes) -> Iterator[Answered]:  # noqa: ANN401 - a row
    sheet = row._asdict()
    for entry in about(account, unpack(row.entries, row.width)):
        found = decision_row(sheet, entry)
        yield Answered(found, entry.led, Place(row.decided_at, found["decision_id"]))


def last_answered(tx: Transaction, account: bytes) -> dict[str, datetime]:
    """Who was ever answered about the account in a sheet, and when last."""
    last = func.max(col(SheetRow.decided_at), type_=UtcDateTime).label("at")
    found = groups_about(tx, account, SheetRow.client_id, last, whole=False).group_by(col(SheetRow.client_id))
    return {row.client_id: row.at for row in tx.execute(found)}


def groups_about(tx: Transaction, account: bytes, *told: Any, whole: bool = True) -> Select[Any]:  # noqa: ANN401 - columns
    """The sheets in which something is about the account, and unless not *whole* the group that it lies in.

    For each sheet the group is looked up by its key. As a join, a planner would rather read the groups of all others.
    """
    held = col(SheetEntriesRow.entries)
    entries = (_of_group(account, held).label("entries"),) if whole else ()
    return select(*told, *entries).select_from(SheetRow).where(_of_group(account, _place_of(tx, account, held)) > 0)


def _of_group(account: bytes, found: Any) -> ScalarSelect[Any]:  # noqa: ANN401 - a column
    """What is found in the group of a sheet that the account leads to."""
    number = literal(beginning(account), BigInteger) * col(SheetRow.groups) // literal(1 << 32, BigInteger)
    # The time only tells PostgreSQL in which partition to look.
    of_sheet = (getattr(SheetEntriesRow, name) == getattr(SheetRow, name) for name in ("sheet_id", "decided_at"))
    same = and_(*of_sheet, col(SheetEntriesRow.number) == number)
    return select(found).where(same).correlate(SheetRow).scalar_subquery()


def _place_of(tx: Transaction, account: bytes, group: Any) -> ColumnElement[int]:  # noqa: ANN401 - a column
    """Where a group holds these bytes, from 1, or 0. That they are an entry's account is seen when it is read."""
    sought = literal(account, LargeBinary)
    return func.instr(group, sought) if tx.dialect.name == "sqlite" else func.pg_catalog.position(group, sought)


def about(account: bytes, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Those of a group's entries that are about the account."""
    return (entry for entry in entries if entry.account == account)

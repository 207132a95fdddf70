"""Counting people in sheets, exactly and within bounds: a part of all accounts at a time.

Entries lie in the groups that their accounts lead to, so a part of the accounts is a part of the groups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlmodel import col

from broker.core.sheet import LED
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.transaction import Transaction

#: How many sheets' groups are in memory at a time.
_SHEETS = 20
_END = b"\xff" * 17
#: Under which names an outcome of a client is counted.
Naming = Callable[[str, Mapping[str, Any]], Sequence[str]]


@dataclass(frozen=True)
class Part:
    """The accounts that a part of all numbers begins: the *number*-th of so many."""

    number: int
    of: int

    @property
    def first(self) -> bytes:
        """What no account in it is less than."""
        return (-(-(self.number << 32) // self.of)).to_bytes(4)

    @property
    def end(self) -> bytes:
        """What every account in it is less than."""
        return _END if self.number + 1 == self.of else Part(self.number + 1, self.of).first


@dataclass
class Tally:
    """How many answers fall under a name, and about whom."""

    number: int = 0
    people: set[bytes] = field(default_factory=set)


def answers_in_sheets(tx: Transaction, *where: ColumnElement[bool]) -> int:
    """How many answers there are in sheets of which that is true, or were before erasures."""
    return int(tx.execute(select(func.coalesce(func.sum(SheetRow.answers), 0)).where(*where)).scalar_one())


def tally_sheets(tx: Transaction, part: Part, naming: Naming, *where: ColumnElement[bool]) -> dict[str, Tally]:
    """Count answers about a part of all accounts, in sheets of which that is true, by the names of their outcomes."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for chunk in _chunks(tx, where):
        under = {
            sheet.sheet_id: [[tallies[name] for name in naming(sheet.client_id, said)] for said in sheet.outcomes]
            for sheet in chunk
        }
        form = {sheet.sheet_id: Struct(f">16s18xH{sheet.width}x") for sheet in chunk}
        for group in tx.execute(_groups(part).where(col(SheetRow.sheet_id).in_(under))):
            _add(form[group.sheet_id].iter_unpack(group.entries), under[group.sheet_id], part)
    return tallies


def _chunks(tx: Transaction, where: Sequence[ColumnElement[bool]]) -> Iterator[Sequence[Row[Any]]]:
    at, name = col(SheetRow.decided_at), col(SheetRow.sheet_id)
    wanted = select(at, name, col(SheetRow.client_id), col(SheetRow.outcomes), col(SheetRow.width)).where(*where)
    in_order = wanted.order_by(at, name).limit(_SHEETS)
    chunk = tx.execute(in_order).all()
    while chunk:
        yield chunk
        last = chunk[-1]
        later = at >= last.decided_at, or_(at > last.decided_at, name > last.sheet_id)
        chunk = tx.execute(in_order.where(*later)).all()


def _groups(part: Part) -> Any:  # noqa: ANN401 - a statement
    """The groups in which an account of that part may lie."""
    number, groups = col(SheetEntriesRow.number), col(SheetRow.groups)
    overlap = and_((number + 1) * part.of > groups * part.number, number * part.of < groups * (part.number + 1))
    same = (getattr(SheetEntriesRow, name) == getattr(SheetRow, name) for name in ("sheet_id", "decided_at"))
    join = and_(*same, overlap)
    return select(col(SheetRow.sheet_id), col(SheetEntriesRow.entries)).join_from(SheetRow, SheetEntriesRow, join)


def _add(entries: Iterator[tuple[Any, ...]], under: Sequence[Sequence[Tally]], part: Part) -> None:
    first, end = part.first, part.end
    for account, outcome in entries:
        if outcome < LED and first <= account < end:
            for tally in under[outcome]:
                tally.number += 1
                tally.people.add(account)

"""Counts for reports: how many answers or consents fall under a name, and of how many people. No id leaves here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, distinct, func, select, true
from sqlmodel import col

from broker.store.sheet_tables import SheetRow
from broker.store.sheets_counting import Naming, Part, answers_in_sheets, tally_sheets
from broker.store.tables import ConsentRow, DecisionRow
from broker.store.transaction import Transaction

#: The acts that are answers to a client about an account; offers of associations are counted by clause alone.
ANSWERS = ("match", "contact")
#: How many answers' people may be in memory at a time; each takes about a hundred bytes.
AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Count:
    """One line of a report: how many, and of how many people."""

    name: str
    number: int
    people: int


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which rows a report is about: a time, and one client's or (None) everybody's."""

    since: datetime
    until: datetime
    client_id: str | None


def count_decisions(tx: Transaction, scope: Scope, by: str | None = None, names: Sequence[str] = ("",)) -> list[Count]:
    """Count answers: those under each ``ground``, ``purpose``, ``client`` or ``clause`` of these names, or all."""
    alone = {name: _decisions(scope, by, name) for name in names}
    counts = [_count(tx, name, DecisionRow.account, *where) for name, where in alone.items()]
    sheets = (col(SheetRow.decided_at) >= scope.since, col(SheetRow.decided_at) < scope.until,
              *_of(SheetRow.client_id, scope))  # fmt: skip
    more = answers_in_sheets(tx, *sheets)
    return _with_sheets(tx, _Both(alone, sheets, _NAMES[by]), counts, more) if more else counts


def _decisions(scope: Scope, by: str | None, name: str) -> Sequence[ColumnElement[bool]]:
    row = DecisionRow
    where: dict[str | None, ColumnElement[bool]] = {
        None: col(row.act).in_(ANSWERS),
        "ground": func.coalesce(col(row.basis), col(row.reason)) == name,
        "purpose": col(row.purpose) == name,
        "client": col(row.client_id) == name,
        "clause": _names(cast(row.clauses, String), name),
    }
    acts = [] if by == "clause" else [col(row.act).in_(ANSWERS)]
    time = (col(row.decided_at) >= scope.since, col(row.decided_at) < scope.until)
    return (*time, *_of(row.client_id, scope), *acts, where[by])


#: The same of the outcomes of sheets.
_NAMES: Mapping[str | None, Naming] = {
    None: lambda _client_id, _said: ("",),
    "ground": lambda _client_id, said: (said["basis"] or said["reason"],),
    "purpose": lambda _client_id, said: (said["purpose"],),
    "client": lambda client_id, _said: (client_id,),
    "clause": lambda _client_id, said: said["clauses"],
}


@dataclass(frozen=True)
class _Both:
    """What is counted: rows by name, sheets, and the names of a sheet's outcomes."""

    alone: Mapping[str, Sequence[ColumnElement[bool]]]
    sheets: Sequence[ColumnElement[bool]]
    naming: Naming


def _with_sheets(tx: Transaction, both: _Both, counts: Sequence[Count], more: int) -> list[Count]:
    """Count people once who are in rows and in sheets: a part of all accounts at a time, so that memory is bounded."""
    numbers = {count.name: count.number for count in counts}
    people = dict.fromkeys(numbers, 0)
    parts = 1 + (more + sum(numbers.values())) // AT_ONCE
    in_rows = [count.name for count in counts if count.number]
    for part in (Part(number, parts) for number in range(parts)):
        tallies = tally_sheets(tx, part, both.naming, *both.sheets)
        for name in in_rows:
            tallies[name].people |= _people(tx, part, both.alone[name])
        for name in people.keys() & tallies:
            numbers[name] += tallies[name].number
            people[name] += len(tallies[name].people)
    return [Count(name=name, number=number, people=people[name]) for name, number in numbers.items()]


def _people(tx: Transaction, part: Part, where: Sequence[ColumnElement[bool]]) -> set[bytes]:
    account = col(DecisionRow.account)
    return set(
        tx.execute(select(account).distinct().where(account >= part.first, account < part.end, *where)).scalars()
    )


def count_consents(tx: Transaction, scope: Scope, by: str | None = None, names: Sequence[str] = ("",)) -> list[Count]:
    """Count consents given: those under each ``ground`` (status), ``purpose`` or ``client`` of these names, or all."""
    return [_count(tx, name, ConsentRow.account, *_consents(scope, by, name)) for name in names]


def _consents(scope: Scope, by: str | None, name: str) -> Sequence[ColumnElement[bool]]:
    row = ConsentRow
    where: dict[str | None, ColumnElement[bool]] = {
        None: true(),
        "ground": col(row.status) == name,
        "purpose": _names(cast(row.purposes, String), name),
        "client": col(row.client_id) == name,
    }
    return (
        col(row.given_at) >= scope.since, col(row.given_at) < scope.until, *_of(row.client_id, scope), where[by],
    )  # fmt: skip


def _of(column: object, scope: Scope) -> Iterable[ColumnElement[bool]]:
    return [] if scope.client_id is None else [col(column) == scope.client_id]


def _names(listed: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether a JSON list of words, as text, holds *name*."""
    return listed.contains(f'"{name}"', autoescape=True)


def _count(tx: Transaction, name: str, account: object, *where: ColumnElement[bool]) -> Count:
    row = tx.execute(
        select(func.count().label("number"), func.count(distinct(col(account))).label("people")).where(*where)
    ).one()
    return Count(name=name, number=int(row.number), people=int(row.people))

"""Counts for reports: how many answers or consents fall under a name, and of how many people. No id leaves here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, distinct, func, select, true
from sqlmodel import col

from broker.store.database import Transaction
from broker.store.tables import ConsentRow, DecisionRow

#: The acts that are answers to a client about an account; offers of associations are counted by clause alone.
ANSWERS = ("match", "contact")


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


def count_decisions(tx: Transaction, scope: Scope, by: str | None = None, name: str = "") -> Count:
    """Count answers: those under a ``ground``, ``purpose``, ``client`` or ``clause`` of that name, or all."""
    row = DecisionRow
    where: dict[str | None, ColumnElement[bool]] = {
        None: col(row.act).in_(ANSWERS),
        "ground": func.coalesce(col(row.basis), col(row.reason)) == name,
        "purpose": col(row.purpose) == name,
        "client": col(row.client_id) == name,
        "clause": _names(cast(row.clauses, String), name),
    }
    acts = [] if by == "clause" else [col(row.act).in_(ANSWERS)]
    conditions = (col(row.decided_at) >= scope.since, col(row.decided_at) < scope.until, *_of(row.client_id, scope))
    return _count(tx, name, row.account, *conditions, *acts, where[by])


def count_consents(tx: Transaction, scope: Scope, by: str | None = None, name: str = "") -> Count:
    """Count consents given: those under a ``ground`` (their status), ``purpose`` or ``client`` of that name, or all."""
    row = ConsentRow
    where: dict[str | None, ColumnElement[bool]] = {
        None: true(),
        "ground": col(row.status) == name,
        "purpose": _names(cast(row.purposes, String), name),
        "client": col(row.client_id) == name,
    }
    conditions = (col(row.given_at) >= scope.since, col(row.given_at) < scope.until, *_of(row.client_id, scope))
    return _count(tx, name, row.account, *conditions, where[by])


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

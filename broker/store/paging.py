"""Long lists page by page: the latest first, from a place that does not move when others come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, SQLColumnExpression, or_

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True, order=True)
class Place:
    """A place in a list: when, and which of those of the same moment."""

    at: datetime
    name: str


def page(
    query: Query,
    at: SQLColumnExpression[datetime],
    name: SQLColumnExpression[str],
    *,
    before: Place | None,
    limit: int | None,
) -> Query:
    """The rows before a place, or from the latest on; *limit* of them, or with None all."""
    if before is not None:
        # The first condition says nothing new: it is what an index can be searched by.
        query = query.where(at <= before.at, or_(at < before.at, name < before.name))
    return query.order_by(at.desc(), name.desc()).limit(limit)

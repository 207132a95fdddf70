"""Budgets on PostgreSQL: a row a client, counted in by one small statement of its own, by the server's clock.

The arithmetic is that of ``core/budget``, in SQL; a test holds the two together. The table is not logged: its commits
wait for no disk and no standby.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.core.budget import ABSURD, DEEPEST, FULL, Allowance, Levels, Limits
from broker.errors import Unavailable
from broker.store.connecting import FEW, Manner, open_engine
from broker.store.counting import NAMES, refusal

log = logging.getLogger(__name__)
#: The moment at which the statement began: one that had to wait for the row has gained nothing by it.
_NOW = "coalesce(%(now)s::bigint, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint * 1000)"
_SINCE = "CASE WHEN b.{name} > {now} + %({name}_absurd)s THEN {now} ELSE greatest(b.{name}, {now}) END"
_AFTER = f"least({_SINCE} + %({{name}}_cost)s, {{now}} + %({{name}}_deepest)s)"
_FITS = f"{_SINCE} + %({{name}}_need)s - {{now}} <= %({{name}}_room)s"


def _each(template: str, join: str) -> str:
    return join.join(template.format(name=name, now=_NOW) for name in NAMES)


_TAKE = (
    f"INSERT INTO budgets AS b (client_id, {', '.join(NAMES)})"  # noqa: S608 - words of our own
    f" VALUES (%(client_id)s, {_each('{now} + least(%({name}_cost)s, %({name}_deepest)s)', ', ')})"
    f" ON CONFLICT (client_id) DO UPDATE SET {_each('{name} = ' + _AFTER, ', ')} WHERE {_each(_FITS, ' AND ')}"
    f" RETURNING {', '.join(NAMES)}, {_NOW}"
)
_LOOK = f"SELECT {', '.join(NAMES)}, {_NOW} FROM budgets WHERE client_id = %(client_id)s"  # noqa: S608 - likewise


class Counts(NamedTuple):
    """So much of each budget; less than nothing is brought back."""

    requests: int = 0
    items: int = 0
    misses: int = 0


NOTHING = Counts()


class RowBudgets:
    """Budgets in the PostgreSQL database at *url*, on connections of their own; *now* stands in for its clock."""

    def __init__(self, url: str, limits: Limits, *, manner: Manner, now: int | None = None) -> None:
        self.limits, self.now = limits, now
        # Never of the connections that transactions have: each of those would wait for another's second one.
        self._engine = open_engine(url, manner, pool=FEW)
        event.listen(self._engine, "connect", _commit_each)

    def take(self, client_id: str, *, requests: int = 1, items: int = 0) -> Allowance:
        """See :class:`Budgets`."""
        return self.take_for(client_id, Counts(requests, items))

    def take_for(self, client_id: str, asked: Counts, held: Counts = NOTHING, *, ahead: int = 0) -> Allowance:
        """Take what is *asked* and so many *ahead*, less what is *held* already, whose misses are noted with it."""
        requests, items = asked.requests + ahead - held.requests, asked.items + ahead - held.items
        needed = Counts(requests, items, held.misses + 1 if asked.items else 0)
        while True:
            found = self._counted(client_id, Counts(requests, items, held.misses), needed)
            if found:
                return Allowance(self.limits, *found)
            levels, now = self._asked(_LOOK, {"client_id": client_id}) or (FULL, 0)
            limited = zip(self.limits, levels, needed, strict=True)
            of_requests, of_items, of_misses = (
                limit.wait(full_at, now, number) if number > 0 else 0 for limit, full_at, number in limited
            )
            if max(of_requests, of_items, of_misses) > 0:  # else it has come back meanwhile
                raise refusal(self.limits, levels, now, (of_requests, of_items, of_misses))

    def note(self, client_id: str, *, requests: int = 0, items: int = 0, misses: int = 0) -> Allowance:
        """See :class:`Budgets`."""
        found = self._counted(client_id, Counts(requests, items, misses), NOTHING)
        assert found is not None  # noqa: S101 - where nothing is needed, everything fits
        return Allowance(self.limits, *found)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _counted(self, client_id: str, asked: Counts, needed: Counts) -> tuple[Levels, int] | None:
        """Take what is *asked* if what is *needed* is there: the levels then, and the moment; else None."""
        values: dict[str, object] = {"client_id": client_id}
        for name, limit, number, need in zip(NAMES, self.limits, asked, needed, strict=True):
            values |= {f"{name}_cost": number * limit.cost, f"{name}_need": min(max(0, need) * limit.cost, limit.span)}
            values |= {f"{name}_deepest": limit.span + DEEPEST, f"{name}_absurd": limit.span + ABSURD}
            values |= {f"{name}_room": limit.span + (0 if need > 0 and limit.cost else ABSURD)}
        return self._asked(_TAKE, values)

    def _asked(self, statement: str, values: dict[str, object]) -> tuple[Levels, int] | None:
        """One statement, which commits by itself. The driver is asked directly: this stands before every match."""
        try:
            with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(statement, {**values, "now": self.now})
                row: Sequence[Any] | None = cursor.fetchone()
        except (self._engine.dialect.loaded_dbapi.Error, DBAPIError, PoolTimeout) as error:
            log.error("what may be asked was not counted: %s", type(error).__name__)  # noqa: TRY400 - it tells values
            raise Unavailable("what may be asked cannot be counted; nothing was done") from None
        return ((row[0], row[1], row[2]), row[3]) if row else None


def _commit_each(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    connection.autocommit = True

"""Where budgets are kept: in a file beside SQLite's, in a table of PostgreSQL's, or nowhere."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import make_url

from broker.core.budget import Limits
from broker.store.budget_ahead import AheadBudgets
from broker.store.budget_file import FileBudgets
from broker.store.budget_rows import RowBudgets
from broker.store.connecting import Manner
from broker.store.counting import Budgets, Unlimited


def open_budgets(url: str, limits: Limits, *, clock: Callable[[], int], manner: Manner) -> Budgets:
    """The budgets kept with the database at *url*, where nothing is opened before somebody takes.

    SQLite's are counted by this machine's *clock*, in nanoseconds since 1970; PostgreSQL's by the server's.
    """
    if not any(limit.cost for limit in limits):
        return Unlimited()
    if url.startswith("sqlite"):
        return FileBudgets(make_url(url).database or "", limits, clock=clock)
    return AheadBudgets(RowBudgets(url, limits, manner=manner))

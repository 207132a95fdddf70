"""The table of what was dropped because it was too old."""

from __future__ import annotations

from datetime import datetime

from broker.store.columns import Table, json_column, sealed_column, text_column, time_column


class RetentionRow(Table, table=True):
    """That answers from before a moment were dropped: who had it done, how many rows there were, and what was signed.

    Its id is the day that ``before`` is.
    """

    __tablename__ = "retentions"
    retention_id: str = text_column(primary=True)
    before: datetime = time_column()
    who: str = text_column()
    dropped: dict[str, int] = json_column()
    jwt: str = text_column()
    leaf: bytes = sealed_column()
    retained_at: datetime = time_column()

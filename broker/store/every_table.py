"""Every module with tables in it: importing this one is what fills the metadata."""

from __future__ import annotations

from broker.store import (
    action_tables,
    budget_tables,
    delivery_tables,
    log_tables,
    match_tables,
    presence_tables,
    retention_tables,
    sheet_tables,
    short_lived,
    tables,
    terms_tables,
)

TABLES = (
    *(tables, short_lived, terms_tables, log_tables, delivery_tables, presence_tables, action_tables),
    *(match_tables, sheet_tables, budget_tables, retention_tables),
)

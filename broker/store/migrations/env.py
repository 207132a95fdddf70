"""Alembic's entry: the caller's connection, our metadata."""

from __future__ import annotations

from alembic import context

from broker.store import (
    action_tables,
    delivery_tables,
    log_tables,
    presence_tables,
    short_lived,
    tables,
    terms_tables,
)
from broker.store.columns import metadata

#: Loading the tables is what fills the metadata.
TABLES = (tables, short_lived, terms_tables, log_tables, delivery_tables, presence_tables, action_tables)

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's entry: the caller's connection, our metadata."""

from __future__ import annotations

from alembic import context

from broker.store import log_tables, short_lived, tables, terms_tables
from broker.store.columns import metadata

#: Loading the tables is what fills the metadata.
TABLES = (tables, short_lived, terms_tables, log_tables)

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's entry: the caller's connection, our metadata."""

from __future__ import annotations

from alembic import context

from broker.store.columns import metadata
from broker.store.every_table import TABLES

__all__ = ["TABLES"]

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

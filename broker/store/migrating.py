"""Bringing a database to this release's schema, and telling whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from broker.store.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply every migration that is missing, in one transaction where the database can."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending(database: Database) -> list[str]:
    """Return the migrations that are missing, the oldest first; all of them when the schema cannot be read."""
    scripts = ScriptDirectory.from_config(_config())
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError:
        current = None
    known = [script.revision for script in scripts.walk_revisions()]
    if current is not None and current not in known:
        return [f"the database is of a later release ({current})"]
    return list(reversed(known[: known.index(current)] if current else known))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config

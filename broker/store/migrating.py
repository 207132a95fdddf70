"""Bringing a database to this release's schema, and telling whether it is there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from broker.errors import BadConfiguration
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.decisions import remember_led_to
from broker.store.writing import adopt

#: The revision from which on every row carries a MAC.
_MACS = "0003"
#: And from which on it is known whom a handle led to.
_LED_TO = "0006"
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply every migration that is missing, in one transaction where the database can."""
    config, missing = _config(), pending(database)
    with database.transaction() as connection:
        if connection.dialect.name == "postgresql":
            # An index on a grown table takes longer than any request may.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if _MACS in missing and len(missing) < len(_revisions()):
            for table in metadata.sorted_tables:
                adopt(connection, table)
        if _LED_TO in missing and len(missing) < len(_revisions()):
            remember_led_to(connection)


def pending(database: Database) -> list[str]:
    """Return the migrations that are missing, the oldest first, or raise :class:`Unavailable`."""
    known = _revisions()
    with database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        return [f"the database is of a later release ({current})"]
    return list(reversed(known[: known.index(current)] if current else known))


def require_schema(database: Database) -> None:
    """Refuse to work on a database that lacks a migration."""
    missing = pending(database)
    if missing:
        raise BadConfiguration(f"the database lacks migrations ({', '.join(missing)}); run `broker init`")


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision of this release, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config

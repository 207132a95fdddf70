"""Bringing a database to this release's schema, and telling whether it is there.

Alembic is loaded by whoever migrates. To tell, the names of the files do, and what Alembic wrote into the database:
each start does that, and would load fifty modules for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from broker.errors import BadConfiguration
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.decisions import remember_led_to
from broker.store.projecting import project_all
from broker.store.rights import KEEPING, OWNER, SERVING, grant_statements
from broker.store.sheet_tables import SheetEntriesRow
from broker.store.transaction import Transaction
from broker.store.writing import adopt, table_of

if TYPE_CHECKING:
    from alembic.config import Config

#: The revision from which on every row carries a MAC.
_MACS = "0003"
#: And from which on it is known whom a handle led to.
_LED_TO = "0006"
#: And from which on what a match reads is put together when it is written.
_PAIRS = "0010"
#: Where Alembic keeps the revision that a database is at.
_VERSION = "alembic_version"
#: And from which on a group of a sheet says when it was answered.
_TIMED = "0016"
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply every migration that is missing, in one transaction where the database can."""
    from alembic import command  # noqa: PLC0415 - see above

    config, missing = _config(), pending(database)
    upgraded = len(missing) < len(_revisions())
    with database.transaction() as connection:
        if connection.dialect.name == "postgresql":
            # An index on a grown table takes longer than any request may.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if _MACS in missing and upgraded:
            for table in metadata.sorted_tables:
                adopt(connection, table)
        if _LED_TO in missing and upgraded:
            remember_led_to(connection)
        if _PAIRS in missing and upgraded:
            project_all(connection)
        if _TIMED in missing and upgraded:
            adopt(connection, table_of(SheetEntriesRow))
        _grant(connection)


def _grant(connection: Transaction) -> None:
    """As the owner of roles that `broker database roles` made, give the others their rights: tables may be new."""
    if connection.dialect.name != "postgresql":
        return
    owner: str = connection.execute(text("SELECT current_user")).scalar_one()
    others = [owner.removesuffix(OWNER) + ending for ending in (SERVING, KEEPING)]
    known = text("SELECT count(*) FROM pg_roles WHERE rolname = ANY(:others)")
    if owner.endswith(OWNER) and connection.execute(known, {"others": others}).scalar_one() == len(others):
        for statement in grant_statements(owner.removesuffix(OWNER)):
            connection.execute(text(statement))


def pending(database: Database) -> list[str]:
    """Return the migrations that are missing, the oldest first, or raise :class:`Unavailable`."""
    known = _revisions()
    with database.reading() as connection:
        current = _current(connection)
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
    names = sorted((_SCRIPTS / "versions").glob("[0-9]*_*.py"), reverse=True)
    return tuple(path.name.partition("_")[0] for path in names)


def _current(connection: Transaction) -> str | None:
    """The revision that a database is at; None where no migration was ever applied."""
    if not inspect(connection).has_table(_VERSION):
        return None
    current: str | None = connection.execute(text(f"SELECT version_num FROM {_VERSION}")).scalar_one_or_none()  # noqa: S608 - a name of our own
    return current


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config

"""``broker database``: what PostgreSQL is told once, by its superuser, before the broker may use it with few rights."""

from __future__ import annotations

import argparse
import re

from broker.app import manner_of, open_database
from broker.commands import retaining
from broker.commands.opening import command, group
from broker.custody import read_keys
from broker.errors import BadConfiguration
from broker.settings import read_settings
from broker.store.migrating import require_schema
from broker.store.rights import role_statements
from broker.store.spreading import distribute

_ROLES = """\
Nothing is run: read it, and give it to psql as a superuser. It may be run again.

    broker database roles broker | sudo -u postgres psql --single-transaction broker

Then give each role its password (\\password broker_owner in psql), run
`broker init` once as the owner, and everything else as the other two:

    BROKER_DATABASE_URL=postgresql+psycopg://broker_serving@...
    BROKER_KEEPING_DATABASE_URL=postgresql+psycopg://broker_keeping@...

After an upgrade `broker init`, as the owner, grants what new tables need."""


_CLUSTER = """\
Run it on the coordinator's database, as the owner, after each `broker init`:
tables that are spread already are left alone. docs/operations.md says what a
cluster needs, and what does not hold there."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker database roles``, ``distribute``, ``partitions``, ``retain``."""
    database = group(commands, "database", "prepare PostgreSQL")
    roles = command(database, "roles", _roles, "print the SQL that makes roles with few rights", _ROLES)
    roles.add_argument("database", help="the database's name")
    retaining.add_commands(database)
    command(database, "distribute", _distribute, "spread the tables over a Citus cluster, once each", _CLUSTER)
    roles.add_argument("--prefix", default="broker", help="how the roles' names begin (%(default)s)")


def _roles(asked: argparse.Namespace) -> int:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", asked.database):
        raise BadConfiguration("name the database as it is written without quotes: small letters, digits and _")
    for statement in role_statements(asked.prefix, asked.database, manner=manner_of(read_settings())):
        print(f"{statement};")
    return 0


def _distribute(_asked: argparse.Namespace) -> int:
    settings = read_settings()
    database = open_database(settings, read_keys(settings))
    require_schema(database)
    with database.transaction() as tx:
        made = distribute(tx)
    print(f"spread {len(made)} tables: {', '.join(made) or 'all were'}")
    return 0

"""Where tables lie in a Citus cluster: by account, by client, by a name of their own; on every node; or in one place.

What is about a person lies together, what is told to a client lies together, and a match reads one node. On the
coordinator stays what is one line (the log and its trail) and what lives for minutes. No unique key leaves out the
column a table is spread by, no row moves by an update of it, and no lock is asked for over several nodes; tests hold
the code to all three.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Table, UniqueConstraint, text

from broker.errors import BadConfiguration
from broker.store.columns import metadata
from broker.store.every_table import TABLES
from broker.store.row_security import IN_A_CLUSTER

#: The column that a table is spread by; tables of one column lie beside each other.
BY: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("people", "consents", "associations", "refusals", "receipts", "codes", "decisions", "events", "signals"),
            *("grounds", "statements", "tainted_pairs", "objections", "presences", "rechecks", "led_to"),
            "person_sessions",
        ),
        "account",
    ),
    **dict.fromkeys(("streams", "stream_work", "deliveries", "actions", "contacts", "idempotency"), "client_id"),
    "routes": "name",
    "handles": "handle",
    "status_entries": "position",
    "pairs": "pair",
    "cautions": "caution",
    **dict.fromkeys(("sheets", "sheet_entries"), "sheet_id"),
}
#: The same on every node: small, and read with everything.
EVERYWHERE = ("clients", "notices", "policy_texts", "recipients", "redistributions", "standings", "use_cases")
#: On the coordinator alone.
HERE = (
    *("leaves", "trail", "batches", "log_head", "log_tiles", "checkpoints", "erasures", "retentions", "rulings"),
    *("pushed_requests", "links", "used_assertions", "revoked_tokens", "tapes", "budgets"),
)
_CITUS = text("SELECT count(*) FROM pg_extension WHERE extname = 'citus'")
_SPREAD = text("SELECT logicalrelid::text FROM pg_dist_partition")
assert TABLES  # noqa: S101 - loading them is what fills the metadata
#: A handle lies where an account of the same digest would: what was said under it is found beside it.
_LEADERS = {"account": "people", "handle": "people", "client_id": "streams", "sheet_id": "sheets"}


def has_citus(tx: Connection) -> bool:
    """Whether the database is part of a cluster."""
    return tx.dialect.name == "postgresql" and bool(tx.execute(_CITUS).scalar_one())


def distribute(tx: Connection) -> list[str]:
    """Spread every table that is not yet; return their names. Raises :class:`BadConfiguration` without Citus."""
    if not has_citus(tx):
        raise BadConfiguration("this database has no Citus; CREATE EXTENSION citus, on the coordinator and each worker")
    tx.execute(text("SET LOCAL statement_timeout = 0"))
    done = set(tx.execute(_SPREAD).scalars())
    made = [(table, statement) for table, statement in statements() if table not in done]
    for table, statement in made:
        for opened in IN_A_CLUSTER.get(table, ()):
            tx.execute(text(opened))
        tx.execute(text(statement))
    return [table for table, _statement in made]


def statements() -> Iterator[tuple[str, str]]:
    """What spreads each table: first what is everywhere, then each that others lie beside, then the others."""
    for table in sorted(EVERYWHERE):
        yield table, f"SELECT create_reference_table('{table}')"
    for table in sorted(BY, key=lambda name: (name not in _LEADERS.values(), name)):
        column = BY[table]
        beside = _LEADERS.get(column, table)
        yield (
            table,
            (
                f"SELECT create_distributed_table('{table}', '{column}',"
                f" colocate_with => '{'none' if beside == table else beside}')"
            ),
        )


def faults() -> list[str]:
    """What Citus would refuse in the tables as they are, in words."""
    placed = [*BY, *EVERYWHERE, *HERE]
    found = [f"{name} has no place, or several" for name in metadata.tables if placed.count(name) != 1]
    return found + [fault for name, column in BY.items() for fault in _faults_of(metadata.tables[name], column)]


def _faults_of(table: Table, column: str) -> Iterator[str]:
    if table.foreign_keys:
        yield f"{table.name} has a foreign key"
    if table.c[column].nullable:
        yield f"{table.name}.{column} may be NULL"
    keys = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint))]
    named = [(key.name, key.columns) for key in keys]
    named += [(index.name, index.columns) for index in table.indexes if index.unique]
    for name, columns in named:
        if column not in columns:
            yield f"{table.name}: {name or 'a key'} leaves {column} out"

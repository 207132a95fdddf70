"""Row-level security on PostgreSQL: once a program is known, its transaction sees and writes its client's rows alone.

A second lock: every statement here names the client it is for, and this holds where one forgets to. People's pages and
operators name no client and are not bound; nor is who owns the tables. It binds our own mistakes, not somebody who may
write statements of their own: they could name another client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Function, func, select

#: What a transaction says of itself: the client that it is of.
SETTING = "broker.client_id"
_OF = f"coalesce(current_setting('{SETTING}', true), '')"
#: A transaction that names nobody is bound to nobody. A setting that was local once reads '' later, and not NULL.
OWN = f"{_OF} IN ('', client_id)"
_SAME_OWNER = " ".join(
    (
        "SELECT r.recipient_id FROM recipients r",
        "JOIN use_cases u ON u.owner = r.owner AND u.environment = r.environment",
        f"WHERE u.client_id = {_OF}",
    )
)
#: Beside a client's own: what else it may read, and add. An objection to everybody; places of receipts that are
#: nobody's consent; what the same owner's other applications have handed to a recipient, which its ceiling counts.
BESIDE: Mapping[str, Sequence[str]] = {
    "objections": ("FOR SELECT USING (client_id = '*')",),
    "status_entries": ("FOR SELECT USING (client_id IS NULL)", "FOR INSERT WITH CHECK (client_id IS NULL)"),
    "redistributions": (f"FOR SELECT USING (recipient_id IN ({_SAME_OWNER}))",),
}


#: Tables without ``client_id`` whose rows are a client's all the same. A group of a sheet is its sheet's, and what
#: is added is held by its digest there. (Of ``pairs`` no row can be asked for without a client's own digests.)
OTHERWISE: Mapping[str, str] = {
    "cautions": f"USING ({_OF} IN ('', whose) OR whose = '*')",
    "sheet_entries": f"USING ({_OF} = '' OR sheet_id IN (SELECT sheet_id FROM sheets)) WITH CHECK (true)",  # noqa: S608 - ours
}


#: Citus spreads no table whose policies look into another one. Nothing binds there but the statements' own predicates.
IN_A_CLUSTER: Mapping[str, Sequence[str]] = {
    "redistributions": (
        "DROP POLICY beside_1 ON redistributions",
        "CREATE POLICY beside_1 ON redistributions FOR SELECT USING (true)",
    ),
    "sheet_entries": ("DROP POLICY own ON sheet_entries", "CREATE POLICY own ON sheet_entries USING (true)"),
}


def locks(table: str) -> list[str]:
    """The statements that put the lock on a table with ``client_id``; a migration that makes one runs them."""
    beside = (
        f"CREATE POLICY beside_{number} ON {table} {what}" for number, what in enumerate(BESIDE.get(table, ()), 1)
    )
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY own ON {table} {OTHERWISE.get(table, f'USING ({OWN})')}",
        *beside,
    ]


def binding(tx: Connection, client_id: str) -> list[Function[Any]]:
    """What a statement selects besides to bind its transaction, so that it costs no round trip; nothing on SQLite."""
    return [func.set_config(SETTING, client_id, True)] if tx.dialect.name == "postgresql" else []


def bind(tx: Connection, client_id: str) -> None:
    """Let this transaction see and write rows of that client, and of no other, until it ends."""
    for bound in binding(tx, client_id):
        tx.execute(select(bound))

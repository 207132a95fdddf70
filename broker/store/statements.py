"""The one statement that the two databases spell alike and SQLAlchemy does not."""

from __future__ import annotations

from sqlalchemy import literal
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from broker.store.database import Transaction


def insert_once(tx: Transaction, table: type, **values: object) -> bool:
    """Insert unless the key is taken; say whether it was free.

    Of many racing transactions one inserts; the others wait for it to commit and then find the key taken.
    """
    dialect = postgres_insert if tx.dialect.name == "postgresql" else sqlite_insert
    # RETURNING tells; psycopg counts no rows for an INSERT.
    written = dialect(table).values(**values).on_conflict_do_nothing().returning(literal(1))
    return tx.execute(written).one_or_none() is not None

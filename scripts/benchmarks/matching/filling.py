"""Rows poured into tables by the driver alone: without indexes meanwhile, and no commit waits for a disk."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, text

from broker.store.database import Database


@dataclass
class Fill:
    """An open connection of the driver's, and which database it is."""

    driver: Any
    dialect: str

    def take(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, given as the driver takes them, in the order of the table's columns."""
        names = ", ".join(column.name for column in table.columns)
        if not rows:
            return
        if self.dialect == "sqlite":
            places = ", ".join("?" for _ in table.columns)
            self.driver.execute("BEGIN")
            self.driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)  # noqa: S608 - ours
            self.driver.execute("COMMIT")
            return
        with self.driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        self.driver.commit()


@contextmanager
def filling(database: Database, tables: Sequence[Table]) -> Iterator[Fill]:
    """Take the indexes off, let rows be poured in, put the indexes back; and leave the database as after a night."""
    dialect = database.engine.dialect.name
    names = [table.name for table in tables]
    with closing(database.engine.raw_connection()) as pooled:
        driver = pooled.driver_connection
        driver.execute("PRAGMA synchronous=OFF" if dialect == "sqlite" else "SET synchronous_commit = off")
        made = [(name, how) for table in names for name, how in _indexes(driver, dialect, table)]
        for name, _how in made:
            driver.execute(f'DROP INDEX "{name}"')
        if dialect != "sqlite":
            driver.execute("SET statement_timeout = 0")
            driver.commit()
        yield Fill(driver, dialect)
        for _name, how in made:
            driver.execute(how)
        if dialect == "sqlite":
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            driver.execute("PRAGMA synchronous=FULL")
        else:
            driver.commit()
    if dialect != "sqlite":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            for name in names:
                connection.execute(text(f"VACUUM (ANALYZE) {name}"))
            connection.execute(text("CHECKPOINT"))
            connection.execute(text("RESET statement_timeout"))
    database.engine.dispose()


def _indexes(driver: Any, dialect: str, table: str) -> list[tuple[str, str]]:  # noqa: ANN401 - a driver's connection
    """Names of the indexes beside the key, and how each is made."""
    if dialect == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
        return [(name, how) for name, how in driver.execute(asked, (table,))]
    asked = (
        "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = %s::regclass AND NOT i.indisprimary"
    )
    return driver.execute(asked, (table,)).fetchall()

"""The history in the hands of a superuser, and what the audit says of it then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from audit.superuser import Row, Superuser, every_table
from audit.tampering import Tampering
from builders import a_pen

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.store.auditing import Finding
from broker.store.database import Database

Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class History:
    """What was lived through: the broker, its rows as they are now, and versions of them that were."""

    broker: Broker
    rows: Rows
    past: Rows
    path: Path


@dataclass
class Spoilt:
    """The history's database in the hands of a superuser, who may do what they like until the end of a test."""

    broker: Broker
    user: Superuser
    rows: Rows
    past: Rows

    @property
    def tampering(self) -> Tampering:
        """Deeds on single rows."""
        return Tampering(self.user, self.rows, self.past, self.broker.database.row_key)

    def findings(self) -> list[Finding]:
        """What the audit names now."""
        found: list[Finding] = []
        audit(self.broker, found.append, patience=0)
        return found

    def put_back(self) -> None:
        """Undo whatever was done."""
        self.user.run("BEGIN")
        for table, rows in self.rows.items():
            if self.user.rows(table) != rows:
                self.user.restore(table, rows)
        self.user.run("COMMIT")


def rows_of(user: Superuser) -> Rows:
    return {table.name: user.rows(table.name) for table in every_table()}


def spoil(history: History, url: str) -> Iterator[Spoilt]:
    database, user = Database(url, pen=a_pen()), Superuser(url)
    yield Spoilt(replace(history.broker, database=database), user, rows_of(user), _as_stored(history.past, url))
    user.close()
    database.close()


def _as_stored(past: Rows, url: str) -> Rows:
    """Rows of the past as the other database would hold them."""
    if url.startswith("sqlite"):
        return past
    truths = {
        (table.name, column.name) for table in every_table() for column in table.columns
        if column.type.python_type is bool
    }  # fmt: skip
    return {
        table: [
            {name: bool(value) if (table, name) in truths else value for name, value in row.items()} for row in rows
        ]
        for table, rows in past.items()
    }

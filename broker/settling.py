"""The duty that copies SQLite's journal into the database, so that no request has to on its way to a commit."""

from __future__ import annotations

from broker.store.database import Database


class Settler:
    """Copies what was committed since the last turn."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def turn(self) -> None:
        """Copy what there is."""
        self._database.settle()

    def close(self) -> None:
        """Nothing is on its way between two turns."""
        self._database.close()

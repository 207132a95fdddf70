"""A database that looks at its own rows after every step of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

from invariants import assert_sound
from sqlalchemy import event

from broker.actions.broker import Broker
from broker.store.database import Database
from broker.store.trail import Pen
from broker.store.transaction import Transaction


class WatchedDatabase(Database):
    """A database whose rows are checked after every transaction that wrote, by the thread that runs the test."""

    def __init__(self, url: str, *, pen: Pen) -> None:
        super().__init__(url, pen=pen)
        self.broker: Broker | None = None
        self._open = 0
        self._wrote = False
        event.listen(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        self._wrote |= not statement.startswith(("SELECT", "BEGIN"))

    @contextmanager
    def transaction(self, *, in_turn: bool = False, whose: str = "") -> Iterator[Transaction]:
        """Let the block commit, then look."""
        mine = current_thread() is main_thread()
        self._open += mine
        try:
            with super().transaction(in_turn=in_turn, whose=whose) as tx:
                yield tx
        finally:
            self._open -= mine
        if mine and not self._open and self._wrote and self.broker is not None:
            self._wrote = False
            assert_sound(self, self.broker)

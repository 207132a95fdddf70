"""The duty that drops what is no longer kept, and makes room for months to come; it may where it owns the tables."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

from broker.actions.broker import Broker
from broker.actions.retain import due, finish, prepare_months, retain
from broker.settings import Settings
from broker.store.retaining import kept_since, may_drop

#: Seconds from the start to the first look, from one look to the next, and to the next try of what could not be done.
_FIRST, _PERIOD, _AGAIN = 30.0, 3600.0, 60.0
WHO = "broker tend"
log = logging.getLogger(__name__)


class Retainer:
    """Drops what is too old, a turn at a time; opens the broker when it is first needed, and not when all begins."""

    def __init__(self, begin: Callable[[], tuple[Settings, Broker]], *, first: float = _FIRST) -> None:
        self._begin = begin
        self._opened: tuple[Settings, Broker] | None = None
        self._next = monotonic() + first

    def turn(self) -> None:
        """Drop what is due, where this role may; what an earlier turn left undone first."""
        if monotonic() < self._next:
            return
        self._next = monotonic() + _AGAIN
        settings, broker = self._opened = self._opened or self._begin()
        with broker.database.reading() as tx:
            allowed, since = may_drop(tx), kept_since(tx)
        if allowed:
            prepare_months(broker)
            if since is not None:
                finish(broker, before=since)
            self._retain(broker, settings.kept_days())
        self._next = monotonic() + _PERIOD

    def _retain(self, broker: Broker, days: int) -> None:
        before = due(broker, days=days)
        if before is None:
            return
        done = retain(broker, before=before, who=WHO, tell=lambda fault: log.error("not as it was written: %s", fault))
        if done is not None:
            log.warning("answers from before %s were dropped: %s", done.retention_id, dict(done.dropped))

    def close(self) -> None:
        """Nothing is on its way between two turns."""
        if self._opened is not None:
            self._opened[1].database.close()

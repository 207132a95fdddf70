"""The duty that sees to what comes by itself: clients are told ahead, consents end, what is over is swept.

Any number of them do no harm. Without any, no consent permits a match after its date either.
"""

from __future__ import annotations

from time import monotonic

from broker.actions.broker import Broker
from broker.actions.expire_consents import expire_consents
from broker.actions.sweep import sweep_up

#: Seconds after which a turn ends, whatever is left, so that nobody waits long for the process to end.
_TURN = 2.0
#: Seconds between two sweeps. What has expired counts for nothing, swept or not.
_SWEEPING = 60.0


class Expirer:
    """Sees to what is due, a turn at a time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._swept = -_SWEEPING

    def turn(self) -> None:
        """See to what is due now."""
        ends = monotonic() + _TURN
        expire_consents(self._broker, wanted=lambda: monotonic() < ends)
        if monotonic() - self._swept >= _SWEEPING:
            sweep_up(self._broker)
            self._swept = monotonic()

    def close(self) -> None:
        """Nothing is on its way between two turns."""
        self._broker.database.close()

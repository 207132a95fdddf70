"""The duty that sees to what comes to consents by themselves: clients are told ahead, and consents end at their date.

Any number of them do no harm. Without any, no consent permits a match after its date either.
"""

from __future__ import annotations

from time import monotonic

from broker.actions.broker import Broker
from broker.actions.expire_consents import expire_consents

#: Seconds after which a turn ends, whatever is left, so that nobody waits long for the process to end.
_TURN = 2.0


class Expirer:
    """Sees to what is due, a turn at a time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def turn(self) -> None:
        """See to what is due now."""
        ends = monotonic() + _TURN
        expire_consents(self._broker, wanted=lambda: monotonic() < ends)

    def close(self) -> None:
        """Nothing is on its way between two turns."""
        self._broker.database.close()

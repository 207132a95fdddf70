"""The duty that files what the workers of this machine answered: from their tapes into the database."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.actions.file_tapes import file_tapes


class Filer:
    """Files every tape that a worker has let go, a turn at a time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def turn(self) -> None:
        """File what there is."""
        file_tapes(self._broker)

    def close(self) -> None:
        """Nothing is on its way between two turns."""
        self._broker.database.close()

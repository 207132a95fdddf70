"""Move what lies under old storage keys to the newest one: small transactions, resumed by being given again."""

from __future__ import annotations

from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.store.epochs import STORE_SEALED, Key, SealedColumn, move_some

#: Rows of one transaction: short enough that nobody waits for it.
_STEP = 100


@dataclass(frozen=True)
class Outcome:
    """How many rows were sealed anew, and how many do not open."""

    anew: int
    broken: int


def move_to_newest(broker: Broker) -> Outcome:
    """Seal everything anew that an older epoch sealed. Killed and given again, it goes on with what is left."""
    done = [_move_column(broker, sealed) for sealed in STORE_SEALED]
    return Outcome(sum(one.anew for one in done), sum(one.broken for one in done))


def _move_column(broker: Broker, sealed: SealedColumn) -> Outcome:
    anew = broken = 0
    after: Key | None = None
    while True:
        with broker.database.transaction() as tx:
            moved = move_some(tx, sealed, broker.sealer, after=after, limit=_STEP)
        anew, broken, after = anew + moved.anew, broken + moved.broken, moved.last
        if after is None:
            return Outcome(anew, broken)

"""How many questions were about accounts that their client has nothing on: nobody's customers, or nobody at all.

A file of a business's own customers has few; who tries numbers has little else. It turns on what the client itself has
on record, and on nothing that others have.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.store.holdings import accounts_known
from broker.store.transaction import Transaction


def misses_among(tx: Transaction, broker: Broker, client: Client, denied: Sequence[bytes]) -> int:
    """Return how many of the questions about these accounts, *denied* all of them, were misses.

    What was permitted rests on something, so it is none. Where misses have no limit nobody counts them.
    """
    if not denied or not broker.budgets.limits.misses.cost:
        return 0
    known = accounts_known(tx, denied, client.client_id)
    return sum(account not in known for account in denied)

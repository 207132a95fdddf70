"""Of which accounts a client has anything on record: what is not is a miss, which its budget counts."""

from __future__ import annotations

from collections.abc import Collection

from broker.store.keyed import rows_of
from broker.store.transaction import Transaction

#: Both by the beginning of the primary key. A consent counts whatever became of it; a refusal is not the client's to
#: know.
_HELD = (
    "SELECT DISTINCT account FROM consents WHERE client_id = %s AND account",
    "SELECT DISTINCT account FROM grounds WHERE client_id = %s AND account",
)


def accounts_known(tx: Transaction, accounts: Collection[bytes], client_id: str) -> frozenset[bytes]:
    """Those of these accounts of which the client has, or had, a consent, or has an association.

    The same statements whatever others have of them.
    """
    asked = sorted(set(accounts))
    return frozenset(row.account for held in _HELD for row in rows_of(tx, held, asked, client_id))

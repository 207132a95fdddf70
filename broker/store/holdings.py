"""Of which accounts a client has anything on record: what is not is a miss, which its budget counts."""

from __future__ import annotations

from collections.abc import Collection

from broker.store.transaction import Transaction

#: Accounts of one statement.
_AT_ONCE = 30_000
#: Both by the beginning of the primary key. A consent counts whatever became of it; a refusal is not the client's to
#: know.
_HELD = (
    "SELECT DISTINCT account FROM consents WHERE client_id = ",
    "SELECT DISTINCT account FROM grounds WHERE client_id = ",
)


def accounts_known(tx: Transaction, accounts: Collection[bytes], client_id: str) -> frozenset[bytes]:
    """Those of these accounts of which the client has, or had, a consent, or has an association.

    The same statements whatever others have of them.
    """
    asked = sorted(set(accounts))
    found: list[bytes] = []
    for begin in range(0, len(asked), _AT_ONCE):
        some = asked[begin : begin + _AT_ONCE]
        for held in _HELD:
            if tx.dialect.name == "postgresql":
                rows = tx.exec_driver_sql(f"{held}%s AND account = ANY(%s)", (client_id, some))
            else:
                rows = tx.exec_driver_sql(f"{held}? AND account IN ({','.join('?' * len(some))})", (client_id, *some))
            found += rows.scalars()
    return frozenset(found)

"""A status list as it stands now: made from the rows when somebody asks, and signed.

Nothing decides a match by a list: a match reads the consent itself.
"""

from __future__ import annotations

from datetime import datetime

from broker.actions.broker import Broker
from broker.errors import NotFound
from broker.proof.status import Status, StatusList, pack, sign_status_list
from broker.store.receipts import INVALID, LIST_SIZE
from broker.store.status import Fallen, fallen_entries, newest_list
from broker.store.transaction import Transaction

#: Seconds that a holder may keep a list before asking again, and until it counts for nothing.
TTL, LIFE = 60, 3600


def list_uris(tx: Transaction, broker: Broker) -> list[str]:
    """Return the address of every list, the first one first."""
    return [_uri(broker, number) for number in range(1, newest_list(tx) + 1)]


def list_entries(tx: Transaction, number: int, *, now: datetime) -> bytes:
    """Return a list's entries, packed, or raise :class:`NotFound` when there is no list of that number."""
    if not 1 <= number <= newest_list(tx):
        raise NotFound("there is no status list of that number")
    values = {entry.position: _value(entry) for entry in fallen_entries(tx, number, now=now)}
    return pack(values, size=LIST_SIZE)


def sign_entries(broker: Broker, number: int, packed: bytes, *, now: datetime) -> str:
    """Sign a list's entries as they were read at *now*."""
    issued_at = int(now.timestamp())
    listed = StatusList(
        uri=_uri(broker, number), issued_at=issued_at, expires_at=issued_at + LIFE, ttl=TTL, packed=packed
    )
    return sign_status_list(listed, broker.keys.receipts)


def _value(entry: Fallen) -> Status:
    """What ended stays ended, whoever is suspended besides."""
    return Status.INVALID if entry.value == INVALID or entry.expired else Status.SUSPENDED


def _uri(broker: Broker, number: int) -> str:
    return broker.url(f"/status/{number}")

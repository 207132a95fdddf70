"""The rows as they lie in the tables, and whether a value lies there in clear or in a writing that anyone reads."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from broker.actions.broker import Broker
from broker.store.columns import metadata
from broker.store.people import pairwise_name
from broker.store.sealing import SealBroken
from broker.store.transaction import Transaction

#: The rows of each table by its name.
Rows = dict[str, list[dict[str, Any]]]
#: Tables about businesses and texts: what they hold is nobody's personal value.
_ABOUT_NOBODY = {"clients"}


def all_rows(tx: Transaction) -> Rows:
    """Every row of every table."""
    return {
        table.name: [dict(row._mapping) for row in tx.execute(table.select())]  # noqa: SLF001 - a public name in disguise
        for table in metadata.sorted_tables
    }


def pairwise_in(rows: Rows, broker: Broker, row: dict[str, Any]) -> str:
    """The person of a row as its client sees them, by the key that lies beside."""
    account = row["account"]
    wrapped = next((person["wrapped_key"] for person in rows["people"] if person["account"] == account), b"")
    try:
        person = broker.sealer.unwrap(wrapped, place=f"people.wrapped_key:{account.hex()}")
    except SealBroken:
        return "nobody"
    return pairwise_name(person, row["client_id"])


def in_clear(rows: Rows, personal: Collection[str]) -> Iterator[str]:
    """Name each column that holds a personal value as it is, or in a writing that anyone reads."""
    for table in rows.keys() - _ABOUT_NOBODY:
        cells = [(name, _raw(cell)) for row in rows[table] for name, cell in row.items()]
        cells += [(name, cell.lower()) for name, cell in cells]
        lying = b"\0".join(cell for _, cell in cells)
        for value in personal:
            found = [needle for needle in writings(value) if needle in lying]
            names = sorted({name for name, cell in cells for needle in found if needle in cell})
            yield from (f"{table}.{name} holds {value!r} in clear" for name in names)


@cache
def writings(value: str) -> frozenset[bytes]:
    """The ways in which a value may lie in a file and be read by anyone: bytes, hex, base64 at each offset, UTF-16."""
    return frozenset(_writings(value))


def _writings(value: str) -> Iterator[bytes]:
    for spelled in {value, value.lower(), value.upper()}:
        raw = spelled.encode()
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        yield spelled.encode("utf-16-le")
        yield spelled.encode("utf-16-be")
        for lead in range(3):
            # The letters that depend on the neighbours are cut off at both ends.
            length = len(raw) + lead
            kept = slice(-(-lead * 8 // 6), length * 8 // 6)
            yield b64encode(b"\0" * lead + raw)[kept]
            yield urlsafe_b64encode(b"\0" * lead + raw)[kept]


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()

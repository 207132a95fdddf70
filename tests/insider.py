"""An insider who has the database and all of the broker's keys, and a list of people that it may be about.

Nothing is guessed that has 128 random bits. All else is tried: every account and handle of the list, in each
environment, with every client, grant and identifier that is known.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from raw_rows import Rows

from broker.actions.broker import Broker
from broker.core.client import ENVIRONMENTS
from broker.core.identifiers import Identifier, ProvenAccount
from broker.proof.sdjwt import payload_of
from broker.store.columns import metadata
from broker.store.row_mac import about, canonical
from broker.store.trail import entry_digest

Needles = dict[bytes, str]


def traces_in(
    rows: Rows, broker: Broker, key: bytes, people: Iterable[ProvenAccount], identifiers: Iterable[Identifier]
) -> list[str]:
    """Name every column that leads to one of *people* for whoever holds *key*, that of the rows, and all the others."""
    needles = dict(_needles(rows, broker, key, list(people), list(identifiers)))
    columns: dict[str, list[bytes]] = defaultdict(list)
    for table, content in rows.items():
        for row in content:
            for name, cell in row.items():
                columns[f"{table}.{name}"].append(cell if isinstance(cell, bytes) else str(cell).encode())
    lying = {where: b"\0\0".join(cells) for where, cells in columns.items()}
    found = {
        f"{where} holds {what}" for where, cells in lying.items() for needle, what in needles.items() if needle in cells
    }
    return sorted(found | set(_opened(rows, broker, needles)))


def _needles(
    rows: Rows, broker: Broker, key: bytes, people: list[ProvenAccount], identifiers: list[Identifier]
) -> Iterator[tuple[bytes, str]]:
    digests = dict(_accounts(broker, people))
    clients = [row["client_id"] for row in rows["clients"]]
    for digest, what in digests.items():
        yield from _written(digest, what)
        yield about(key, digest), f"the beginning of keys of {what}"
    for client, identifier in product(clients, identifiers):
        own = broker.blinder.identifier(client, identifier)
        yield from _written(own, f"{identifier.value} of a client")
        for digest, what in digests.items():
            yield broker.blinder.pair(client, digest, own), f"a refused pair of {what}"
            yield broker.blinder.tainted_pair(client, digest, identifier.folded()), f"a tainted pair of {what}"


def _accounts(broker: Broker, people: list[ProvenAccount]) -> Iterator[tuple[bytes, str]]:
    for person, environment in product(people, ENVIRONMENTS):
        where = f"{person.handle} in {environment}"
        yield broker.blinder.account(person.account, environment=environment), f"the account of {where}"
        yield (
            broker.blinder.handle(person.account.platform, person.handle, environment=environment),
            f"the handle {where}",
        )


def _opened(rows: Rows, broker: Broker, needles: Needles) -> Iterator[str]:
    """What opens under the store's own key, and names somebody then."""
    for table, name, column in (("receipts", "receipt_id", "sealed_jwt"), ("statements", "statement_id", "sealed_jwt")):
        for row in rows[table]:
            jwt = broker.sealer.open(row[column], place=f"{table}.{column}:{row[name]}")
            said = str(payload_of(jwt.decode())).encode()
            yield from (f"the JWT of {table} holds {what}" for needle, what in needles.items() if needle in said)


def _written(digest: bytes, what: str) -> Iterator[tuple[bytes, str]]:
    for written in (digest, digest.hex().encode(), b64encode(digest)[:-3], urlsafe_b64encode(digest)[:-3]):
        yield written, what


def salted(rows: Rows, before: Rows) -> list[str]:
    """Name the rows of *before* that an entry of the trail still tells of: its digest is theirs, its salt at hand."""
    tables = {table.name: table for table in metadata.sorted_tables}
    known = {
        (name, canonical(tables[name], row)): f"{name} as it was" for name, content in before.items() for row in content
    }
    return sorted(
        what
        for entry in rows["trail"] if entry["salt"]
        for (name, content), what in known.items()
        if name == entry["row_table"] and entry_digest(entry["salt"], content) == entry["digest"]
    )  # fmt: skip

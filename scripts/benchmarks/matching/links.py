"""Millions of links, made in bulk: the rows that a match and the person's page read, as the broker writes them.

One consent is given by the broker's own verbs; its rows are the pattern for all others, each with digests, ids, seals
and MACs of its own. Receipts, leaves and entries of the trail are made for that one alone. The rows come in the order
of their keys, or to insert ten million would take hours.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import JSON, Dialect, Table, make_url, select

from benchmarks import consenting
from benchmarks.matching.filling import Fill, filling
from benchmarks.matching.questions import decided, question
from broker.actions.broker import Broker
from broker.core.blinding import Blinder
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.core.identifiers import Identifier, PlatformAccount
from broker.store.consents import Details, details_of, find_consent
from broker.store.match_tables import PairRow
from broker.store.pairs import as_line
from broker.store.people import find_person
from broker.store.row_mac import MAC, canonical, row_mac
from broker.store.sealing import StoreSealer
from broker.store.tables import AssociationRow, ConsentRow, PersonRow
from broker.store.writing import table_of

#: The tables of one link; a match reads the first alone.
TABLES = tuple(table_of(model) for model in (PairRow, ConsentRow, AssociationRow, PersonRow))
#: Two processes make rows.
PROCESSES = 2
_DIGEST, _NUMBER = 16, 5
_ENTRY = _DIGEST + _NUMBER
_RANGE, _BUCKETS = 20_000, 512
_LETTERS, _BASE32 = 26, b"abcdefghijklmnopqrstuvwxyz234567"
_ANY, _LAST = _BASE32 * 8, bytes(_BASE32[byte & 0b11100] for byte in range(256))
Row = Mapping[str, Any]
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """What rows are made from; all of it can be handed to another process."""

    secret: bytes
    row_key: bytes
    storage: Mapping[int, bytes]
    record: ConsentRecord
    details: Details
    rows: Mapping[str, Row]
    #: Links below this number get all their rows, the others their pair alone.
    whole: int
    backend: str

    @property
    def blinder(self) -> Blinder:
        """What makes digests."""
        return Blinder(self.secret)

    @property
    def store(self) -> StoreSealer:
        """What seals under the store's key."""
        newest = max(self.storage)
        return StoreSealer(key=self.storage[newest], random=os.urandom, epoch=newest, epochs=self.storage)


def make_links(broker: Broker, client: Client, links: int, whole: int) -> None:
    """Link the people from number 0 on; *whole* of them get all their rows. Raises where one is not as it must be."""
    pattern = _pattern(broker, client, links, whole)
    with ProcessPoolExecutor(PROCESSES) as makers, filling(broker.database, TABLES) as fill:
        _fill(makers, fill, pattern, links)
    for number in {0, links // 2, links - 1}:
        _check(broker, client, number, whole=number < whole)


def _pattern(broker: Broker, client: Client, links: int, whole: int) -> Pattern:
    """Give one consent, of a person behind all the others, and look how it lies in the tables."""
    [given] = consenting.consents(broker, client, range(links, links + 1))
    with broker.database.reading() as tx:
        record = find_consent(tx, given.account, given.grant_id)
        if record is None:
            raise LookupError("what was just written is not there")
        pair = given.account + record.identifier.digest
        pairs, *about = TABLES
        rows = {table.name: tx.execute(select(table).where(table.c.account == given.account)).one() for table in about}
        rows[pairs.name] = tx.execute(select(pairs).where(pairs.c.pair == pair)).one()
        details = details_of(tx, record, sealer=_person(broker, given.account).sealer)
    pattern = Pattern(
        secret=broker.blinder.secret, row_key=broker.database.row_key, storage=broker.sealer.epochs, record=record,
        details=details, rows={name: row._asdict() for name, row in rows.items()}, whole=whole,
        backend=broker.database.engine.url.drivername,
    )  # fmt: skip
    again = _finished(pattern, pairs, {**as_line((record,), ())._asdict(), "pair": pair})
    if again != pattern.rows[pairs.name]:
        raise AssertionError("a pair's row is not made as the broker makes it")
    return pattern


def _person(broker: Broker, account: bytes) -> Any:  # noqa: ANN401 - a person
    with broker.database.reading() as tx:
        return find_person(tx, broker.sealer, account)


def _fill(makers: ProcessPoolExecutor, fill: Fill, pattern: Pattern, links: int) -> None:
    """First the digests of all, dealt by how they begin; then the rows, one lot after the other."""
    buckets = [bytearray() for _ in range(_BUCKETS)]
    ranges = [(begin, min(begin + _RANGE, links)) for begin in range(0, links, _RANGE)]
    for digests in makers.map(partial(_digests, pattern), ranges):
        for at in range(0, len(digests), _ENTRY):
            buckets[int.from_bytes(digests[at : at + 2]) * _BUCKETS >> 16] += digests[at : at + _ENTRY]
    for rows in _in_order(makers, pattern, buckets):
        for table in TABLES:
            fill.take(table, rows[table.name])


def _in_order(makers: ProcessPoolExecutor, pattern: Pattern, buckets: Sequence[bytearray]) -> Iterator[Rows]:
    """Lots of rows in order, no more of them made ahead than the makers can be busy with."""
    lots = [bytes(bucket) for bucket in buckets if bucket]
    ahead = [makers.submit(_rows, pattern, lot) for lot in lots[: PROCESSES + 1]]
    for at in range(len(lots)):
        yield ahead.pop(0).result()
        if at + PROCESSES + 1 < len(lots):
            ahead.append(makers.submit(_rows, pattern, lots[at + PROCESSES + 1]))


def _digests(pattern: Pattern, numbers: tuple[int, int]) -> bytes:
    blinder = pattern.blinder
    accounts = ((number, PlatformAccount(platform="x", id=consenting.who(number)[0])) for number in range(*numbers))
    return b"".join(blinder.account(account) + number.to_bytes(_NUMBER) for number, account in accounts)


def _rows(pattern: Pattern, lot: bytes) -> Rows:
    """All rows of some links, as the driver takes them."""
    made: Rows = {table.name: [] for table in TABLES}
    dialect = make_url(f"{pattern.backend}://").get_dialect()()
    shapers = {table.name: _shaper(table, dialect) for table in TABLES}
    maker = _Maker(pattern)
    for entry in sorted(lot[at : at + _ENTRY] for at in range(0, len(lot), _ENTRY)):
        for table, row in maker.rows_of(entry[:_DIGEST], int.from_bytes(entry[_DIGEST:])):
            made[table.name].append(shapers[table.name](row))
    return made


def _shaper(table: Table, dialect: Dialect) -> Any:  # noqa: ANN401 - a function of a row
    """Turns a row into what the driver is handed, in the order of the columns."""
    ways = [
        (it.name, json.dumps if isinstance(it.type, JSON) else it.type.dialect_impl(dialect).bind_processor(dialect))
        for it in table.columns
    ]
    return lambda row: tuple(way(row[name]) if way else row[name] for name, way in ways)


class _Maker:
    """Makes the rows of one link after the other."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern, self._blinder, self._store = pattern, pattern.blinder, pattern.store

    def rows_of(self, account: bytes, number: int) -> Iterator[tuple[Table, Row]]:
        """The rows of the person of that number."""
        pattern = self._pattern
        pairs, consents, associations, people = TABLES
        email = consenting.who(number)[1]
        one = pattern.record.identifier
        digest = self._blinder.identifier(
            pattern.record.client_id, Identifier(kind=one.kind, type=one.type, value=email)
        )
        given_at = pattern.record.given_at - timedelta(milliseconds=number)
        record = replace(
            pattern.record, account=account, identifier=replace(one, digest=digest), grant_id=_an_id(),
            receipt_id=_an_id(), given_at=given_at,
        )  # fmt: skip
        line = as_line((record,), ())._asdict()
        yield pairs, _finished(pattern, pairs, {**line, "pair": account + digest})
        if number >= pattern.whole:
            return
        key, person = self._person(account, number, given_at)
        place = f"consents.sealed_details:{account.hex()}:{record.grant_id}"
        identifier = {**pattern.details.identifier, "value": email}
        sealed = key.seal_json({**vars(pattern.details), "identifier": identifier}, place=place)
        same = {"account": account, "identifier": digest, "grant_id": record.grant_id}
        own = {"receipt_id": record.receipt_id, "given_at": given_at, "sealed_details": sealed}
        yield consents, _finished(pattern, consents, same | own)
        yield associations, _finished(pattern, associations, {**same, "made_at": given_at})
        yield people, _finished(pattern, people, person)

    def _person(self, account: bytes, number: int, proved_at: datetime) -> tuple[Any, Row]:
        key, wrapped = self._store.new_key(place=f"people.wrapped_key:{account.hex()}")
        known = {"id": consenting.who(number)[0], "handle": f"person_{number}"}
        sealed = key.seal_json(known, place=f"people.sealed_account:{account.hex()}")
        row = {"account": account, "generation": os.urandom(16).hex(), "wrapped_key": wrapped}
        return key, {**row, "sealed_account": sealed, "proved_at": proved_at}


def _finished(pattern: Pattern, table: Table, own: Row) -> dict[str, Any]:
    """A whole row: as the pattern's, with what is its own, and with its MAC."""
    row = {**pattern.rows[table.name], **own}
    return {**row, MAC: row_mac(pattern.row_key, canonical(table, row))}


def _an_id() -> str:
    """As ``Broker.new_id`` makes them: 16 random bytes in 26 letters, the last of which has three bits."""
    drawn = os.urandom(_LETTERS)
    return (drawn[:-1].translate(_ANY) + drawn[-1:].translate(_LAST)).decode()


def _check(broker: Broker, client: Client, number: int, *, whole: bool) -> None:
    """Ask the broker about one link that was made; and, where all of it was, open what is sealed."""
    [told] = decided(broker, client, [question(number)])
    if not told.decision.permitted:
        raise AssertionError(f"link {number} is not permitted: {told.decision.reason}")
    if whole:
        account = broker.blinder.account(PlatformAccount(platform="x", id=consenting.who(number)[0]))
        person = _person(broker, account)
        with broker.database.reading() as tx:
            record = find_consent(tx, account, told.names.split(" ")[1])
            if record is None or details_of(tx, record, sealer=person.sealer).handle is None:
                raise AssertionError(f"the consent of link {number} cannot be read")

"""Taking a person out of the rows: what is about them goes, what is evidence stays under a name of nobody's.

Every table with an account is erased unless it is named here, so that a table that is new is erased, too. Receipts,
statements and events are kept without disclosures under fresh random accounts, one for each business: nothing ties
what one business was told to what another was. What a business has still to be told, the erasure first of all, goes
out to it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, bindparam, select
from sqlmodel import col

from broker.core.blinding import name_digest
from broker.core.consent import ConsentStatus
from broker.errors import BadConfiguration
from broker.store.columns import metadata
from broker.store.events import rename_queue
from broker.store.log import Leaf, leave
from broker.store.log_tables import ErasureRow
from broker.store.pairs import wipe_match
from broker.store.people import RECYCLED
from broker.store.receipts import StatusEntry, invalidate
from broker.store.routes import RECEIPT
from broker.store.row_mac import canonical, is_marked, row_mac
from broker.store.sheet_tables import SheetEntriesRow
from broker.store.sheets_erasing import blank_in_sheets
from broker.store.tables import EventRow, HandleRow, PersonRow, ReceiptRow, RouteRow
from broker.store.terms_tables import StatementRow
from broker.store.trail import blank_entries, trail_of
from broker.store.transaction import Transaction
from broker.store.writing import add_once, change, move, table_of, wipe

#: Kept as evidence, and what of each leads to the person.
KEPT: Mapping[type, Mapping[str, object]] = {
    ReceiptRow: {"sealed_disclosures": b""},
    StatementRow: {"sealed_disclosures": b""},
    EventRow: {},
}
#: Whoever acts as the person holds their session: it is waited for first, and what they did is seen afterwards.
_FIRST = "person_sessions"


@dataclass(frozen=True, kw_only=True)
class Erased:
    """How many rows went and how many stay, by table, of sheets how many entries.

    ``entries`` are the digests of the trail's entries that lost key and salt.
    """

    destroyed: Mapping[str, int]
    kept: Mapping[str, int]
    entries: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """An erasure on record: who did it, why if an operator did, and its certificate without the disclosure."""

    erasure_id: str
    who: str
    why: str | None
    jwt: str
    leaf: bytes
    erased_at: datetime


def hold_people(tx: Transaction, accounts: Iterable[bytes]) -> dict[bytes, str]:
    """Keep everybody else from these accounts until the transaction ends; return the generation of those known."""
    return {row.account: row.generation for row in _held(tx, accounts)}


def hold_generations(tx: Transaction, generations: Iterable[str]) -> dict[bytes, str]:
    """The same for the accounts that these generations name, where they are still there.

    A row that the broker did not write is refused: whoever gave somebody the generation of one who was erased would
    have them erased, too, and certified.
    """
    table, key = table_of(PersonRow), trail_of(tx).key
    wanted = set(generations)
    named = tx.execute(select(table.c.account).where(table.c.generation.in_(wanted))).scalars()
    rows = [row for row in _held(tx, named.all()) if row.generation in wanted]
    for row in rows:
        if not is_marked(row._asdict(), row_mac(key, canonical(table, row._asdict()))):
            raise BadConfiguration(
                f"people {row.account.hex()}: a line of the journal names this row, and the broker did not write it so;"
                " nobody is erased, and nothing serves, until it is put right (`broker audit`)"
            )
    return {row.account: row.generation for row in rows}


def _held(tx: Transaction, accounts: Iterable[bytes]) -> list[Row[Any]]:
    """One by one, in an order that all keep to: in a cluster each lies elsewhere, and is locked alone."""
    person = select(table_of(PersonRow)).where(col(PersonRow.account) == bindparam("whose")).with_for_update()
    found = (tx.execute(person, {"whose": account}).one_or_none() for account in sorted(set(accounts)))
    return [row for row in found if row]


def erase_rows(
    tx: Transaction, accounts: Collection[bytes], *, erasure_id: str, new_account: Callable[[], bytes]
) -> Erased:
    """Take everything that lies under *accounts* out of the tables and out of the trail; evidence stays nameless."""
    kept = _keep_evidence(tx, accounts, new_account)
    _keep_recycled(tx, accounts, new_account)
    destroyed = {table.name: wipe(tx, table, table.c.account.in_(accounts)) for table in tables_of_people()}
    for account in accounts:
        for name, count in wipe_match(tx, account).items():
            destroyed[name] = destroyed.get(name, 0) + count
    destroyed[table_of(SheetEntriesRow).name] = blank_in_sheets(tx, accounts)
    entries = blank_entries(tx, accounts, erasure_id=erasure_id)
    trail_of(tx).leave_alone(accounts)
    return Erased(destroyed=destroyed, kept=kept, entries=tuple(entries))


def tables_of_people() -> list[Table]:
    """Every table whose rows are about an account, in the order in which they are erased."""
    kept = {table_of(model) for model in KEPT}
    found = [table for table in metadata.sorted_tables if "account" in table.columns and table not in kept]
    return sorted(found, key=lambda table: table.name != _FIRST)


def _keep_evidence(tx: Transaction, accounts: Collection[bytes], new_account: Callable[[], bytes]) -> dict[str, int]:
    receipts = tx.execute(select(*_RECEIPT).where(col(ReceiptRow.account).in_(accounts))).all()
    for receipt in receipts:
        invalidate(tx, StatusEntry(list_id=receipt.status_list, position=receipt.status_index))
    kept = {table_of(model).name: 0 for model in KEPT}
    for account, client_id in _pairs(tx, accounts):
        nobody = new_account()
        for model, emptied in KEPT.items():
            table = table_of(model)
            mine = (table.c.account == account, table.c.client_id == client_id)
            kept[table.name] += len(move(tx, model, *mine, account=nobody, **emptied))
        rename_queue(tx, client_id, account, nobody)
        names = [
            name_digest(RECEIPT, receipt.receipt_id)
            for receipt in receipts
            if (receipt.account, receipt.client_id) == (account, client_id)
            and receipt.status != ConsentStatus.REFUSED.value
        ]
        # The business finds its own receipt still; a refusal was the person's alone.
        for name in names:
            change(tx, RouteRow, col(RouteRow.kind) == RECEIPT, col(RouteRow.name) == name, account=nobody)
    return kept


def _pairs(tx: Transaction, accounts: Collection[bytes]) -> list[tuple[bytes, str]]:
    """Each account with each business that something is kept for: two accounts may have events of one place."""
    found: set[tuple[bytes, str]] = set()
    for model in KEPT:
        table = table_of(model)
        both = select(table.c.account, table.c.client_id).distinct().where(table.c.account.in_(accounts))
        found |= {(row.account, row.client_id) for row in tx.execute(both)}
    return sorted(found)


def _keep_recycled(tx: Transaction, accounts: Collection[bytes], new_account: Callable[[], bytes]) -> None:
    """A handle that two accounts proved leads to nobody ever again: that is about the other one, too."""
    recycled = (col(HandleRow.account).in_(accounts), col(HandleRow.standing) == RECYCLED)
    for handle in tx.execute(select(col(HandleRow.handle)).where(*recycled)).scalars().all():
        change(tx, HandleRow, col(HandleRow.handle) == handle, account=new_account())


_RECEIPT = [
    col(column)
    for column in (
        ReceiptRow.account,
        ReceiptRow.receipt_id,
        ReceiptRow.client_id,
        ReceiptRow.status,
        ReceiptRow.status_list,
        ReceiptRow.status_index,
    )
]


def save_erasure(tx: Transaction, erasure: Erasure) -> bool:
    """Put an erasure on record with its pending leaf; False when somebody else has meanwhile."""
    if not add_once(tx, ErasureRow, **vars(erasure)):
        return False
    leave(tx, Leaf(erasure.leaf, "erasure", erasure.erased_at))
    return True


def find_erasure(tx: Transaction, erasure_id: str) -> Erasure | None:
    """Return the erasure of that id."""
    names = [column for column in table_of(ErasureRow).columns if column.name in Erasure.__dataclass_fields__]
    row = tx.execute(select(*names).where(col(ErasureRow.erasure_id) == erasure_id)).one_or_none()
    return Erasure(**row._asdict()) if row else None


def erasure_ids(tx: Transaction) -> set[str]:
    """The id of every erasure on record."""
    return set(tx.execute(select(col(ErasureRow.erasure_id))).scalars())

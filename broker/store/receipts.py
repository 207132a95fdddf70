"""Signed receipts with what belongs to each: its status entry and its pending leaf.

Receipts and leaves are only ever added. Not trusted: a receipt that was changed no longer verifies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlmodel import col

from broker.core.consent import ConsentStatus
from broker.core.names import is_id
from broker.store.log import Leaf, leave
from broker.store.paging import Place, page
from broker.store.sealing import Sealer
from broker.store.tables import NoticeRow, ReceiptRow, StatusEntryRow
from broker.store.transaction import Transaction
from broker.store.writing import add, add_once, change, change_one, table_of

#: Entries in one status list. Positions are drawn at random, so that neighbours have nothing in common.
LIST_SIZE = 2**17
_DRAWS = 8
_HEADS = select(
    *(
        col(column)
        for column in (
            ReceiptRow.receipt_id,
            ReceiptRow.grant_id,
            ReceiptRow.client_id,
            ReceiptRow.status,
            ReceiptRow.issued_at,
        )
    )
)
_RECEIPTS = (
    select(table_of(ReceiptRow))
    .where(col(ReceiptRow.account) == bindparam("account"))
    .order_by(col(ReceiptRow.issued_at).desc(), col(ReceiptRow.receipt_id))
)
_RECEIPT = _RECEIPTS.where(col(ReceiptRow.receipt_id) == bindparam("receipt_id"))
_NEWEST_LIST = select(func.max(col(StatusEntryRow.list_id)))
VALID, INVALID, SLEEPING = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class StatusEntry:
    """One place in one status list."""

    list_id: int
    position: int


@dataclass(frozen=True, kw_only=True)
class StoredReceipt:
    """A receipt in its parts: the JWT anyone may verify, and the disclosures that are the person's."""

    account: bytes
    receipt_id: str
    grant_id: str
    client_id: str
    status: ConsentStatus
    issued_at: datetime
    jwt: str
    disclosures: tuple[str, ...]
    leaf: bytes
    entry: StatusEntry


@dataclass(frozen=True, kw_only=True)
class ReceiptHead:
    """A receipt as a list names it: whose business, of what, and when; what it says stays sealed."""

    receipt_id: str
    grant_id: str
    client_id: str
    status: ConsentStatus
    issued_at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What keeps a consent's entry valid: its client, and its date."""

    client_id: str
    valid_until: datetime


def take_status_entry(tx: Transaction, *, draw: Callable[[int], int], standing: Standing | None = None) -> StatusEntry:
    """Take a free place at random. A list so full that every draw hits a taken place is followed by the next.

    Without a *standing* consent behind it the entry is invalid from its first second: the list never lets anybody take
    the receipt of a refusal or of an end for a consent.
    """
    newest = tx.execute(_NEWEST_LIST).scalar_one_or_none() or 1
    for attempt in range(2 * _DRAWS):
        entry = StatusEntry(list_id=newest + attempt // _DRAWS, position=draw(LIST_SIZE))
        if _take(tx, entry, standing):
            return entry
    raise RuntimeError("no free place in a status list")


def invalidate(tx: Transaction, entry: StatusEntry) -> None:
    """Mark a receipt's consent as no longer valid."""
    change_one(tx, StatusEntryRow, {"list_id": entry.list_id, "position": entry.position}, value=INVALID)


def put_to_sleep(tx: Transaction, account: bytes, receipt_id: str, *, asleep: bool) -> None:
    """Let the entry of a consent that stands sleep, or wake it up; one that has ended stays ended."""
    entry = tx.execute(
        select(col(ReceiptRow.status_list), col(ReceiptRow.status_index)).where(
            col(ReceiptRow.account) == account, col(ReceiptRow.receipt_id) == receipt_id
        )
    ).one()
    same = (col(StatusEntryRow.list_id) == entry.status_list, col(StatusEntryRow.position) == entry.status_index)
    before, after = (VALID, SLEEPING) if asleep else (SLEEPING, VALID)
    change(tx, StatusEntryRow, *same, col(StatusEntryRow.value) == before, value=after)


def save_receipt(tx: Transaction, receipt: StoredReceipt, *, store: Sealer, person: Sealer) -> None:
    """Insert a receipt and its pending leaf."""
    add(
        tx,
        ReceiptRow,
        account=receipt.account,
        receipt_id=receipt.receipt_id,
        grant_id=receipt.grant_id,
        client_id=receipt.client_id,
        status=receipt.status.value,
        issued_at=receipt.issued_at,
        sealed_jwt=store.seal(receipt.jwt.encode(), place=_place("jwt", receipt.receipt_id)),
        sealed_disclosures=person.seal_json(list(receipt.disclosures), place=_place("disclosures", receipt.receipt_id)),
        leaf=receipt.leaf,
        status_list=receipt.entry.list_id,
        status_index=receipt.entry.position,
    )
    leave(tx, Leaf(receipt.leaf, "receipt", receipt.issued_at))


def find_receipt(
    tx: Transaction, account: bytes, receipt_id: str, *, store: Sealer, person: Sealer
) -> StoredReceipt | None:
    """Return one receipt of one person."""
    if not is_id(receipt_id):
        return None
    rows = tx.execute(_RECEIPT, {"account": account, "receipt_id": receipt_id})
    return next((_receipt(row, store, person) for row in rows), None)


def list_receipts(tx: Transaction, account: bytes, *, store: Sealer, person: Sealer) -> list[StoredReceipt]:
    """Return every receipt of one person, the latest first."""
    return [_receipt(row, store, person) for row in tx.execute(_RECEIPTS, {"account": account})]


def receipt_heads(tx: Transaction, account: bytes, grants: Collection[str]) -> list[ReceiptHead]:
    """Return the receipts of these grants, the latest first, without opening one."""
    own = _HEADS.where(col(ReceiptRow.account) == account, col(ReceiptRow.grant_id).in_(list(grants)))
    return _heads(tx, page(own, col(ReceiptRow.issued_at), col(ReceiptRow.receipt_id), before=None, limit=None))


def refusals_of(
    tx: Transaction, account: bytes, *, before: Place | None = None, limit: int | None = None
) -> list[ReceiptHead]:
    """Return the receipts of what the person refused, the latest first."""
    refused = (col(ReceiptRow.account) == account, col(ReceiptRow.status) == ConsentStatus.REFUSED.value)
    rows = page(
        _HEADS.where(*refused), col(ReceiptRow.issued_at), col(ReceiptRow.receipt_id), before=before, limit=limit
    )
    return _heads(tx, rows)


def save_notice(
    tx: Transaction, *, sha256: str, notice_id: str, version: str, language: str, text: str, now: datetime
) -> None:
    """Keep a notice text the first time it is shown."""
    add_once(
        tx,
        NoticeRow,
        sha256=sha256,
        notice_id=notice_id,
        version=version,
        language=language,
        text=text,
        first_shown_at=now,
    )


def _heads(tx: Transaction, rows: Select[*tuple[Any, ...]]) -> list[ReceiptHead]:
    return [ReceiptHead(**{**row._asdict(), "status": ConsentStatus(row.status)}) for row in tx.execute(rows)]


def _receipt(row: Any, store: Sealer, person: Sealer) -> StoredReceipt:  # noqa: ANN401 - a row of the statements above
    return StoredReceipt(
        account=row.account,
        receipt_id=row.receipt_id,
        grant_id=row.grant_id,
        client_id=row.client_id,
        status=ConsentStatus(row.status),
        issued_at=row.issued_at,
        jwt=store.open(row.sealed_jwt, place=_place("jwt", row.receipt_id)).decode(),
        disclosures=_opened(row, person),
        leaf=row.leaf,
        entry=StatusEntry(list_id=row.status_list, position=row.status_index),
    )


def _opened(row: Any, person: Sealer) -> tuple[str, ...]:  # noqa: ANN401 - a row of the statement above
    """The disclosures; none where the person was erased: then there is no key either, and nothing to open."""
    if not row.sealed_disclosures:
        return ()
    opened = person.open_json(row.sealed_disclosures, place=_place("disclosures", row.receipt_id))
    assert isinstance(opened, list)  # noqa: S101 - sealed by save_receipt
    return tuple(opened)


def _take(tx: Transaction, entry: StatusEntry, standing: Standing | None) -> bool:
    return add_once(
        tx,
        StatusEntryRow,
        list_id=entry.list_id,
        position=entry.position,
        value=VALID if standing else INVALID,
        client_id=standing.client_id if standing else None,
        valid_until=standing.valid_until if standing else None,
    )


def _place(column: str, receipt_id: str) -> str:
    return f"receipts.sealed_{column}:{receipt_id}"

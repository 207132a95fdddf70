"""What lies under the store's key, epoch by epoch: counted, and moved to the newest in small transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, func, literal, select, tuple_

from broker.store.delivery_tables import StreamRow
from broker.store.sealing import EPOCH_SIZE, SealBroken, StoreSealer, prefix_of
from broker.store.short_lived import LinkRow, PushedRequestRow
from broker.store.tables import PersonRow, ReceiptRow
from broker.store.terms_tables import IdempotencyRow, StatementRow
from broker.store.transaction import Transaction
from broker.store.writing import change, table_of

Key = tuple[object, ...]


@dataclass(frozen=True)
class SealedColumn:
    """A column that the store's key seals, and the place that a row's value is sealed for."""

    model: type
    name: str
    place: Callable[[Any], str]

    @property
    def column(self) -> Column[Any]:
        """The column itself."""
        return table_of(self.model).c[self.name]

    @property
    def keys(self) -> list[Column[Any]]:
        """The columns that name a row."""
        return list(table_of(self.model).primary_key)


#: Every column that the store's key seals; the places are those of the modules that seal and open them.
STORE_SEALED = (
    SealedColumn(PersonRow, "wrapped_key", lambda row: f"people.wrapped_key:{row.account.hex()}"),
    SealedColumn(ReceiptRow, "sealed_jwt", lambda row: f"receipts.sealed_jwt:{row.receipt_id}"),
    SealedColumn(StatementRow, "sealed_jwt", lambda row: f"statements.sealed_jwt:{row.statement_id}"),
    SealedColumn(
        IdempotencyRow, "sealed_answer", lambda row: f"idempotency.sealed_answer:{row.client_id}:{row.key.hex()}"
    ),
    SealedColumn(PushedRequestRow, "sealed_request", lambda row: f"pushed_requests:{row.request.hex()}"),
    SealedColumn(StreamRow, "sealed_authorization", lambda row: f"streams.sealed_authorization:{row.client_id}"),
)
#: Sealed under the store's key and a browser's cookie together: only that browser can open them. They live for minutes.
BROWSER_SEALED = tuple(table_of(LinkRow).c[f"sealed_{name}"] for name in ("attempt", "request", "account"))


@dataclass(frozen=True)
class Moved:
    """What one step did: rows sealed anew, rows that do not open, and the last key that was looked at, if any."""

    anew: int
    broken: int
    last: Key | None


def epochs_in_use(tx: Transaction) -> dict[int, dict[str, int]]:
    """Return the epochs that something is sealed under, each with its columns and how many rows."""
    found: dict[int, dict[str, int]] = {}
    for column in (*(sealed.column for sealed in STORE_SEALED), *BROWSER_SEALED):
        epoch = func.substr(column, 1, EPOCH_SIZE)
        rows = tx.execute(select(epoch, func.count()).where(func.length(column) > 0).group_by(epoch))
        for prefix, count in rows:
            found.setdefault(int.from_bytes(prefix), {})[str(column)] = count
    return found


def move_some(tx: Transaction, sealed: SealedColumn, store: StoreSealer, *, after: Key | None, limit: int) -> Moved:
    """Seal rows of other epochs anew, *limit* at most, in the order of their keys from *after* on.

    A row that somebody else changes meanwhile is left to them: they seal under the newest epoch themselves.
    """
    rows = tx.execute(
        select(*sealed.keys, sealed.column)
        .where(*_of_other_epochs(sealed.column, store.epoch), *_beyond(sealed.keys, after))
        .order_by(*sealed.keys)
        .limit(limit)
    ).all()
    opened = [_move(tx, sealed, store, row) for row in rows]
    last = tuple(rows[-1][: len(sealed.keys)]) if rows else None
    return Moved(anew=sum(opened), broken=len(opened) - sum(opened), last=last)


def _move(tx: Transaction, sealed: SealedColumn, store: StoreSealer, row: Any) -> bool:  # noqa: ANN401 - a row of the statement above
    """Seal one row anew; False when it does not open."""
    place, old = sealed.place(row), row[-1]
    try:
        plain = store.open(old, place=place)
    except SealBroken:
        return False
    same = [key == value for key, value in zip(sealed.keys, row, strict=False)]
    change(tx, sealed.model, *same, sealed.column == old, **{sealed.name: store.seal(plain, place=place)})
    return True


def _of_other_epochs(column: Column[Any], epoch: int) -> Sequence[ColumnElement[bool]]:
    return func.length(column) > 0, func.substr(column, 1, EPOCH_SIZE) != prefix_of(epoch)


def _beyond(keys: Sequence[Column[Any]], after: Key | None) -> Sequence[ColumnElement[bool]]:
    if after is None:
        return ()
    return (tuple_(*keys) > tuple_(*(literal(value, key.type) for key, value in zip(keys, after, strict=True))),)

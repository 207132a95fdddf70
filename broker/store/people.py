"""People who proved an account: their own key, and the handles they were seen with.

Destroying ``wrapped_key`` makes everything that is sealed for the person unreadable, here and in what the
row is copied to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, select, update
from sqlmodel import col

from broker.core.identifiers import PlatformAccount, ProvenAccount
from broker.store.database import Transaction
from broker.store.sealing import Sealer
from broker.store.statements import insert_once
from broker.store.tables import HandleRow, PersonRow

_HELD, _LEFT, _RECYCLED = "held", "left", "recycled"


@dataclass(frozen=True, kw_only=True)
class Person:
    """An account that was proved, in clear, and the sealer of its own key."""

    key: bytes
    proven: ProvenAccount
    proved_at: datetime
    sealer: Sealer


def find_person(tx: Transaction, store: Sealer, account: bytes) -> Person | None:
    """Open the person behind *account*."""
    row = tx.execute(
        select(
            col(PersonRow.platform),
            col(PersonRow.wrapped_key),
            col(PersonRow.sealed_account),
            col(PersonRow.proved_at),
        ).where(col(PersonRow.account) == account)
    ).one_or_none()
    if row is None:
        return None
    sealer = store.unwrap(row.wrapped_key, place=_place("wrapped_key", account))
    opened = sealer.open_json(row.sealed_account, place=_place("sealed_account", account))
    assert isinstance(opened, dict)  # noqa: S101 - sealed by save_proof
    proven = ProvenAccount(account=PlatformAccount(platform=row.platform, id=opened["id"]), handle=opened["handle"])
    return Person(key=account, proven=proven, proved_at=row.proved_at, sealer=sealer)


def save_proof(tx: Transaction, store: Sealer, account: bytes, proven: ProvenAccount, *, now: datetime) -> Person:
    """Record that *account* was proved just now, under the handle it bears now."""
    sealer = _own_sealer(tx, store, account, proven, now=now)
    sealed = sealer.seal_json(
        {"id": proven.account.id, "handle": proven.handle}, place=_place("sealed_account", account)
    )
    tx.execute(update(PersonRow).where(col(PersonRow.account) == account).values(sealed_account=sealed, proved_at=now))
    return Person(key=account, proven=proven, proved_at=now, sealer=sealer)


def _own_sealer(tx: Transaction, store: Sealer, account: bytes, proven: ProvenAccount, *, now: datetime) -> Sealer:
    """The person's own key, made at the first proof. Two first proofs at once agree on one key."""
    place = _place("wrapped_key", account)
    fresh, wrapped = store.new_key(place=place)
    made = insert_once(
        tx,
        PersonRow,
        account=account,
        platform=proven.account.platform,
        wrapped_key=wrapped,
        sealed_account=b"",
        proved_at=now,
    )
    if made:
        return fresh
    kept = tx.execute(select(col(PersonRow.wrapped_key)).where(col(PersonRow.account) == account)).scalar_one()
    return store.unwrap(kept, place=place)


def hold_person(tx: Transaction, account: bytes) -> None:
    """Let what happens to one person happen one after the other, until the transaction ends."""
    tx.execute(update(PersonRow).where(col(PersonRow.account) == account).values(platform=col(PersonRow.platform)))


def hold_handle(tx: Transaction, handle: bytes, account: bytes, *, now: datetime) -> None:
    """Note that *account* was proved under *handle*: it has left its other handles.

    A handle that was ever proved by another account becomes recycled, and stays so.
    """
    tx.execute(
        update(HandleRow)
        .where(col(HandleRow.account) == account, col(HandleRow.handle) != handle, col(HandleRow.standing) == _HELD)
        .values(standing=_LEFT)
    )
    if insert_once(tx, HandleRow, handle=handle, account=account, standing=_HELD, proved_at=now):
        return
    again = and_(col(HandleRow.account) == account, col(HandleRow.standing) != _RECYCLED)
    tx.execute(
        update(HandleRow)
        .where(col(HandleRow.handle) == handle)
        .values(standing=case((again, _HELD), else_=_RECYCLED), proved_at=now)
    )


def holder_of(tx: Transaction, handle: bytes) -> bytes | None:
    """Return the account that holds the handle, as far as proofs have shown."""
    return tx.execute(
        select(col(HandleRow.account)).where(col(HandleRow.handle) == handle, col(HandleRow.standing) == _HELD)
    ).scalar_one_or_none()


def _place(column: str, account: bytes) -> str:
    return f"people.{column}:{account.hex()}"

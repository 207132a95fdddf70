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
    if row is None or not row.sealed_account:
        return None
    sealer = store.unwrap(row.wrapped_key, place=_place("wrapped_key", account))
    opened = sealer.open_json(row.sealed_account, place=_place("sealed_account", account))
    assert isinstance(opened, dict)  # noqa: S101 - sealed by save_proof
    proven = ProvenAccount(account=PlatformAccount(platform=row.platform, id=opened["id"]), handle=opened["handle"])
    return Person(key=account, proven=proven, proved_at=row.proved_at, sealer=sealer)


def save_proof(tx: Transaction, store: Sealer, account: bytes, proven: ProvenAccount, *, now: datetime) -> Person:
    """Record that *account* was proved just now, under the handle it bears now."""
    sealer = own_sealer(tx, store, account, platform=proven.account.platform, now=now)
    sealed = sealer.seal_json(
        {"id": proven.account.id, "handle": proven.handle}, place=_place("sealed_account", account)
    )
    tx.execute(update(PersonRow).where(col(PersonRow.account) == account).values(sealed_account=sealed, proved_at=now))
    return Person(key=account, proven=proven, proved_at=now, sealer=sealer)


def own_sealer(tx: Transaction, store: Sealer, account: bytes, *, platform: str, now: datetime) -> Sealer:
    """The person's own key, made when the account is first met. Two first meetings at once agree on one key.

    An account that a client speaks of without proof has a key too: what is kept about it can be erased.
    """
    _fresh, wrapped = store.new_key(place=_place("wrapped_key", account))
    insert_once(
        tx,
        PersonRow,
        account=account,
        platform=platform,
        wrapped_key=wrapped,
        sealed_account=b"",
        proved_at=now,
    )
    # The same statements whether the account was known or not: who else knows it must not show.
    return sealer_of(tx, store, account)


def sealer_of(tx: Transaction, store: Sealer, account: bytes) -> Sealer:
    """The key of an account that was met before."""
    kept = tx.execute(select(col(PersonRow.wrapped_key)).where(col(PersonRow.account) == account)).scalar_one()
    return store.unwrap(kept, place=_place("wrapped_key", account))


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


@dataclass(frozen=True)
class Bearer:
    """The account that last proved a handle; not ``held`` when it has left it since, or another proved it too."""

    account: bytes
    held: bool


def handles_of(tx: Transaction, account: bytes) -> list[bytes]:
    """Return every handle that was proved for an account last, whether it bears it still or not."""
    rows = tx.execute(select(col(HandleRow.handle)).where(col(HandleRow.account) == account))
    return [row.handle for row in rows]


def bearer_of(tx: Transaction, handle: bytes) -> Bearer | None:
    """Return who bore the handle last, as far as proofs have shown."""
    row = tx.execute(
        select(col(HandleRow.account), col(HandleRow.standing)).where(col(HandleRow.handle) == handle)
    ).one_or_none()
    return Bearer(row.account, row.standing == _HELD) if row else None


def handles_held(tx: Transaction, account: bytes) -> tuple[bytes, ...]:
    """Return the digests of the handles that the account bears, as far as its last proof has shown."""
    rows = tx.execute(
        select(col(HandleRow.handle)).where(col(HandleRow.account) == account, col(HandleRow.standing) == _HELD)
    )
    return tuple(rows.scalars())


def _place(column: str, account: bytes) -> str:
    return f"people.{column}:{account.hex()}"

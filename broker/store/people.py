"""People who proved an account: their own key, and the handles they were seen with.

Destroying ``wrapped_key`` makes everything that is sealed for the person unreadable, here and in what the
row is copied to.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, select
from sqlmodel import col

from broker.core.blinding import DIGEST_SIZE
from broker.core.identifiers import PlatformAccount, ProvenAccount
from broker.errors import NotFound
from broker.store.row_mac import canonical, is_marked, row_mac
from broker.store.sealing import Sealer
from broker.store.tables import HandleRow, PersonRow
from broker.store.trail import trail_of
from broker.store.transaction import Transaction
from broker.store.writing import add_once, change, table_of

HELD, LEFT, RECYCLED = "held", "left", "recycled"
_WRAPPED = select(col(PersonRow.wrapped_key))
_OF_ACCOUNT = col(PersonRow.account) == bindparam("account")
_PERSON = select(
    col(PersonRow.platform), col(PersonRow.wrapped_key), col(PersonRow.sealed_account), col(PersonRow.proved_at)
).where(_OF_ACCOUNT)
_HELD_PERSON = _PERSON.with_for_update(key_share=True)
_HELD = select(col(PersonRow.generation)).where(_OF_ACCOUNT).with_for_update(key_share=True)
_HANDLES = select(col(HandleRow.handle)).where(col(HandleRow.account) == bindparam("account"))


@dataclass(frozen=True, kw_only=True)
class Person:
    """An account that was proved, in clear, and the sealer of its own key.

    ``seen_as`` is the handle under which the platform showed the account last, at a proof or when it was asked.
    """

    key: bytes
    proven: ProvenAccount
    proved_at: datetime
    sealer: Sealer
    seen_as: str


def find_person(tx: Transaction, store: Sealer, account: bytes) -> Person | None:
    """Open the person behind *account*."""
    return _opened(store, account, tx.execute(_PERSON, {"account": account}).one_or_none())


def find_held(tx: Transaction, store: Sealer, account: bytes) -> Person | None:
    """The same in one step with :func:`hold_person`."""
    row = tx.execute(_HELD_PERSON, {"account": account}).one_or_none()
    if row is not None:
        trail_of(tx).held.add(account)
    return _opened(store, account, row)


def _opened(store: Sealer, account: bytes, row: Any) -> Person | None:  # noqa: ANN401 - a row of the statements above
    if row is None or not row.sealed_account:
        return None
    sealer = store.unwrap(row.wrapped_key, place=_place("wrapped_key", account))
    opened = sealer.open_json(row.sealed_account, place=_place("sealed_account", account))
    assert isinstance(opened, dict)  # noqa: S101 - sealed by save_proof
    proven = ProvenAccount(account=PlatformAccount(platform=row.platform, id=opened["id"]), handle=opened["handle"])
    seen_as = opened.get("seen_as", proven.handle)
    return Person(key=account, proven=proven, proved_at=row.proved_at, sealer=sealer, seen_as=seen_as)


def save_proof(tx: Transaction, store: Sealer, account: bytes, proven: ProvenAccount, *, now: datetime) -> Person:
    """Record that *account* was proved just now, under the handle it bears now."""
    sealer = own_sealer(tx, store, account, platform=proven.account.platform, now=now)
    sealed = sealer.seal_json(
        {"id": proven.account.id, "handle": proven.handle}, place=_place("sealed_account", account)
    )
    change(tx, PersonRow, col(PersonRow.account) == account, sealed_account=sealed, proved_at=now)
    return Person(key=account, proven=proven, proved_at=now, sealer=sealer, seen_as=proven.handle)


def save_seen_as(tx: Transaction, person: Person, handle: str) -> None:
    """Record that the platform shows the account under *handle* now. What was proved, and when, stays what it was."""
    proven = person.proven
    sealed = person.sealer.seal_json(
        {"id": proven.account.id, "handle": proven.handle, "seen_as": handle},
        place=_place("sealed_account", person.key),
    )
    change(tx, PersonRow, col(PersonRow.account) == person.key, sealed_account=sealed)


def own_sealer(tx: Transaction, store: Sealer, account: bytes, *, platform: str, now: datetime) -> Sealer:
    """The person's own key, made when the account is first met. Two first meetings at once agree on one key.

    An account that a client speaks of without proof has a key too: what is kept about it can be erased.
    """
    kept = None
    while kept is None:  # an erasure may take the row away between the two statements; the second holds it
        _fresh, wrapped = store.new_key(place=_place("wrapped_key", account))
        add_once(
            tx,
            PersonRow,
            account=account,
            generation=store.random(16).hex(),
            platform=platform,
            wrapped_key=wrapped,
            sealed_account=b"",
            proved_at=now,
        )
        # The same statements whether the account was known or not: who else knows it must not show.
        held = _WRAPPED.where(col(PersonRow.account) == account).with_for_update(read=True, key_share=True)
        kept = tx.execute(held).scalar_one_or_none()
    return store.unwrap(kept, place=_place("wrapped_key", account))


def sealer_of(tx: Transaction, store: Sealer, account: bytes) -> Sealer:
    """The key of an account that was met before, or :class:`NotFound` when it was erased."""
    sealer = find_sealer(tx, store, account)
    if sealer is None:
        raise NotFound("the account is not known any more")
    return sealer


def find_sealer(tx: Transaction, store: Sealer, account: bytes) -> Sealer | None:
    """The key of an account; None when it never was met, or was erased."""
    kept = tx.execute(_WRAPPED.where(col(PersonRow.account) == account)).scalar_one_or_none()
    return None if kept is None else store.unwrap(kept, place=_place("wrapped_key", account))


def pairwise_name(person: Sealer, client_id: str) -> str:
    """The person as one client sees them in receipts and tokens.

    Made with the person's own key: when that is destroyed, nobody can tell any more whose receipt one is, not even
    by trying every account.
    """
    digest = person.digest(f"pairwise:{client_id}")[:DIGEST_SIZE]
    return "ppid_" + urlsafe_b64encode(digest).rstrip(b"=").decode()


def hold_person(tx: Transaction, account: bytes) -> None:
    """Let what happens to one person happen one after the other, until the transaction ends. Nothing is changed."""
    held = trail_of(tx).held
    if account not in held and tx.execute(_HELD, {"account": account}).first() is not None:
        held.add(account)


def hold_handle(tx: Transaction, handle: bytes, account: bytes, *, now: datetime) -> None:
    """Note that *account* was seen under *handle*, at a proof or by the platform's own word: it has left its others.

    A handle that another account was ever seen under becomes recycled, and stays so.
    """
    for other in handles_held(tx, account):  # one by one: in a cluster each lies elsewhere, and is locked alone
        if other != handle:
            left = (col(HandleRow.handle) == other, col(HandleRow.account) == account, col(HandleRow.standing) == HELD)
            change(tx, HandleRow, *left, standing=LEFT)
    if add_once(tx, HandleRow, handle=handle, account=account, standing=HELD, proved_at=now):
        return
    again = and_(col(HandleRow.account) == account, col(HandleRow.standing) != RECYCLED)
    standing = case((again, HELD), else_=RECYCLED)
    change(tx, HandleRow, col(HandleRow.handle) == handle, standing=standing, proved_at=now)


@dataclass(frozen=True)
class Bearer:
    """The account that last proved a handle; not ``held`` when it has left it since, or another proved it too."""

    account: bytes
    held: bool


def handles_of(tx: Transaction, account: bytes) -> list[bytes]:
    """Return every handle that was proved for an account last, whether it bears it still or not."""
    handles = tx.execute(_HANDLES, {"account": account}).scalars()
    # What somebody else wrote into the column may be no bytes: it is nobody's digest, and no reason to stop.
    return [handle for handle in handles if isinstance(handle, bytes)]


def handles_to_erase(tx: Transaction, account: bytes) -> list[bytes]:
    """The same, of rows that the broker wrote.

    Whoever could write another's handle to an account of their own would have what lies under it erased with them.
    """
    table, key = table_of(HandleRow), trail_of(tx).key
    rows = [row._asdict() for row in tx.execute(select(table).where(table.c.account == account))]
    return [row["handle"] for row in rows if is_marked(row, row_mac(key, canonical(table, row)))]


def bearer_of(tx: Transaction, handle: bytes) -> Bearer | None:
    """Return who bore the handle last, as far as proofs have shown."""
    row = tx.execute(
        select(col(HandleRow.account), col(HandleRow.standing)).where(col(HandleRow.handle) == handle)
    ).one_or_none()
    return Bearer(row.account, row.standing == HELD) if row else None


def handles_held(tx: Transaction, account: bytes) -> tuple[bytes, ...]:
    """Return the digests of the handles that the account bears, as far as its last proof has shown."""
    rows = tx.execute(
        select(col(HandleRow.handle)).where(col(HandleRow.account) == account, col(HandleRow.standing) == HELD)
    )
    return tuple(rows.scalars())


def bearers_of(tx: Transaction, handles: Sequence[bytes]) -> dict[bytes, Bearer]:
    """Return the same for many handles at once; those that nobody proved are left out."""
    columns = (col(HandleRow.handle), col(HandleRow.account), col(HandleRow.standing))
    rows = tx.execute(select(*columns).where(col(HandleRow.handle).in_(list(handles))))
    return {row.handle: Bearer(row.account, row.standing == HELD) for row in rows if isinstance(row.account, bytes)}


def _place(column: str, account: bytes) -> str:
    return f"people.{column}:{account.hex()}"

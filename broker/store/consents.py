"""Consent records and the associations that live with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, literal, not_, select, tuple_
from sqlmodel import col

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.expiry import due_after
from broker.core.identifiers import Association, OffPlatformId
from broker.core.names import is_id
from broker.store.paging import Place, page
from broker.store.sealing import Sealer
from broker.store.tables import AssociationRow, ConsentRow, PersonRow, RefusalRow
from broker.store.transaction import Transaction
from broker.store.types import UtcDateTime
from broker.store.writing import add, add_once, change, change_one, drop_one, table_of

_SAME_GRANT = and_(
    col(AssociationRow.account) == col(ConsentRow.account),
    col(AssociationRow.client_id) == col(ConsentRow.client_id),
    col(AssociationRow.identifier) == col(ConsentRow.identifier),
    col(AssociationRow.grant_id) == col(ConsentRow.grant_id),
)
_RECORDS = select(
    *table_of(ConsentRow).columns,
    col(AssociationRow.grant_id).label("associated"),
).outerjoin_from(ConsentRow, AssociationRow, _SAME_GRANT)
_OF_ACCOUNT = col(ConsentRow.account) == bindparam("account")
_OF_GRANT = (_OF_ACCOUNT, col(ConsentRow.grant_id) == bindparam("grant_id"))
_OF_IDENTIFIER = (_OF_ACCOUNT, col(ConsentRow.identifier) == bindparam("identifier"))
_ONE = _RECORDS.where(*_OF_GRANT)
_BETWEEN = _RECORDS.where(*_OF_IDENTIFIER).order_by(col(ConsentRow.grant_id))
_OF_PAIR = _RECORDS.where(*_OF_IDENTIFIER, col(ConsentRow.client_id) == bindparam("client_id"))
_DETAILS = select(col(ConsentRow.sealed_details)).where(*_OF_GRANT)


@dataclass(frozen=True, kw_only=True)
class Details:
    """What is shown again to the person and the client: sealed under the person's key."""

    identifier: dict[str, str]
    masked: str
    handle: str
    locale: str


def save_consent(tx: Transaction, record: ConsentRecord, details: Details, *, sealer: Sealer) -> None:
    """Insert a consent that was just given, and the association with it."""
    sealed = sealer.seal_json(vars(details), place=_place(record))
    add(
        tx,
        ConsentRow,
        account=record.account,
        client_id=record.client_id,
        identifier=record.identifier.digest,
        grant_id=record.grant_id,
        kind=record.identifier.kind,
        type=record.identifier.type,
        purposes=list(record.purposes),
        meanings=list(record.meanings),
        brand=record.brand,
        status=record.status.value,
        given_at=record.given_at,
        valid_until=record.valid_until,
        receipt_id=record.receipt_id,
        sealed_details=sealed,
        due_at=due_after(record.given_at, given_at=record.given_at, valid_until=record.valid_until),
    )
    add(
        tx,
        AssociationRow,
        account=record.account,
        client_id=record.client_id,
        identifier=record.identifier.digest,
        grant_id=record.grant_id,
        basis="consent",
        made_at=record.given_at,
    )


def end_consent(tx: Transaction, record: ConsentRecord) -> bool:
    """Write the end of a consent that is still given, and take its association away.

    False when somebody else ended it first: the database, not the caller's copy, says what it was.
    """
    grant = {"account": record.account, "grant_id": record.grant_id}
    end = {"status": record.status.value, "ended_at": record.ended_at, "ended_by": record.ended_by, "due_at": None}
    if not change_one(tx, ConsentRow, {**grant, "status": ConsentStatus.GIVEN.value}, **end):
        return False
    drop_one(tx, AssociationRow, {**grant, "client_id": record.client_id, "identifier": record.identifier.digest})
    return True


@dataclass(frozen=True, kw_only=True)
class Due:
    """Something that has come to a consent by itself, at ``due_at``, and was not seen to when it was looked for."""

    due_at: datetime
    account: bytes
    grant_id: str


def find_due(tx: Transaction, *, now: datetime, after: Due | None, limit: int) -> list[Due]:
    """Some of what is due, the oldest first, from *after* on."""
    columns = table_of(ConsentRow).c
    key = (columns.due_at, columns.account, columns.grant_id)
    wanted = [columns.due_at <= now]
    if after is not None:
        last = (literal(value, column.type) for value, column in zip(vars(after).values(), key, strict=True))
        wanted.append(tuple_(*key) > tuple_(*last))
    rows = tx.execute(select(*key).where(*wanted).order_by(*key).limit(limit))
    return [Due(**row._asdict()) for row in rows]


def put_off(tx: Transaction, due: Due, *, until: datetime) -> bool:
    """Let the next thing come to a consent *until* then; False when somebody has seen to this one, or it has ended."""
    return bool(
        change(
            tx,
            ConsentRow,
            col(ConsentRow.account) == due.account,
            col(ConsentRow.grant_id) == due.grant_id,
            col(ConsentRow.due_at) == due.due_at,
            col(ConsentRow.status) == ConsentStatus.GIVEN.value,
            due_at=until,
        )
    )


def consents_of_pair(tx: Transaction, pair: Association) -> tuple[ConsentRecord, ...]:
    """Return every consent of one pair to one client: the match's one read, by primary key."""
    return tuple(_record(row) for row in tx.execute(_OF_PAIR, vars(pair)))


def consents_between(tx: Transaction, account: bytes, identifier: bytes) -> tuple[ConsentRecord, ...]:
    """The same by the two digests alone, in one order: an identifier's digest is one client's."""
    return tuple(_record(row) for row in tx.execute(_BETWEEN, {"account": account, "identifier": identifier}))


def holds_consent(tx: Transaction, account: bytes, client_id: str) -> bool:
    """Whether the client holds, or once held, any consent of the account: then it may know the account's handle."""
    found = tx.execute(
        select(col(ConsentRow.grant_id))
        .where(col(ConsentRow.account) == account, col(ConsentRow.client_id) == client_id)
        .limit(1)
    )
    return found.first() is not None


def accounts_held(tx: Transaction, accounts: Collection[bytes], client_id: str) -> frozenset[bytes]:
    """Those of these accounts of which the client holds, or once held, any consent."""
    held = select(col(ConsentRow.account)).where(
        col(ConsentRow.account).in_(list(accounts)), col(ConsentRow.client_id) == client_id
    )
    return frozenset(tx.execute(held.distinct()).scalars())


def find_consent(tx: Transaction, account: bytes, grant_id: str) -> ConsentRecord | None:
    """Return one consent of one person."""
    if not is_id(grant_id):
        return None
    row = tx.execute(_ONE, {"account": account, "grant_id": grant_id}).one_or_none()
    return _record(row) if row else None


def list_consents(tx: Transaction, account: bytes) -> list[ConsentRecord]:
    """Return every consent of one person, the latest first."""
    rows = tx.execute(_RECORDS.where(col(ConsentRow.account) == account).order_by(col(ConsentRow.given_at).desc()))
    return [_record(row) for row in rows]


def live_consents(
    tx: Transaction, account: bytes, *, now: datetime, before: Place | None = None, limit: int | None = None
) -> list[ConsentRecord]:
    """Return the person's consents that stand, the one given last first."""
    stands = _RECORDS.where(col(ConsentRow.account) == account, *_standing(now))
    rows = page(stands, col(ConsentRow.given_at), col(ConsentRow.grant_id), before=before, limit=limit)
    return [_record(row) for row in tx.execute(rows)]


def past_consents(
    tx: Transaction, account: bytes, *, now: datetime, before: Place | None = None, limit: int | None = None
) -> list[ConsentRecord]:
    """Return those that have ended, the one that ended last first."""
    over = _RECORDS.where(col(ConsentRow.account) == account, not_(and_(*_standing(now))))
    ended = func.coalesce(col(ConsentRow.ended_at), col(ConsentRow.valid_until), type_=UtcDateTime)
    rows = page(over, ended, col(ConsentRow.grant_id), before=before, limit=limit)
    return [_record(row) for row in tx.execute(rows)]


def given_consents(tx: Transaction, *, platform: str, now: datetime) -> Iterator[ConsentRecord]:
    """Every consent of one platform that stands, in no order."""
    rows = tx.execution_options(yield_per=1000).execute(
        _RECORDS.join(PersonRow, col(PersonRow.account) == col(ConsentRow.account)).where(
            col(PersonRow.platform) == platform,
            col(ConsentRow.status) == ConsentStatus.GIVEN.value,
            col(ConsentRow.valid_until) > now,
        )
    )
    return (_record(row) for row in rows)


def details_of(tx: Transaction, record: ConsentRecord, *, sealer: Sealer) -> Details:
    """Open what is shown again of a consent."""
    sealed = tx.execute(_DETAILS, {"account": record.account, "grant_id": record.grant_id}).scalar_one()
    opened = sealer.open_json(sealed, place=_place(record))
    assert isinstance(opened, dict)  # noqa: S101 - sealed by save_consent
    return Details(**opened)


def save_refusal(tx: Transaction, account: bytes, pair: bytes, *, receipt_id: str, now: datetime) -> None:
    """Remember that a pair was refused, the latest time only."""
    if add_once(tx, RefusalRow, account=account, pair=pair, receipt_id=receipt_id, refused_at=now):
        return
    same = (col(RefusalRow.account) == account, col(RefusalRow.pair) == pair)
    change(tx, RefusalRow, *same, receipt_id=receipt_id, refused_at=now)


def _standing(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(ConsentRow.status) == ConsentStatus.GIVEN.value, col(ConsentRow.valid_until) > now)


def _record(row: Any) -> ConsentRecord:  # noqa: ANN401 - a row of the statement above
    return ConsentRecord(
        grant_id=row.grant_id,
        client_id=row.client_id,
        account=row.account,
        identifier=OffPlatformId(kind=row.kind, type=row.type, digest=row.identifier),
        purposes=tuple(row.purposes),
        meanings=tuple(row.meanings),
        status=ConsentStatus(row.status),
        given_at=row.given_at,
        valid_until=row.valid_until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        receipt_id=row.receipt_id,
        brand=row.brand,
        associated=row.associated is not None,
    )


def _place(record: ConsentRecord) -> str:
    return f"consents.sealed_details:{record.account.hex()}:{record.grant_id}"

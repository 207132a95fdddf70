"""How accounts stand at their platforms, and whose turn it is to be asked about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, or_, select
from sqlmodel import col

from broker.core.consent import ConsentStatus
from broker.core.presence import Presence
from broker.store.people import HELD
from broker.store.presence_tables import PresenceRow, RecheckRow
from broker.store.tables import ConsentRow, HandleRow, PersonRow
from broker.store.terms_tables import GroundRow
from broker.store.transaction import Transaction
from broker.store.writing import drop, put

_PRESENCE = select(col(PresenceRow.gone_at), col(PresenceRow.protected_at)).where(
    col(PresenceRow.account) == bindparam("account")
)


def presence_of(tx: Transaction, account: bytes) -> Presence:
    """How an account stands; as usual where nothing else is known, also of one that nobody knows."""
    row = tx.execute(_PRESENCE, {"account": account}).one_or_none()
    return Presence(gone_at=row.gone_at, protected_at=row.protected_at) if row else Presence()


def save_presence(tx: Transaction, account: bytes, presence: Presence) -> None:
    """Write down how an account stands; of one that stands as usual nothing is kept."""
    if presence.gone or presence.protected:
        put(tx, PresenceRow, {"account": account}, vars(presence))
    else:
        drop(tx, PresenceRow, col(PresenceRow.account) == account)


def due_accounts(tx: Transaction, *, platform: str, now: datetime, limit: int) -> list[bytes]:
    """Return the accounts of a platform that something could still match, those never asked about or longest ago first.

    Only who proved an account is asked about: of others the permanent id is not known here.
    """
    due = (
        select(col(PersonRow.account))
        .outerjoin(RecheckRow, col(RecheckRow.account) == col(PersonRow.account))
        .where(
            col(PersonRow.platform) == platform,
            func.length(col(PersonRow.sealed_account)) > 0,
            or_(*_still_matched(now)),
        )
        .order_by(col(RecheckRow.checked_at).asc().nulls_first(), col(PersonRow.account))
        .limit(limit)
    )
    return list(tx.execute(due).scalars())


def _still_matched(now: datetime) -> Iterable[ColumnElement[bool]]:
    """A live consent, or an association without consent under the account or a handle that it bears."""
    account = col(PersonRow.account)
    live = (col(ConsentRow.status) == ConsentStatus.GIVEN.value, col(ConsentRow.valid_until) > now)
    yield exists().where(col(ConsentRow.account) == account, *live)
    yield exists().where(col(GroundRow.account) == account)
    borne = (col(HandleRow.account) == account, col(HandleRow.standing) == HELD)
    yield exists().where(col(GroundRow.account) == col(HandleRow.handle), *borne)


def checked_at(tx: Transaction, account: bytes) -> datetime | None:
    """When the platform was last asked about an account."""
    return tx.execute(_checked(account)).scalar_one_or_none()


def _checked(account: bytes) -> Select[Any]:
    return select(col(RecheckRow.checked_at)).where(col(RecheckRow.account) == account)


def save_check(tx: Transaction, account: bytes, *, at: datetime) -> None:
    """Write down that the platform was asked about an account at that time."""
    put(tx, RecheckRow, {"account": account}, {"checked_at": at})

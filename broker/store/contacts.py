"""Automated messages that were let go: how many, to how many, and with what content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, distinct, func, or_, select
from sqlmodel import col

from broker.core.fingerprint import Fingerprint
from broker.store.terms_tables import ContactRow
from broker.store.transaction import Transaction
from broker.store.writing import add


@dataclass(frozen=True, kw_only=True)
class ContactMeter:
    """What counts against the ceilings: messages in the last minute, and other accounts in the last day.

    ``accounts_alike`` are those that were sent the same or nearly the same content.
    """

    in_minute: int
    accounts_in_day: int
    accounts_alike: int


def read_meter(
    tx: Transaction, client_id: str, account: bytes, fingerprint: Fingerprint, *, minute: datetime, day: datetime
) -> ContactMeter:
    """Count what *client_id* was let send since *minute* and *day*; the account itself is no other account."""
    own = col(ContactRow.client_id) == client_id
    others = (own, col(ContactRow.checked_at) > day, col(ContactRow.account) != account)
    sent = select(func.count()).where(own, col(ContactRow.checked_at) > minute)
    reached = select(func.count(distinct(col(ContactRow.account)))).where(*others)
    return ContactMeter(
        in_minute=int(tx.execute(sent).scalar_one()),
        accounts_in_day=int(tx.execute(reached).scalar_one()),
        accounts_alike=len(_alike(tx, fingerprint, *others)),
    )


def save_contact(
    tx: Transaction, client_id: str, check_id: str, account: bytes, fingerprint: Fingerprint, *, now: datetime
) -> None:
    """Write down a message that was let go."""
    add(
        tx,
        ContactRow,
        client_id=client_id,
        check_id=check_id,
        account=account,
        checked_at=now,
        sha256=fingerprint.sha256,
        simhash=_signed(fingerprint.simhash),
        **{f"band_{number}": band for number, band in enumerate(fingerprint.bands)},
    )


def _alike(tx: Transaction, fingerprint: Fingerprint, *where: ColumnElement[bool]) -> set[bytes]:
    """The accounts that were sent nearly this content. Bands find what may be near; the SimHash tells."""
    same = [getattr(ContactRow, f"band_{number}") == band for number, band in enumerate(fingerprint.bands)]
    if fingerprint.sha256 is not None:
        same.append(col(ContactRow.sha256) == fingerprint.sha256)
    if not same:
        return set()
    rows = tx.execute(
        select(col(ContactRow.account), col(ContactRow.sha256), col(ContactRow.simhash)).where(*where, or_(*same))
    )
    return {
        row.account
        for row in rows
        if fingerprint.is_near(Fingerprint(sha256=row.sha256, simhash=_unsigned(row.simhash)))
    }


def _signed(simhash: int | None) -> int | None:
    """Both databases keep 64 bits with a sign."""
    return simhash if simhash is None or simhash < 2**63 else simhash - 2**64


def _unsigned(simhash: int | None) -> int | None:
    return None if simhash is None else simhash % 2**64

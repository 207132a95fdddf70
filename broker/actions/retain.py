"""What was answered is kept for so many days, then dropped a month at a time; that it was is signed, and in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.actions.broker import Broker
from broker.errors import CommandRefused
from broker.proof.receipt import leaf_data
from broker.proof.retention import RetentionClaims, sign_retention
from broker.store.auditing import Finding
from broker.store.partitions import in_parts, make_ahead, month_of
from broker.store.retaining import (
    Looked,
    Retention,
    clear,
    drop_late,
    drop_parts,
    kept_since,
    look,
    save_retention,
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a retention would drop: everything decided before a moment; rows by table, and what is wrong with them."""

    before: datetime
    rows: Mapping[str, int]
    faults: Sequence[Finding]


def due(broker: Broker, *, days: int) -> datetime | None:
    """The moment before which nothing is to be kept any more: a month's beginning; None where nothing is due.

    What is *days* old is kept, and so is the rest of its month. With 0 days everything is kept.
    """
    with broker.database.reading() as tx:
        since = kept_since(tx)
    before = month_of(broker.now() - timedelta(days=days))
    return before if days and (since is None or since < before) else None


def plan(broker: Broker, *, before: datetime) -> Plan:
    """Look at what a retention would drop."""
    found = _look(broker, before)
    return Plan(before=before, rows={**found.rows}, faults=found.faults)


def retain(
    broker: Broker, *, before: datetime, who: str, tell: Callable[[Finding], None], anyway: bool = False
) -> Retention | None:
    """Drop what was decided before a month's beginning; None where somebody else does.

    Raises :class:`CommandRefused`, and *tells* which they are, where rows are not as the trail says: they would be
    gone, and what was done to them could not be told any more. *anyway* drops them, and the retention says how many.
    """
    with broker.database.reading() as tx:
        since = kept_since(tx)
    if since is not None:
        finish(broker, before=since)
    found = _look(broker, before)
    for fault in found.faults:
        tell(fault)
    if found.faults and not anyway:
        raise CommandRefused(
            f"of what is to be dropped, {len(found.faults)} things are not as the broker wrote them; nothing was"
            " dropped: look at what `broker audit` says of them first"
        )
    with broker.database.transaction() as tx:
        drop_late(tx, found)
        retention = _signed(broker, found, before=before, who=who)
        if not save_retention(tx, retention):
            return None
    finish(broker, before=before)
    return retention


def finish(broker: Broker, *, before: datetime) -> list[str]:
    """Drop what a retention says is gone, and is not yet; return the parts that were dropped whole."""
    with broker.database.transaction() as tx:
        parts = drop_parts(tx, before)
    cleared = 1
    while cleared:
        with broker.database.transaction(in_turn=True) as tx:
            cleared = clear(tx, before)
    return parts


def prepare_months(broker: Broker) -> list[str]:
    """Make the parts of the months to come, and name those that were made; none in a file."""
    with broker.database.transaction() as tx:
        return make_ahead(tx, now=broker.now()) if in_parts(tx) else []


def _look(broker: Broker, before: datetime) -> Looked:
    with broker.database.snapshot() as tx:
        return look(tx, broker.database.row_key, before=before, since=kept_since(tx))


def _signed(broker: Broker, found: Looked, *, before: datetime, who: str) -> Retention:
    claims = RetentionClaims(
        issuer=broker.issuer,
        issued_at=broker.now(),
        retention_id=f"{before:%Y-%m-%d}",
        before=before,
        dropped={**found.rows},
        digests=found.digests,
        faults=len(found.faults),
    )
    jwt = sign_retention(claims, broker.keys.receipts)
    return Retention(
        retention_id=claims.retention_id,
        before=before,
        who=who,
        dropped=claims.dropped,
        jwt=jwt,
        leaf=leaf_data(jwt),
        retained_at=claims.issued_at,
    )

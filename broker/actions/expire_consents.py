"""What comes to consents by themselves: their clients are told ahead of the end, and then they end.

Each in a transaction of its own, the oldest first. Any number of companions may do it: who comes second finds that
there is nothing left to do. No match waits for it, since a consent's date counts whether this ran or not.
"""

from __future__ import annotations

from collections.abc import Callable

from broker.actions.broker import Broker
from broker.actions.withdraw_consent import expire_consent
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.delivery import EXPIRES_SOON
from broker.core.expiry import due_after
from broker.errors import Unavailable
from broker.proof.receipt import timestamp
from broker.store.consents import Due, find_consent, find_due, put_off
from broker.store.events import save_event
from broker.store.people import hold_person
from broker.store.transaction import Transaction

#: How many are looked for at a time.
_AT_ONCE = 100


def expire_consents(broker: Broker, *, wanted: Callable[[], bool] = lambda: True) -> int:
    """See to everything that is due, as long as it is *wanted*; return how many consents were looked at.

    One that cannot be seen to keeps no other waiting: what was wrong with the first of them is raised at the end.
    """
    seen, failures, last = 0, list[Exception](), None
    while due := _look(broker, last):
        for last in due:
            if not wanted():
                return seen
            try:
                _see_to(broker, last)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are not to wait for it
                failures.append(error)
            seen += 1
    if failures:
        raise failures[0]
    return seen


def _look(broker: Broker, last: Due | None) -> list[Due]:
    """The next that are due, found without keeping any writer waiting."""
    with broker.database.reading() as tx:
        return find_due(tx, now=broker.now(), after=last, limit=_AT_ONCE)


def _see_to(broker: Broker, due: Due) -> None:
    with broker.database.transaction() as tx:
        hold_person(tx, due.account)  # as whoever withdraws, gives anew or erases does: one of them comes first
        record = find_consent(tx, due.account, due.grant_id)
        if record is None or record.status is not ConsentStatus.GIVEN:
            return
        if record.status_at(broker.now()) is ConsentStatus.EXPIRED:
            expire_consent(tx, broker, record)
        else:
            _tell_ahead(tx, broker, record, due)


def _tell_ahead(tx: Transaction, broker: Broker, record: ConsentRecord, due: Due) -> None:
    """Leave the client an event. The row remembers it in the same transaction, so that it is told once."""
    now = broker.now()
    if not put_off(tx, due, until=due_after(now, given_at=record.given_at, valid_until=record.valid_until)):
        return
    save_event(
        tx,
        event_id=broker.new_id(),
        account=record.account,
        client_id=record.client_id,
        kind=EXPIRES_SOON,
        grant_id=record.grant_id,
        receipt_id=record.receipt_id,
        given_id=record.receipt_id,
        txn=broker.new_id(),
        now=now,
        more={"valid_until": timestamp(record.valid_until)},
    )

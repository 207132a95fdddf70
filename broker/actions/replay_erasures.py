"""The journal against the database: whom a backup brought back is erased again before anything may serve.

A journal that lacks an erasure the database knows is not this database's: it was put back with a backup, or is gone,
and who else it lacks nobody can tell. That is refused.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from broker.actions.broker import Broker
from broker.actions.erase_person import Order, carry_out
from broker.actions.find_traces import Traces, traces_of_account
from broker.errors import BadConfiguration, BrokerError, CommandRefused
from broker.proof.journal import NAME, Entry, JournalMark, journal_mark, read_journal
from broker.store.erasing import erasure_ids, hold_generations, hold_people
from broker.store.people import find_person
from broker.store.transaction import Transaction

#: Who carries an entry out again.
_WHO = "journal"
log = logging.getLogger(__name__)


class _DoneBefore(Exception):
    """Another process has carried the entry out meanwhile."""


def replay_erasures(broker: Broker) -> int:
    """Carry out every entry of the journal that the database lacks; return how many those were.

    Raises :class:`BadConfiguration` when the journal is missing, damaged or not the database's.
    """
    entries = lacking(broker)
    for entry in entries:
        with suppress(_DoneBefore), broker.keeper.transaction() as tx:
            _replay(tx, broker, entry)
            log.warning("erasure %s is carried out: the database lacks it", entry.erasure_id)
    return len(entries)


def follow_journal(broker: Broker, seen: JournalMark | None) -> JournalMark | None:
    """Carry out what was added to the journal since it was *seen*, and clean up after it; return it as it is now.

    Nothing is read where nothing was added: this is done twice a second. None where it must be looked at again.
    """
    mark = journal_mark(broker.log.marks)
    if mark == seen:
        return seen
    replay_erasures(broker)
    return mark if broker.database.scrub() else None


def lacking(broker: Broker) -> list[Entry]:
    """The entries that the database lacks. A journal that lacks one of the database's is refused."""
    # In this order: an erasure that commits in between stands in the journal by then.
    with broker.database.reading() as tx:
        known = erasure_ids(tx)
    entries = read_journal(broker.log.marks)
    missing = known - {entry.erasure_id for entry in entries}
    if missing:
        raise BadConfiguration(
            f"{broker.log.marks / NAME}: lacks {len(missing)} of the database's {len(known)} erasures; it is an old one"
            " or another database's. Restore it, or see docs/erasing.md"
        )
    return [entry for entry in entries if entry.erasure_id not in known]


def require_erased(broker: Broker) -> None:
    """Refuse to look at a database that holds people who were erased: for who only reads, and may carry nothing out."""
    entries = lacking(broker)
    if entries:
        raise CommandRefused(
            f"{len(entries)} erasures of the journal are not carried out in this database; whatever serves or writes,"
            " such as `broker clients list`, does that first"
        )


def journal_agrees(broker: Broker) -> bool:
    """Whether journal and database name the same erasures."""
    try:
        return not lacking(broker)
    except BrokerError:
        return False


def _replay(tx: Transaction, broker: Broker, entry: Entry) -> None:
    found = hold_generations(tx, entry.generations)
    if entry.erasure_id in erasure_ids(tx):
        raise _DoneBefore
    traces = _only(tx, entry, _traces(tx, broker, tuple(found)))
    order = Order(erasure_id=entry.erasure_id, by=entry.by, who=_WHO, objects=entry.objects)
    if not carry_out(tx, broker, traces, order, replayed=True).first:
        raise _DoneBefore


def _traces(tx: Transaction, broker: Broker, digests: tuple[bytes, ...]) -> Traces:
    """Everything under which those lie who are found; of one that nobody ever proved, what lies under the digest."""
    people = [person for digest in digests if (person := find_person(tx, broker.sealer, digest))]
    found = [traces_of_account(tx, broker, account) for account in {person.proven.account for person in people}]
    return Traces(
        platform=people[0].proven.account.platform if people else "",
        accounts=(*digests, *(digest for traces in found for digest in traces.accounts)),
        handles=tuple(digest for traces in found for digest in traces.handles),
        objecting=tuple(digest for traces in found for digest in traces.objecting),
        written=frozenset(handle for traces in found for handle in traces.written),
        identifiers=tuple(identifier for traces in found for identifier in traces.identifiers),
    )


def _only(tx: Transaction, entry: Entry, traces: Traces) -> Traces:
    """Leave out whoever came back after the erasure: theirs is another generation."""
    known = hold_people(tx, traces.names)
    back = {digest for digest, generation in known.items() if generation not in entry.generations}
    return traces.without(back)

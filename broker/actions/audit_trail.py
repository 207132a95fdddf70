"""The audit of the trail: each entry in one batch, each batch as it was signed, the batches a chain of leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter

from broker.actions.broker import Broker
from broker.proof.batch import TYP, Batch, batch_root, read_batch
from broker.proof.claims import StepFailed
from broker.proof.receipt import leaf_data
from broker.proof.signatures import check_signature
from broker.store.auditing import Seen, Walk
from broker.store.auditing_log import batches_in_order, index_of_leaf
from broker.store.auditing_trail import Chained, chained_entries, check_waiting

_TRAIL, _BATCHES = "trail", "batches"
#: Who can write rows could have the broker count on from any number, and an audit tell of all up to there.
_MOST = 10_000


def check_trail(audit: Walk, broker: Broker) -> None:
    """Look at every batch with its entries, and at the entries that wait for one."""
    jwks, before, previous = broker.keys.jwks(), -1, None
    for number, stored, entries in _together(audit):
        if not (stored and stored.sound) and not any(entry.sound for entry in entries):
            continue  # all of it was told of; the number may be anything
        _name_missing(audit, before + 1, number)
        before = number
        audit.walked["batches"] += stored is not None
        if stored is None:
            audit.name(_BATCHES, str(number), f"is missing: {len(entries)} entries of the trail are chained by it")
            previous = None
            continue
        batch = _check_batch(audit, stored, jwks, previous)
        if batch is not None:
            _check_entries(audit, stored, batch, entries)
        previous = stored.values["leaf"] if stored.sound else None
    check_waiting(audit)


def _name_missing(audit: Walk, first: int, number: int) -> None:
    """Tell of the batches from *first* up to *number*, each; so many that they never were, in one line."""
    if number - first > _MOST:
        audit.name(_BATCHES, f"{first} to {number - 1}", "are missing: later batches are there")
        return
    for lost in range(first, number):
        audit.name(_BATCHES, str(lost), "is missing: later batches are there")


def _together(audit: Walk) -> Iterator[tuple[int, Seen | None, list[Chained]]]:
    """Each batch by number with its entries, whichever of the two is there."""
    rows = ((int(row.values["number"]), row) for row in batches_in_order(audit))
    groups = groupby(chained_entries(audit), attrgetter("batch"))
    both = merge(rows, ((number, list(group)) for number, group in groups), key=itemgetter(0))
    for number, found in groupby(both, itemgetter(0)):
        parts = [part for _number, part in found]
        stored = next((part for part in parts if isinstance(part, Seen)), None)
        yield number, stored, next((part for part in parts if isinstance(part, list)), [])


def _check_batch(audit: Walk, stored: Seen, jwks: Mapping[str, object], previous: bytes | None) -> Batch | None:
    """The batch as it was signed, whatever else its row holds; told of unless it continues the one before."""
    row = stored.values
    try:
        check_signature(row["jwt"], typ=TYP, jwks=jwks, index=index_of_leaf(audit, row["leaf"]))
    except StepFailed as fault:
        audit.name(_BATCHES, stored.key, str(fault))
        return None
    batch, leaf = read_batch(row["jwt"]), leaf_data(row["jwt"])
    if (batch.number, batch.issued_at, leaf) != (row["number"], int(row["made_at"].timestamp()), row["leaf"]):
        audit.name(_BATCHES, stored.key, "it is not what was signed")
    elif previous is not None and batch.previous != previous:
        audit.name(_BATCHES, stored.key, "it does not continue the batch before")
    return batch if batch.number == row["number"] else None


def _check_entries(audit: Walk, stored: Seen, batch: Batch, entries: Sequence[Chained]) -> None:
    """Whether the entries that name a batch are those it was signed over."""
    places = {entry.position: entry for entry in entries}
    for place in range(batch.entries):
        if place not in places:
            wrong = "is missing: the batch was signed over an entry there"
            audit.name(_TRAIL, f"batch {stored.key} place {place}", wrong)
    for entry in entries:
        if entry.sound and entry.position >= batch.entries:
            audit.name(_TRAIL, entry.key, f"is none of those that batch {stored.key} was signed over")
    whole = len(places) == batch.entries and all(entry.sound for entry in entries)
    if whole and batch_root([places[place].digest for place in range(batch.entries)]) != batch.root:
        audit.name(_BATCHES, stored.key, "its entries are not those that it was signed over")

"""A new mark in place of a lost one: what was signed last is taken from the database, and that is what it trusts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.publish_log import check_continues, read_signed
from broker.actions.whole_log import faults_of_log
from broker.errors import CommandRefused, LogForked
from broker.proof.checkpoint import Checkpoint
from broker.proof.durable import append_durably
from broker.proof.highwater import HighWater, has_high_water, write_high_water
from broker.proof.merkle import EMPTY_ROOT
from broker.store.log import find_head, latest_checkpoint
from broker.store.transaction import Transaction

ADOPTIONS = "log.adoptions"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A checkpoint of this log that somebody else keeps: who, and the text."""

    who: str
    note: str


def adopt_log(broker: Broker, elsewhere: Iterable[Elsewhere], *, why: str, operator: str) -> HighWater:
    """Write a mark where there is none: the largest tree published, here or elsewhere; every leaf is hashed."""
    folder = broker.log.marks
    if has_high_water(folder):
        raise CommandRefused(
            f"{folder} holds a mark: there is nothing to adopt. One that is damaged has to be moved away first"
        )
    with broker.database.reading() as tx:
        faults = list(faults_of_log(tx, broker))
        if faults:
            raise LogForked(f"the database's log is not whole: {faults[0]} (`broker log check` names all)")
        known = [_published(tx, broker), *(require_known(tx, broker, other) for other in elsewhere)]
    mark = max(known, key=lambda tree: tree.size)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = {"at": broker.now().isoformat(), "by": operator, "why": why, "size": mark.size, "root": mark.root.hex()}
    append_durably(folder / ADOPTIONS, json.dumps(line))
    write_high_water(folder, mark)
    log.warning("the log's mark was adopted at %s leaves", mark.size)
    return mark


def require_known(tx: Transaction, broker: Broker, other: Elsewhere) -> HighWater:
    """Raise :class:`LogForked` unless the stored tree continues what somebody else saw signed; return that."""
    found = find_head(tx)
    size, root = (found.size, found.root) if found else (0, EMPTY_ROOT)
    try:
        seen = read_signed(broker, other.note)
        tree = HighWater(size=seen.size, root=seen.root)
        check_continues(tx, tree, Checkpoint(origin=broker.log.origin, size=size, root=root))
    except LogForked as error:
        raise LogForked(f"what {other.who} holds: {error.detail}") from error
    return tree


def _published(tx: Transaction, broker: Broker) -> HighWater:
    latest = latest_checkpoint(tx)
    if latest is None:
        return HighWater()
    signed = read_signed(broker, latest.note)
    return HighWater(size=signed.size, root=signed.root)

"""A new journal of erasures in place of a lost one: it names those the database knows, and nobody in a backup."""

from __future__ import annotations

import json
import logging

from broker.actions.broker import Broker
from broker.errors import BadConfiguration, CommandRefused
from broker.proof.durable import append_durably
from broker.proof.erasure import OPERATOR, PERSON
from broker.proof.journal import NAME, Entry, append_entry, create_journal, read_journal
from broker.store.erasing import erasure_ids, find_erasure

ADOPTIONS = "erasures.adoptions"
log = logging.getLogger(__name__)


def adopt_journal(broker: Broker, *, why: str, operator: str) -> int:
    """Name in the journal what of the database's erasures it lacks; return how many those are.

    The generations went with the people: by these entries no backup is erased again. A journal that is damaged is not
    touched, :class:`BadConfiguration`.
    """
    folder = broker.log.marks
    begun = create_journal(folder)
    known = set() if begun else {entry.erasure_id for entry in read_journal(folder)}
    with broker.database.reading() as tx:
        found = [find_erasure(tx, erasure_id) for erasure_id in sorted(erasure_ids(tx) - known)]
    lacking = [erasure for erasure in found if erasure is not None]
    if not lacking and not begun:
        raise CommandRefused(f"{folder / NAME} lacks none of the database's erasures: there is nothing to adopt")
    line = {"at": broker.now().isoformat(), "by": operator, "why": why, "erasures": len(lacking)}
    try:
        append_durably(folder / ADOPTIONS, json.dumps(line))
    except OSError as error:
        raise BadConfiguration(f"{folder / ADOPTIONS}: cannot be written ({error.strerror})") from error
    for erasure in lacking:
        by = PERSON if erasure.who == PERSON else OPERATOR
        entry = Entry(erasure_id=erasure.erasure_id, at=erasure.erased_at, by=by, objects=False, generations=())
        append_entry(folder, entry)
    log.warning("%s erasures were adopted into the journal", len(lacking))
    return len(lacking)

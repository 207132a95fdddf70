"""The audit of erasures: each certificate verifies, and commits to the very entries of the trail that were emptied."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from broker.actions.audit_keys import JudgedKeys
from broker.actions.broker import Broker
from broker.proof.erasure import trail_commitment
from broker.proof.journal import read_journal
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import assemble
from broker.proof.verify import Verdict, verify_evidence
from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import all_rows
from broker.store.auditing_log import erasures_in_order
from broker.store.auditing_trail import emptied_entries

_ERASURES = "erasures"


def check_erasures(audit: Walk, broker: Broker) -> None:
    """Look at every erasure together with the entries that name it."""
    keys = JudgedKeys(broker.keys.jwks())
    for erasure_id, stored, commitment in _together(audit):
        audit.walked[_ERASURES] += stored is not None
        if stored is None:
            audit.name(_ERASURES, erasure_id, "is missing: entries of the trail were emptied by it")
        elif stored.sound:
            fault = _fault(stored, verify_evidence(assemble(stored.values["jwt"]), jwks=keys.jwks), commitment)
            fault = fault or keys.fault(audit, stored.values["jwt"], stored.values["leaf"])
            if fault is not None:
                audit.name(_ERASURES, stored.key, fault)
    _check_people(audit, broker)


def _check_people(audit: Walk, broker: Broker) -> None:
    """Nobody is there whom the journal says to be erased, be it with genuine rows and a copied entry of the trail."""
    erased = {name: entry.erasure_id for entry in read_journal(broker.log.marks) for name in entry.generations}
    known = {row.values["erasure_id"] for row in erasures_in_order(audit)}
    for chunk in all_rows(audit, "people"):
        for person in chunk:
            erasure_id = erased.get(str(person.values.get("generation")))
            # One that this snapshot does not know yet may just be on its way.
            if erasure_id in known:
                audit.name("people", person.key, f"was erased with erasure {erasure_id}, and put back")


def _together(audit: Walk) -> Iterator[tuple[str, Seen | None, dict[str, object]]]:
    """Each erasure, and what a certificate would say of the entries that name it."""
    rows = ((str(row.values["erasure_id"]), row) for row in erasures_in_order(audit))
    groups = groupby(emptied_entries(audit), itemgetter(0))
    emptied = ((erasure_id, trail_commitment(digest for _id, digest in group)) for erasure_id, group in groups)
    for erasure_id, found in groupby(merge(rows, emptied, key=itemgetter(0)), itemgetter(0)):
        parts = [part for _id, part in found]
        stored = next((part for part in parts if isinstance(part, Seen)), None)
        none: Iterator[bytes] = iter(())
        yield erasure_id, stored, next((part for part in parts if isinstance(part, dict)), trail_commitment(none))


def _fault(stored: Seen, verdict: Verdict, commitment: dict[str, object]) -> str | None:
    if not verdict.anchored:
        failed = verdict.steps[-1]
        return f"its certificate does not verify: step {failed.number} ({failed.name}) failed"
    said: Any = verdict.payload["erasure"]
    row, issued = stored.values, verdict.payload["iat"]
    if (said["erasure_id"], issued) != (row["erasure_id"], int(row["erased_at"].timestamp())):
        return "its certificate is of another erasure"
    if leaf_data(row["jwt"]) != row["leaf"]:
        return "its leaf is not that of its certificate"
    if said["trail"] != commitment:
        return f"its certificate commits to {said['trail']['entries']} entries of the trail, and others name it"
    return None

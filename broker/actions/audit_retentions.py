"""The audit of retentions: each is as it was signed; it excuses the rows that it names, and no more of them.

Nothing is left of what one dropped but entries of the trail. So many of them may be without their rows as retentions
say, of the tables they are of and from before their moment; a row that is newer is told of like any other that is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from broker.actions.broker import Broker
from broker.errors import MalformedRequest
from broker.proof.claims import StepFailed
from broker.proof.receipt import leaf_data, timestamp
from broker.proof.retention import TYP, SignedRetention, read_retention
from broker.proof.signatures import check_signature
from broker.store.auditing import LONGEST, Seen, Walk
from broker.store.auditing_evidence import all_rows, rows_older
from broker.store.auditing_log import index_of_leaf

_RETENTIONS = "retentions"
#: How long dropping may take. Then what should be gone is told of.
_A_DAY = timedelta(days=1)


def read_retentions(audit: Walk, broker: Broker) -> None:
    """Look at every retention; what a sound one names may be gone."""
    jwks = broker.keys.jwks()
    for chunk in all_rows(audit, _RETENTIONS):
        for stored in chunk:
            audit.walked[_RETENTIONS] += 1
            fault = _fault(audit, stored, jwks) if stored.sound else None
            if fault:
                audit.name(_RETENTIONS, stored.key, fault)
            elif stored.sound:
                _excuse(audit, stored, read_retention(stored.values["jwt"]))


def _excuse(audit: Walk, stored: Seen, said: SignedRetention) -> None:
    before = stored.values["before"]
    audit.kept_since = before if audit.kept_since is None else max(audit.kept_since, before)
    audit.retained.update(said.dropped)
    audit.retained[""] += said.faults


def _fault(audit: Walk, stored: Seen, jwks: Mapping[str, object]) -> str | None:
    row = stored.values
    try:
        check_signature(row["jwt"], typ=TYP, jwks=jwks, index=index_of_leaf(audit, row["leaf"]))
        said = read_retention(row["jwt"])
    except (StepFailed, MalformedRequest) as fault:
        return str(fault)
    told = said.retention_id, said.before, said.issued_at, said.dropped
    stands = row["retention_id"], timestamp(row["before"]), int(row["retained_at"].timestamp()), row["dropped"]
    return None if told == stands and leaf_data(row["jwt"]) == row["leaf"] else "it is not what was signed"


def check_retained(audit: Walk, broker: Broker) -> None:
    """No more is gone than retentions name, and nothing is there that one dropped; after the trail was walked."""
    spare = audit.retained[""]
    for table, number in sorted(audit.dropped.items()):
        more = number - audit.retained[table]
        if more > spare:
            wrong = f"retentions name {audit.retained[table]} of its rows from before {audit.kept_since:%Y-%m-%d}, and"
            audit.name(table, "", f"{wrong} {number} are gone")
    for chunk in all_rows(audit, _RETENTIONS):
        for stored in chunk:
            if stored.sound and stored.values["retained_at"] < broker.now() - _A_DAY:
                _check_gone(audit, stored)


def _check_gone(audit: Walk, stored: Seen) -> None:
    """What a retention dropped is gone, unless it was written down only afterwards."""
    for table, seen, written_at in rows_older(audit, stored.values["before"]):
        if written_at is None or written_at < stored.values["retained_at"] - LONGEST:
            audit.name(table, seen.key, f"it was dropped with retention {stored.key}, and is there")

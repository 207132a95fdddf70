"""The audit: everything that is stored, walked over at one moment, and every row named that disagrees.

1. rows      each bears the MAC of what it holds, and is what the trail says it was last; none is gone
2. trail     each entry is in one batch, each batch signed, over its entries and the batch before, and a leaf;
             what was emptied was so by an erasure whose certificate says it; what was too old is gone, as a signed
             retention says
3. evidence  each receipt, statement, certificate and action is a leaf, and each leaf one of them
4. log       indices, tiles, head and checkpoints are those of the leaves, and the mark outside the database agrees
5. meaning   receipts open and verify, and say what consents, associations, routes, events and status lists say;
             sheets have the groups that their digests name, and each adds up;
             each event is to be told to its client, and nothing else is; each action was stated by its client;
             what a match reads of a pair or an account is what all of that says

Nothing is written. Who holds the database alone cannot make a row that passes; who holds the broker's keys too is found
out by the log, once a checkpoint has left the house.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from broker.actions.audit_actions import check_actions
from broker.actions.audit_deliveries import check_deliveries
from broker.actions.audit_erasures import check_erasures
from broker.actions.audit_leaves import check_leaves
from broker.actions.audit_log import check_log
from broker.actions.audit_meaning import check_meaning
from broker.actions.audit_pairs import check_pairs
from broker.actions.audit_records import check_records
from broker.actions.audit_retentions import check_retained, read_retentions
from broker.actions.audit_sheets import check_sheets
from broker.actions.audit_trail import check_trail
from broker.actions.broker import Broker
from broker.proof.highwater import read_high_water
from broker.store.auditing import Finding, Walk, check_rows, missing_tables
from broker.store.partitions import hold_still

#: How long a checkpoint may take from its signing to its publishing, witnesses and all, in seconds.
PATIENCE = 10.0


def audit(broker: Broker, tell: Callable[[Finding], None], *, patience: float = PATIENCE) -> Mapping[str, int]:
    """Walk over everything and *tell* each row that disagrees, once; return how much was walked, by kind."""
    # Before the snapshot: what is signed from now on is later than what is looked at.
    mark = read_high_water(broker.log.marks)
    with broker.database.snapshot() as tx:
        hold_still(tx)
        walk = Walk(tx, broker.database.row_key, tell)
        lost = missing_tables(tx)
        for name in lost:
            walk.name(name, "", "is not there")
        if not lost:
            check_rows(walk)
            read_retentions(walk, broker)
            check_trail(walk, broker)
            check_retained(walk, broker)
            check_erasures(walk, broker)
            check_leaves(walk)
            check_meaning(walk, broker)
            check_records(walk, broker)
            check_sheets(walk)
            check_deliveries(walk, broker)
            check_actions(walk, broker)
            check_pairs(walk)
            check_log(walk, broker, mark, patience=patience)
    return walk.walked

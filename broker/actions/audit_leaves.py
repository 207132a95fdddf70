"""The audit of what ties signed rows to the log: each one's JWT is a leaf, of the kind that the row is."""

from __future__ import annotations

from collections.abc import Iterable

from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import all_rows
from broker.store.auditing_log import find_leaves

LEAVES = "leaves"
#: Tables whose rows hold a signed JWT and its leaf, and the kind of leaf that is.
_KINDS = {
    "receipts": "receipt",
    "statements": "statement",
    "batches": "batch",
    "erasures": "erasure",
    "actions": "action",
    "retentions": "retention",
}


def check_leaves(audit: Walk) -> None:
    """Look for the leaf of every signed row. Those found are marked, so that a leaf of nothing will be seen."""
    for table, kind in _KINDS.items():
        for chunk in all_rows(audit, table):
            _check_chunk(audit, table, kind, [row for row in chunk if "leaf" in row.values])


def _check_chunk(audit: Walk, table: str, kind: str, chunk: Iterable[Seen]) -> None:
    rows = {row.values["leaf"]: row for row in chunk}
    found = find_leaves(audit, rows)
    for data, row in rows.items():
        leaf = found.get(data)
        if leaf is None:
            if row.sound:
                audit.name(LEAVES, data.hex(), f"is missing: it is the leaf of {table} {row.key}")
            continue
        if leaf.values["leaf_index"] is None:
            audit.waiting.add(data)
        else:
            audit.leaves.add(leaf.values["leaf_index"])
        if leaf.sound and row.sound and leaf.values["kind"] != kind:
            audit.name(LEAVES, leaf.key, f"is of kind {leaf.values['kind']!r}, and that of {table} {row.key}")

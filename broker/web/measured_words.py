"""What each figure that is measured at a scrape says, in one line; docs/operations.md has them all."""

from __future__ import annotations

from collections.abc import Mapping

HELP: Mapping[str, str] = {
    "database_up": "Whether the database answered this scrape in time; what is measured in it is missing otherwise.",
    "database_bytes": "Size of SQLite's file.",
    "database_journal_bytes": "Size of SQLite's write-ahead log.",
    "tapes_waiting": "Tapes of answers that are not in the database yet, those under way among them.",
    "tape_lag_seconds": "How long ago the oldest of them was last written to: a few seconds, or nobody files them.",
    "build_info": "Which release runs, on what.",
    "policy_info": "Which documents decide.",
    "log_leaves": "Leaves in the log.",
    "log_leaves_published": "Leaves that the latest checkpoint covers.",
    "log_checkpoint_age_seconds": "How long ago a checkpoint was published; it grows while nothing is written.",
    "log_leaves_waiting": "Leaves without an index, up to 10,000.",
    "log_lag_seconds": "For how long the oldest leaf that no checkpoint covers has waited for one.",
    "trail_entries_waiting": "Entries of the trail that no batch chains yet, up to 10,000.",
    "trail_lag_seconds": "For how long the oldest of them has waited.",
    "deliveries": "Events that wait (retrying ones among them), are retried, or were given up; each up to 10,000.",
    "delivery_lag_seconds": "For how long an event that could be pushed now has not been.",
    "delivery_retrying_seconds": "For how long the longest retried event has been refused; 72 hours give it up.",
    "consents_due": "Consents that something has come to and that nobody has seen to yet, up to 10,000.",
    "consents_due_lag_seconds": "For how long the oldest of them has been due.",
    "recheck_oldest_seconds": "How long ago the platform was asked about the account it was asked about longest ago.",
}

"""The trail: what every lasting row was last, an entry each time it is written; chained into the log by batch.

Trusted for nothing: an entry's digest is in the root of its batch, the batch is a leaf, and an entry has a MAC, which
from its batch on covers its place as well. A row that is gone, or an older one put back, disagrees with its last entry.
What is not chained yet, half a second's entries, could still be taken away whole, together with their rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, insert, select, update

from broker.store.driven import insert_rows
from broker.store.log_tables import TrailRow
from broker.store.row_mac import ABOUT_SIZE, MAC, about, canonical, is_marked, row_key_digest, row_mac

SALT_SIZE = 16
_BOOK = "trail"
_TABLE: Table = TrailRow.__table__  # type: ignore[attr-defined] # SQLModel hides the table
_INSERT = insert(_TABLE)
_KNOWN = select(_TABLE).where(_TABLE.c.row_key.in_(bindparam("row_keys", expanding=True))).order_by(_TABLE.c.number)
_EMPTY = (
    update(_TABLE)
    .where(_TABLE.c.number == bindparam("the_number"), _TABLE.c.digest == bindparam("the_digest"))
    .values(row_key=b"", salt=b"", erasure_id=bindparam("its_erasure"), mac=bindparam("its_mac"))
)
#: What lives for minutes, is counted only, or is checked in another way: the log's own tables, and deliveries, which
#: change with each attempt, against their events; a sheet's groups against the digests in its row; what a match reads
#: against what it is made from.
NOT_FOLLOWED = frozenset(
    {
        *("pushed_requests", "links", "used_assertions", "revoked_tokens", "codes", "person_sessions"),
        *("idempotency", "contacts", "rulings", "stream_work", "deliveries", "rechecks", "tapes"),
        *("pairs", "cautions", "budgets"),
        *("leaves", "log_head", "log_tiles", "checkpoints", "trail", "batches", "sheet_entries"),
    }
)
#: Rows without a MAC: what the server itself counts, trusted with nothing.
UNMARKED = frozenset({"budgets"})
#: What an entry has from its batch or its erasure on; and its number, which the database gives it.
_LATER = dict.fromkeys(("number", "batch", "position", "erasure_id"))


def is_followed(table: Table, row: Mapping[str, object]) -> bool:
    """Whether a row lasts: a name that leads somewhere for minutes does not."""
    return table.name not in NOT_FOLLOWED and row.get("expires_at") is None


@dataclass(frozen=True, kw_only=True)
class Pen:
    """What rows are written with: the key of their MACs, 32 bytes; ``random(n)`` gives n bytes, ``now()`` the time."""

    key: bytes = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)
    now: Callable[[], datetime]


class Trail:
    """What one transaction writes, kept until it commits."""

    def __init__(self, pen: Pen) -> None:
        self.key = pen.key
        self.random = pen.random
        self._pen = pen
        self._entries: dict[bytes, dict[str, object]] = {}
        #: The people who were held: once is enough, until the transaction ends.
        self.held: set[bytes] = set()
        #: Every row that was written or dropped, with the name of its table.
        self.touched: list[tuple[str, Mapping[str, object]]] = []

    def touch(self, table: Table, row: Mapping[str, object]) -> None:
        """Remember that a row was written or dropped: what is derived from it is made anew before the commit."""
        self.touched.append((table.name, row))

    def leave_alone(self, accounts: Collection[bytes]) -> None:
        """Forget what was touched of these accounts: they are being erased, and nothing is made of them anew."""
        self.touched = [(name, row) for name, row in self.touched if row.get("account") not in accounts]

    def note(self, table: Table, row: Mapping[str, object], content: bytes | None) -> None:
        """Remember a row as its *content* is from now on, None when it is gone; the last of a transaction counts."""
        if not is_followed(table, row):
            return
        salt, row_key = self._pen.random(SALT_SIZE), row_key_digest(self.key, table, row)
        entry: dict[str, object] = {
            "row_table": table.name,
            "row_key": row_key,
            "salt": salt,
            "digest": entry_digest(salt, content if content is not None else gone(table, row_key)),
            "gone": content is None,
            "written_at": self._pen.now(),
        }
        entry[MAC] = entry_mac(self.key, {**entry, **_LATER})
        # What comes back goes to the end: entries are in the order of their rows' last writing.
        self._entries.pop(row_key, None)
        self._entries[row_key] = entry

    def key_of(self, table: Table, row: Mapping[str, object]) -> bytes:
        """What stands for a row's primary key in the trail."""
        return row_key_digest(self.key, table, row)

    def last(
        self, tx: Connection, table: Table, rows: Iterable[Mapping[str, object]]
    ) -> dict[bytes, Mapping[str, object]]:
        """What was noted last of *rows*, in this transaction or before it, by the digests of their keys."""
        row_keys = [row_key_digest(self.key, table, row) for row in rows]
        if not row_keys:
            return {}
        known = tx.execute(_KNOWN, {"row_keys": row_keys})
        before: dict[bytes, Mapping[str, object]] = {row.row_key: row._asdict() for row in known}
        return before | {row_key: self._entries[row_key] | _LATER for row_key in row_keys if row_key in self._entries}

    def forget(self, beginnings: Collection[bytes]) -> None:
        """Take back what was noted of rows whose keys begin so: they are being erased."""
        for row_key in [row_key for row_key in self._entries if row_key[:ABOUT_SIZE] in beginnings]:
            del self._entries[row_key]

    def write(self, tx: Connection) -> None:
        """Write the entries, all at once: how many there are must not show in how many statements there are."""
        if self._entries:
            insert_rows(tx, _INSERT, list(self._entries.values()))
            self._entries.clear()


def entry_digest(salt: bytes, content: bytes) -> bytes:
    """What a batch's root is over: the row as it is, or that it is gone. The salt keeps it from being guessed."""
    return hashlib.sha256(salt + content).digest()


def says(key: bytes, entry: Mapping[str, Any], content: bytes) -> bool:
    """Whether an entry is as it was written, and a row was then what *content* is."""
    return is_marked(entry, entry_mac(key, entry)) and entry["digest"] == entry_digest(entry["salt"], content)


def gone(table: Table, row_key: bytes) -> bytes:
    """The content of an entry that says that a row is gone, and of which."""
    return b'{"gone":"%s","table":"%s"}' % (row_key.hex().encode(), table.name.encode())


def entry_mac(key: bytes, entry: Mapping[str, object]) -> bytes:
    """The MAC of an entry, all of whose columns are in *entry*.

    The first time, the number is left out: the database gives it. From its batch or its erasure on nothing is.
    """
    fresh = entry["batch"] is None and entry["erasure_id"] is None
    return row_mac(key, canonical(_TABLE, {**entry, "number": None} if fresh else entry))


def blank_entries(tx: Connection, accounts: Iterable[bytes], *, erasure_id: str) -> list[bytes]:
    """Empty key and salt of every entry about these accounts, and let it name the erasure; return their digests.

    The digests stay chained, and mean nothing any more: without the salt no row can be held against one. What was made
    to look as if it were about them is emptied, too; but its MAC stays as false as it is, and it is not among those
    that the certificate commits to: an erasure must not let anybody forget somebody else's row.
    """
    trail = trail_of(tx)
    beginnings = {about(trail.key, account) for account in accounts}
    trail.forget(beginnings)
    digests: list[bytes] = []
    for beginning in sorted(beginnings):
        entries = [row._asdict() for row in tx.execute(_entries_from(beginning))]
        ours = {entry["number"] for entry in entries if is_marked(entry, entry_mac(trail.key, entry))}
        digests += [bytes(entry["digest"]) for entry in entries if entry["number"] in ours]
        if entries:
            tx.execute(
                _EMPTY, [_emptied(trail.key, entry, erasure_id, ours=entry["number"] in ours) for entry in entries]
            )
    return digests


def _entries_from(beginning: bytes) -> Select[Any]:
    """The entries whose keys begin so, in the order in which the sequencer locks them."""
    last = beginning + b"\xff" * (ABOUT_SIZE + 1)
    return select(_TABLE).where(_TABLE.c.row_key.between(beginning, last)).order_by(_TABLE.c.number).with_for_update()


def _emptied(key: bytes, entry: Mapping[str, Any], erasure_id: str, *, ours: bool) -> dict[str, Any]:
    empty = {**entry, "row_key": b"", "salt": b"", "erasure_id": erasure_id}
    mac = entry_mac(key, empty) if ours else entry[MAC]
    return {"the_number": entry["number"], "the_digest": entry["digest"], "its_erasure": erasure_id, "its_mac": mac}


def begin_trail(tx: Connection, pen: Pen) -> Trail:
    """Let this transaction write, and return what is to be written before it commits."""
    trail = Trail(pen)
    tx.execution_options(**{_BOOK: trail})
    return trail


def trail_of(tx: Connection) -> Trail:
    """The trail of a transaction that may write."""
    found = tx.get_execution_options().get(_BOOK)
    if not isinstance(found, Trail):
        raise TypeError("this database was opened without the key of its rows: it can be read, not written")
    return found

"""A log that a test keeps: leaves of its own, restored backups, and everything that was ever signed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from builders import Clock, a_broker, a_log, the_keys
from raw_rows import Rows, all_rows

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.prove_leaf import prove_leaf
from broker.actions.publish_log import read_signed
from broker.actions.whole_log import faults_of_log, root_over, stored_bundles, tiles_over
from broker.proof.checkpoint import Checkpoint
from broker.proof.highwater import first_high_water, read_high_water
from broker.proof.note import Note, SignatureLine, parse_note
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.log import latest_checkpoint
from broker.store.row_mac import canonical, row_mac
from broker.store.tables import LeafRow
from broker.store.writing import table_of

_LEAVES = iter(range(2**60))


def a_keeper(database: Database, marks: Path, *, clock: Clock | None = None, copy: Path | None = None) -> Broker:
    """A broker with marks of its own, whose log nobody has kept yet."""
    clock = clock or Clock()
    first_high_water(marks)
    log = replace(a_log(the_keys(), marks=marks, clock=clock), copy=copy)
    return replace(a_broker(database, clock=clock), log=log)


def left(broker: Broker, count: int = 1) -> list[bytes]:
    """Leave leaves that no other test has left, in one transaction; they are acknowledged.

    As ``leave`` writes them, and all in one statement: some tests begin with hundreds.
    """
    table, key = table_of(LeafRow), broker.database.row_key
    rows = [
        {"leaf": next(_LEAVES).to_bytes(32), "kind": "receipt", "left_at": broker.now(), "leaf_index": None}
        for _ in range(count)
    ]
    with broker.database.transaction() as tx:
        tx.execute(table.insert(), [{**row, "mac": row_mac(key, canonical(table, row))} for row in rows])
    return [row["leaf"] for row in rows]


def kept(broker: Broker, count: int = 1) -> list[bytes]:
    """Leave leaves and keep the log."""
    leaves = left(broker, count)
    keep_log(broker)
    return leaves


def published_size(broker: Broker) -> int | None:
    with broker.database.reading() as tx:
        latest = latest_checkpoint(tx)
    return latest.size if latest else None


def mark_of(broker: Broker) -> int:
    return read_high_water(broker.log.marks).size


def backup(database: Database) -> Rows:
    """Every row as it is now."""
    with database.reading() as tx:
        return all_rows(tx)


def restore_backup(database: Database, rows: Rows) -> None:
    """Put the rows of a backup in place of those that are there."""
    with database.engine.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
        for table in metadata.sorted_tables:
            if rows[table.name]:
                tx.execute(table.insert(), rows[table.name])


class Witnessed:
    """Everything that left the signer: a log is one history as long as all of it fits together.

    It is kept in a file, for what a process saw that was killed in the next moment counts as well.
    """

    def __init__(self, broker: Broker, seen: Path | None = None) -> None:
        self.broker = broker
        self._seen = seen or broker.log.marks / "seen"
        self._seen.touch()
        self._signed: dict[str, Checkpoint] = {}

    def __call__(self, note: Note, _prove: object) -> Sequence[SignatureLine]:
        """Note down what is about to be published; this witness signs nothing."""
        with self._seen.open("a") as file:
            file.write(json.dumps(str(note)) + "\n")
        return ()

    def look(self) -> None:
        """Note down what is published now."""
        with self.broker.database.reading() as tx:
            latest = latest_checkpoint(tx)
        if latest:
            self(parse_note(latest.note), None)

    @property
    def notes(self) -> set[str]:
        """What was seen."""
        return {json.loads(line) for line in self._seen.read_text().splitlines()}

    def signed(self) -> Iterable[Checkpoint]:
        """The trees that were seen, every signature checked."""
        for text in self.notes - self._signed.keys():
            self._signed[text] = read_signed(self.broker, text)
        return self._signed.values()

    def faults(self, acknowledged: Sequence[bytes]) -> Iterator[str]:
        """Name whatever is wrong with the log: lost, twice, not whole, or of another history."""
        broker = self.broker
        with broker.database.reading() as tx:
            yield from faults_of_log(tx, broker)
            latest = latest_checkpoint(tx)
            size = latest.size if latest else 0
            bundles = list(stored_bundles(tx, size))
            leaves, tiles = [leaf for bundle in bundles for leaf in bundle], tiles_over(bundles)
            yield from (f"{leaf.hex()} is not in the log" for leaf in set(acknowledged) - set(leaves))
            yield from ("a leaf is there twice" for _ in range(len(leaves) - len(set(leaves))))
            for signed in self.signed():
                if signed.size > size or root_over(tiles, signed.size) != signed.root:
                    yield f"a tree of {signed.size} leaves was signed that this one does not continue"
            for leaf in acknowledged[-3:]:
                proof = prove_leaf(tx, leaf)
                if proof is None:
                    yield f"{leaf.hex()} has no proof"
                else:
                    proof.check(leaf)
        if mark_of(broker) != size:
            yield f"the mark is at {mark_of(broker)}, and {size} leaves are published"

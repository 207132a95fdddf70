"""The trail itself, in the order of its batches: each entry bears its MAC, and what it speaks of is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from broker.store.auditing import LONGEST, TRAIL, Walk, by_letters, is_sound, last_entries
from broker.store.columns import metadata
from broker.store.partitions import FORMS
from broker.store.raw_rows import RawRow, walk
from broker.store.row_mac import row_key_digest


@dataclass(frozen=True)
class Chained:
    """An entry in its place, and whether it is as it was written."""

    key: str
    batch: int
    position: int
    digest: bytes
    sound: bool


def chained_entries(audit: Walk) -> Iterator[Chained]:
    """Every entry that a batch chains, by batch and position; those that lie are told of on the way."""
    in_order = walk(
        audit.tx,
        TRAIL,
        lambda query: query.where(TRAIL.c.batch.is_not(None)).order_by(TRAIL.c.batch, TRAIL.c.position),
    )
    for chunk in in_order:
        _check_entries(audit, chunk)
        for entry in chunk:
            said, sound = entry.values, not audit.knows(TRAIL.name, entry.key)
            if sound and (audit.newest is None or said["number"] > audit.newest[0]):
                audit.newest = said["number"], said["written_at"]
            if {"batch", "position", "digest"} <= said.keys() and said["position"] is not None:
                yield Chained(entry.key, said["batch"], said["position"], said["digest"], sound)


def emptied_entries(audit: Walk) -> Iterator[tuple[str, bytes]]:
    """The erasure and the digest of every entry that one emptied, sorted by both."""
    order = by_letters(audit, TRAIL.c.erasure_id), TRAIL.c.digest
    emptied = walk(audit.tx, TRAIL, lambda query: query.where(TRAIL.c.erasure_id.is_not(None)).order_by(*order))
    for chunk in emptied:
        sound = (entry.values for entry in chunk if not audit.knows(TRAIL.name, entry.key))
        yield from ((said["erasure_id"], said["digest"]) for said in sound)


def check_waiting(audit: Walk) -> None:
    """Look at the entries that wait for a batch, after those that have theirs: none is passed over."""
    for chunk in walk(audit.tx, TRAIL, lambda query: query.where(TRAIL.c.batch.is_(None)).order_by(TRAIL.c.number)):
        _check_entries(audit, chunk)
        for entry in chunk:
            if audit.newest and not audit.knows(TRAIL.name, entry.key) and _passed_over(entry, *audit.newest):
                audit.name(TRAIL.name, entry.key, "waits for a batch, though later ones have theirs: it was put back")


def chained_by(audit: Walk, name: str, row: Mapping[str, object]) -> datetime | None:
    """When the batch was made that chains what a row was written as last; None while none does."""
    key = row_key_digest(audit.key, metadata.tables[name], row)
    batches = metadata.tables["batches"]
    of_row = select(batches.c.made_at).join_from(TRAIL, batches, batches.c.number == TRAIL.c.batch)
    last = of_row.where(TRAIL.c.row_key == key).order_by(TRAIL.c.number.desc()).limit(1)
    found: datetime | None = audit.tx.execute(last).scalar()
    return found


def _passed_over(entry: RawRow, number: int, written_at: datetime) -> bool:
    written: datetime = entry.values["written_at"]
    return int(entry.key) < number and written < written_at - LONGEST


def _check_entries(audit: Walk, chunk: list[RawRow]) -> None:
    audit.walked["entries"] += len(chunk)
    for entry in chunk:
        if not is_sound(audit.key, entry):
            audit.name(TRAIL.name, entry.key, entry.wrong or "its MAC is not that of what it holds")
    _check_gone(audit, chunk)


def _check_gone(audit: Walk, chunk: list[RawRow]) -> None:
    """Tell of rows that an entry speaks of and no table holds.

    Entries of rows that are there were marked when their rows were looked at.
    """
    alone = [
        entry
        for entry in chunk
        if entry.values["number"] not in audit.entries
        and not audit.knows(TRAIL.name, entry.key)
        and not entry.values["gone"]
        and entry.values["erasure_id"] is None
    ]
    last = last_entries(audit, {entry.values["row_key"] for entry in alone})
    for entry in alone:
        said = entry.values
        if last[said["row_key"]].key == entry.key and not _was_dropped(audit, said):
            written = f"{said['written_at']:%Y-%m-%dT%H:%M:%SZ}"
            wrong = f"is gone, and nothing says that the broker deleted it; last written {written}, entry {entry.key}"
            audit.name(said["row_table"], shown_digest(said["row_key"]), wrong)


def _was_dropped(audit: Walk, said: Mapping[str, Any]) -> bool:
    """Whether a retention says that a row is gone: of its tables, and written before the moment up to which it goes."""
    covered = audit.kept_since is not None and said["row_table"] in FORMS and said["written_at"] < audit.kept_since
    audit.dropped[said["row_table"]] += covered
    return covered


def shown_digest(row_key: bytes) -> str:
    """How a row is named of which nothing is left but the keyed digest of its primary key."""
    return f"#{row_key.hex()}"

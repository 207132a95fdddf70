"""The tables of sheets: what many were answered at one moment, a row for each of a few dozen entries.

A person's entries are found by what their account begins with: no index has a row an entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary
from sqlmodel import Field

from broker.store.columns import Table, json_column, key_column, sealed_column, text_column, time_column
from broker.store.row_mac import AS_DIGEST


class SheetRow(Table, table=True):
    """A sheet: its outcomes with the number of their answers, and the digest of each of its groups, end to end.

    ``moments`` is, where answers were given one after the other, when each was: microseconds after ``decided_at``, four
    bytes a place. ``answers`` is how many were asked, ``blanked`` how many entries erasures took out since. What an
    erasure did to a group shows in the digests too: the trail follows this row, and through it the groups.
    """

    __tablename__ = "sheets"
    sheet_id: str = text_column(primary=True)
    client_id: str = text_column()
    decided_at: datetime = time_column()
    outcomes: list[dict[str, Any]] = json_column()
    answers: int = Field(sa_column=Column(Integer, nullable=False))
    blanked: int = Field(sa_column=Column(Integer, nullable=False))
    width: int = Field(sa_column=Column(Integer, nullable=False))
    groups: int = Field(sa_column=Column(Integer, nullable=False))
    digests: bytes = sealed_column()
    moments: bytes | None = sealed_column(nullable=True)
    __table_args__ = (Index(None, "decided_at", "sheet_id"), Index(None, "client_id", "decided_at"))


class TapeRow(Table, table=True):
    """A worker's tape that was filed: whoever finds the file again knows that nothing of it is to be filed twice."""

    __tablename__ = "tapes"
    name: str = text_column(primary=True)
    filed_at: datetime = time_column()
    __table_args__ = (Index(None, "filed_at"),)


class SheetEntriesRow(Table, table=True):
    """One group of a sheet's entries (their form: core/sheet), and its salt. Its digest stands in the sheet's row.

    ``decided_at`` is the sheet's: partitions go by it.
    """

    __tablename__ = "sheet_entries"
    sheet_id: str = text_column(primary=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    decided_at: datetime = time_column()
    salt: bytes = key_column(primary=False)
    entries: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info={AS_DIGEST: True}))

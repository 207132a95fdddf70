"""The tables of evidence: the log and what was published of it, the trail that it chains, erasures, policy texts.

Not trusted: every checkpoint is signed, the tiles are the leaves' own hashes, and the signer refuses a head that does
not continue what it signed before.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, text
from sqlmodel import Field

from broker.store.columns import Table, key_column, sealed_column, text_column, time_column


class LogHeadRow(Table, table=True):
    """The one row that moves: how many leaves the tree has, and its root."""

    __tablename__ = "log_head"
    log: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: bytes = key_column(primary=False)
    moved_at: datetime = time_column()


class LogTileRow(Table, table=True):
    """One tile of hashes; the rightmost of each level grows."""

    __tablename__ = "log_tiles"
    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = key_column(primary=False)


class CheckpointRow(Table, table=True):
    """A checkpoint that was published, and the size of the one before; of those of a minute the last is kept."""

    __tablename__ = "checkpoints"
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    previous: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    note: str = text_column()
    published_at: datetime = time_column()


class TrailRow(Table, table=True):
    """That a lasting row was written, and as what. ``batch`` and ``position`` come with the batch that chains it.

    From its batch on its MAC covers the place too. Where the row was erased, ``erasure_id`` names the erasure, and key
    and salt are empty: the digest stays, and means nothing any more.
    """

    __tablename__ = "trail"
    number: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    )
    row_table: str = text_column()
    row_key: bytes = key_column(primary=False)
    salt: bytes = key_column(primary=False)
    digest: bytes = key_column(primary=False)
    gone: bool = Field(sa_column=Column(Boolean, nullable=False))
    written_at: datetime = time_column()
    batch: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    position: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    erasure_id: str | None = text_column(nullable=True)
    __table_args__ = (
        Index(None, "row_key"),
        Index(None, "batch", "position", unique=True),
        Index(
            "ix_trail_waiting",
            "number",
            sqlite_where=text("batch IS NULL"),
            postgresql_where=text("batch IS NULL"),
        ),
    )


class BatchRow(Table, table=True):
    """A signed batch of the trail: the root over its entries' digests, and the batch before."""

    __tablename__ = "batches"
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    jwt: str = text_column()
    leaf: bytes = sealed_column()
    made_at: datetime = time_column()


class ErasureRow(Table, table=True):
    """A person's erasure, by its id in the journal: who did it, why, and the certificate. It leads to nobody."""

    __tablename__ = "erasures"
    erasure_id: str = text_column(primary=True)
    who: str = text_column()
    why: str | None = text_column(nullable=True)
    jwt: str = text_column()
    leaf: bytes = sealed_column()
    erased_at: datetime = time_column()


class PolicyTextRow(Table, table=True):
    """A policy document that was in force, as it read."""

    __tablename__ = "policy_texts"
    digest: str = text_column(primary=True)
    policy_id: str = text_column()
    version: str = text_column()
    text: str = text_column()
    first_used_at: datetime = time_column()

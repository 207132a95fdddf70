"""The tables that a match reads: what is known of each pair and each account, put together from where it is kept.

Derived, and trusted for what they are derived from: each row is made anew in the transaction that changes what it says
(``projecting``), the audit makes it once more and compares.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from broker.store.columns import Table, json_column, key_column, text_column


class PairRow(Table, table=True):
    """The consents and grounds of one pair; ``pair`` is the account's digest and the identifier's, 32 bytes.

    ``shape`` is what the terms look at, and the same for many pairs; ``names`` says which consents and grounds these
    are; ``ends_at`` is when the one consent ends, in microseconds since 1970, and 0 where there is not just one.
    """

    __tablename__ = "pairs"
    pair: bytes = key_column()
    shape: str = text_column()
    names: str = text_column()
    ends_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    __table_args__ = ({"sqlite_with_rowid": False},)


class CautionRow(Table, table=True):
    """What speaks for caution with an account, whichever the pair: objections, a signal, refusals, how it stands.

    ``caution`` is the account's digest and a hash of ``whose``, 32 bytes: a client's id, or ``*`` for every client, so
    that a client's own transaction never writes down what concerns another. No row: nothing of the kind is known.
    """

    __tablename__ = "cautions"
    caution: bytes = key_column()
    whose: str = text_column()
    content: dict[str, Any] = json_column()

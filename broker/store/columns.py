"""What tables are made of: one base, one naming, and the kinds of column there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, MetaData, Text
from sqlmodel import Field, SQLModel

from broker.store.types import UtcDateTime

#: Names for constraints, the same on both databases, so that a migration can speak of them.
NAMING = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMING)


class Table(SQLModel):
    """The base of every table. ``mac`` covers the row's other columns; see ``row_mac``."""

    metadata = metadata
    mac: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)


def key_column(*, primary: bool = True) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    """A digest, 16 or 32 bytes."""
    return Field(sa_column=Column(LargeBinary, primary_key=primary, nullable=False))


def time_column(*, nullable: bool = False) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    """A time in UTC."""
    return Field(default=None, sa_column=Column(UtcDateTime, nullable=nullable))


def sealed_column(*, nullable: bool = False) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    """Bytes that are sealed, or a signature's digest."""
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable))


def json_column() -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    """A small JSON value."""
    return Field(sa_column=Column(JSON, nullable=False))


def text_column(*, primary: bool = False, nullable: bool = False) -> Any:  # noqa: ANN401 - SQLModel's field is untyped
    """Text."""
    return Field(default=None, sa_column=Column(Text, primary_key=primary, nullable=nullable))

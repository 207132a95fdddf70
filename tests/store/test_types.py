from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from builders import NOON
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.exc import StatementError

from broker.store.database import Database
from broker.store.types import UtcDateTime

BERLIN = timezone(timedelta(hours=1))


@pytest.fixture
def moments(database: Database) -> Table:
    """Give a table of times that this test alone knows."""
    table = Table("moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime))
    with database.transaction() as tx:
        table.drop(tx, checkfirst=True)
        table.create(tx)
    return table


@pytest.mark.parametrize(
    "moment",
    [NOON, NOON.replace(microsecond=123_456), datetime(2026, 7, 1, 1, 30, tzinfo=BERLIN), None],
    ids=["UTC", "microseconds", "another zone", "no time"],
)
def test_a_time_comes_back_as_the_same_moment_in_utc(
    database: Database, moments: Table, moment: datetime | None
) -> None:
    with database.transaction() as tx:
        tx.execute(moments.insert().values(id=1, at=moment))
    with database.transaction() as tx:
        read = tx.execute(moments.select()).one().at
    assert moment == read
    assert read is None or read.tzinfo is UTC or timedelta(0) == read.utcoffset()


def test_a_time_without_a_zone_is_refused(database: Database, moments: Table) -> None:
    with pytest.raises(StatementError, match="without a zone"), database.transaction() as tx:
        tx.execute(moments.insert().values(id=1, at=NOON.replace(tzinfo=None)))
    with database.transaction() as tx:
        assert [] == tx.execute(moments.select()).all()


def test_times_of_different_zones_compare_as_moments(database: Database, moments: Table) -> None:
    noon_in_berlin = datetime(2026, 11, 23, 12, 0, tzinfo=BERLIN)
    with database.transaction() as tx:
        tx.execute(moments.insert().values(id=1, at=noon_in_berlin))
        earlier = tx.execute(moments.select().where(moments.c.at < NOON)).all()
    assert 1 == len(earlier)

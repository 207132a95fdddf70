"""Slow statements: told to the log by their shape, without a value, and counted."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from broker.errors import Unavailable
from broker.store.connecting import Manner
from broker.store.database import Database
from broker.store.slow import shape_of
from broker.web.counted import counted

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT count(*) FROM n"
SHAPES = {
    "a value in quotes": ("SELECT 'jane', x'ab12', 'it''s', 7.5", "SELECT '…', '…', '…', 0"),
    "many keys": ("SELECT a FROM t WHERE k IN (?, ?, ?, ?, ?)", "SELECT a FROM t WHERE k IN (?, …)"),
    "many rows": ("VALUES (%(a_1)s::BYTEA, %(b)s, %(c)s, %(d)s)", "VALUES (%(a_1)s::BYTEA, …)"),
    "names with digits": ("SELECT t1.a_2\n  FROM  t1 WHERE a = :x_1", "SELECT t1.a_2 FROM t1 WHERE a = :x_1"),
}


@pytest.mark.parametrize(("statement", "shape"), SHAPES.values(), ids=SHAPES.keys())
def test_a_shape_is_one_line_without_a_value(statement: str, shape: str) -> None:
    assert shape == shape_of(statement)
    assert len(shape_of(statement * 99)) <= 401


def slow_ones() -> float:
    """How many were counted."""
    found = [one for family in counted(None) for one in family.samples if "slow_statements_total" in one.name]
    return sum(one.value for one in found)


@pytest.mark.parametrize(("limit", "lines"), [(1, 1), (5_000, 0), (0, 0)])
def test_a_statement_that_takes_long_is_told_once_with_how_long_and_no_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, limit: int, lines: int
) -> None:
    database, before = Database(f"sqlite:///{tmp_path / 'a.db'}", manner=Manner(slow_ms=limit)), slow_ones()
    with database.reading() as tx:
        tx.execute(text(COUNT), {"most": 54_321})
    database.close()
    told = [record for record in caplog.records if record.name == "broker.store.slow" and "count" in str(vars(record))]
    assert lines == len(told) == sum(record.levelno == logging.WARNING for record in told)
    for record in told:
        fields: dict[str, object] = vars(record)["fields"]
        assert isinstance(fields["milliseconds"], int)
        assert fields["milliseconds"] >= 1
        assert str(fields["statement"]).endswith("SELECT count(*) FROM n")
        assert "54321" not in str(vars(record))
    assert lines <= slow_ones() - before


def test_what_fails_after_a_long_time_is_told_as_well(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", manner=Manner(slow_ms=1))
    with pytest.raises(Unavailable), database.reading() as tx:
        tx.execute(
            text(COUNT.replace("count(*)", "sum(abs(CASE i WHEN :most THEN -9223372036854775807 - 1 ELSE i END))")),
            {"most": 54_321},
        )
    database.close()
    assert ["a statement took long"] == [it.getMessage() for it in caplog.records if it.name == "broker.store.slow"]

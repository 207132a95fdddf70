"""Parquet: the same questions as columns of a table, and the same answers; and who cannot read it is told why."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from night_files import COLUMNS, a_row, as_csv
from pyarrow import parquet

from broker.errors import BadConfiguration, CommandRefused
from broker.files.keeping import Kept
from broker.files.matching import Finished

Ask = Callable[..., Finished]
ROWS = [a_row(number) for number in range(10)]


def table(path: Path, **columns: Any) -> Path:  # noqa: ANN401 - whatever a column may hold
    """Write the rows as a table, with columns of another making."""
    whole = {name: [row[name] for row in ROWS] for name in COLUMNS} | columns
    parquet.write_table(pa.table(whole), path, row_group_size=4)
    return path


def answers_of(path: Path) -> list[dict[str, Any]]:
    """The answers beside a table, but for what is each time another."""
    found: list[dict[str, Any]] = parquet.read_table(path.with_name(f"{path.stem}.answers.parquet")).to_pylist()
    return [{name: it for name, it in one.items() if name != "id"} for one in found]


FORMS: dict[str, dict[str, Any]] = {
    "text": {},
    "numbers": {"account_id": [int(row["account_id"]) for row in ROWS]},
    "words that repeat": {"kind": pa.array(["person"] * 10).dictionary_encode()},
}


@pytest.mark.parametrize("columns", FORMS.values(), ids=FORMS)
def test_a_table_is_answered_as_rows_of_csv_are(ask: Ask, tmp_path: Path, columns: dict[str, Any]) -> None:
    ended = ask(table(tmp_path / "night.parquet", **columns))
    lines = tmp_path / "same.csv"
    lines.write_text(as_csv(ROWS))
    told = ask(lines, output=tmp_path / "told.csv")
    assert (ended.reached.permits, ended.reached.denials) == (told.reached.permits, told.reached.denials) == (1, 9)
    answers = answers_of(tmp_path / "night.parquet")
    with (tmp_path / "told.csv").open() as lines_told:
        rows = [{name: it or None for name, it in one.items() if name != "id"} for one in csv.DictReader(lines_told)]
    assert rows == answers
    assert ["permit", *["deny"] * 9] == [one["decision"] for one in answers]
    assert {None} == {one["error"] for one in answers}
    assert not list(tmp_path.glob("night.answers.parquet.*"))


def test_what_is_null_or_cannot_be_read_has_its_answer(ask: Ask, tmp_path: Path) -> None:
    path = table(tmp_path / "night.parquet", purpose=[None, "", *["p\0"] * 8], value=["a"] * 9 + ["a\nb@c.example"])
    ended = ask(path, purpose="customer-care")
    assert 10 == ended.reached.errors
    assert {"error"} == {one["decision"] for one in answers_of(path)}


def test_a_table_is_gone_on_with(monkeypatch: pytest.MonkeyPatch, ask: Ask, tmp_path: Path) -> None:
    path, real, done = table(tmp_path / "night.parquet"), Kept.add, []

    def dies(kept: Kept, *given: Any) -> None:  # noqa: ANN401 - whatever it is handed
        done.append(given)
        if len(done) == 4:
            raise KeyboardInterrupt
        real(kept, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Kept, "add", dies)
        with pytest.raises(KeyboardInterrupt):
            ask(path)
    assert 10 == ask(path).reached.lines
    assert ["permit", *["deny"] * 9] == [one["decision"] for one in answers_of(path)]


def test_a_column_of_something_else_is_refused(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="holds double; text is read, and whole numbers"):
        ask(table(tmp_path / "night.parquet", account_id=[1.5] * 10))


def test_what_is_no_table_is_refused(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "night.parquet"
    path.write_text("PAR1 or so")
    with pytest.raises(CommandRefused, match="is no Parquet file"):
        ask(path)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, ask: Ask, tmp_path: Path) -> None:
    path = table(tmp_path / "night.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(BadConfiguration, match=r"pip install 'consent-broker\[parquet\]'"):
        ask(path)

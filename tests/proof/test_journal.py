"""The journal of erasures: lines that hold together, a last one that may be torn, and nothing else may be wrong."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest
from builders import all_at_once

from broker.errors import BadConfiguration
from broker.proof.journal import NAME, Entry, append_entry, create_journal, journal_mark, read_journal

FIRST = Entry(
    erasure_id="a" * 26,
    at=datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC),
    by="person",
    objects=False,
    generations=("0" * 32, "1" * 32),
)
SECOND, THIRD = replace(FIRST, erasure_id="b" * 26, by="operator"), replace(FIRST, erasure_id="c" * 26, generations=())


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Give a journal with three entries."""
    assert create_journal(tmp_path / "marks")
    for entry in (FIRST, SECOND, THIRD):
        append_entry(tmp_path / "marks", entry)
    return tmp_path / "marks"


def test_what_was_written_is_read_in_its_order(marks: Path) -> None:
    assert (FIRST, SECOND, THIRD) == read_journal(marks)


def test_one_that_is_there_is_not_begun_anew(marks: Path) -> None:
    assert not create_journal(marks)
    assert 3 == len(read_journal(marks))
    assert 0o600 == stat.S_IMODE((marks / NAME).stat().st_mode)


def test_none_is_made_in_silence(tmp_path: Path) -> None:
    for act in (lambda: read_journal(tmp_path), lambda: append_entry(tmp_path, FIRST)):
        with pytest.raises(BadConfiguration, match="would bring erased people back"):
            act()
    assert [] == list(tmp_path.iterdir())
    assert (0, 0) == journal_mark(tmp_path)


def test_a_last_line_cut_anywhere_is_not_there_and_gives_way_to_the_next(marks: Path) -> None:
    whole = (marks / NAME).read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start, len(whole)):
        (marks / NAME).write_bytes(whole[:end])
        assert (FIRST, SECOND) == read_journal(marks)
    for torn in (b"\0" * 512, b"\xff\n", b"{}\n", b"[]\n", b'"a"\n'):
        (marks / NAME).write_bytes(whole + torn)
        assert (FIRST, SECOND, THIRD) == read_journal(marks)
    append_entry(marks, replace(THIRD, erasure_id="d" * 26))
    assert 4 == len(read_journal(marks))
    assert (marks / NAME).read_bytes().startswith(whole)


def test_any_other_damage_is_refused_by_its_line(marks: Path) -> None:
    lines = (marks / NAME).read_bytes().splitlines(keepends=True)
    damages = {
        "line 1": [lines[0].replace(b"0" * 32, b"2" * 32), *lines[1:]],
        "line 2": [lines[0], lines[2], lines[1]],
        "line 2 ": [lines[0], b"\n", *lines[1:]],
        "line 1 ": [*lines[1:], lines[0]],
        "line 2  ": [lines[0], lines[1].replace(b"operator", b"person"), lines[2]],
        "line 1  ": [b"\0" * len(lines[0]) + b"\n", *lines[1:]],
    }
    for where, damaged in damages.items():
        (marks / NAME).write_bytes(b"".join(damaged))
        for act in (lambda: read_journal(marks), lambda: append_entry(marks, FIRST)):
            with pytest.raises(BadConfiguration, match=rf"{NAME}: {where.strip()} is damaged"):
                act()
        assert b"".join(damaged) == (marks / NAME).read_bytes()


def test_entries_of_many_at_once_are_all_there(marks: Path) -> None:
    all_at_once(8, lambda number: append_entry(marks, replace(FIRST, erasure_id=f"{number}" * 26)))
    assert {f"{number}" * 26 for number in range(8)} == {entry.erasure_id for entry in read_journal(marks)[3:]}
    assert 11 == len(read_journal(marks))


def test_its_mark_moves_with_every_entry(marks: Path) -> None:
    before = journal_mark(marks)
    assert before == journal_mark(marks)
    append_entry(marks, FIRST)
    assert before != journal_mark(marks)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_one_that_may_not_be_read_is_refused(marks: Path) -> None:
    (marks / NAME).chmod(0)
    with pytest.raises(BadConfiguration, match="Permission denied"):
        read_journal(marks)


def test_a_journal_that_nobody_changed_is_not_worked_through_again(marks: Path) -> None:
    """Whoever asks for readiness has it read: strangers, as often as they like."""
    worked: list[str] = []

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_name == "_parse":
            worked.append(event)

    def read() -> int:
        worked.clear()
        sys.setprofile(count)
        try:
            read_journal(marks)
        finally:
            sys.setprofile(None)
        return len(worked)

    append_entry(marks, replace(FIRST, erasure_id="d" * 26))
    assert (4, 0, 0) == (read(), read(), read())
    append_entry(marks, replace(FIRST, erasure_id="e" * 26))
    assert (5, 0) == (read(), read())

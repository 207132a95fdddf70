"""Whole files: every line has its answer, each is on record, and whatever broke off is gone on with."""

from __future__ import annotations

import csv
import io
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import a_question, an_account, an_identifier, registered
from lives import erased
from night_files import a_row, as_csv, as_item, as_ndjson

from broker.actions import decide_apart
from broker.actions.broker import Broker
from broker.actions.change_standing import Change, resume_client, suspend_client
from broker.actions.decide_match import decide_match
from broker.core.client import Client
from broker.core.sheet import decision_id, unpack
from broker.errors import BrokerError, CommandRefused, PolicyRefused
from broker.files.asking import Asker
from broker.files.keeping import Kept
from broker.files.lines import Chunk
from broker.files.matching import Finished
from broker.files.told import ANSWERED
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.writing import table_of
from broker.web.wire import DecisionWire, dump

Ask = Callable[..., Finished]
ROWS = [a_row(number) for number in range(10)]


def answers_of(file: Path) -> list[dict[str, str]]:
    """The answers beside a file."""
    text = file.with_name(f"{file.stem}.answers{file.suffix}").read_text()
    if file.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]


def recorded(broker: Broker) -> set[str]:
    """The id of every answer in a sheet."""
    with broker.database.reading() as tx:
        widths = {row.sheet_id: row.width for row in tx.execute(table_of(SheetRow).select())}
        groups = tx.execute(table_of(SheetEntriesRow).select()).all()
    return {
        decision_id(row.sheet_id, entry.place) for row in groups for entry in unpack(row.entries, widths[row.sheet_id])
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of ten questions, of which the first is permitted."""
    path = tmp_path / "night.csv"
    path.write_text(as_csv(ROWS))
    return path


def test_every_line_of_csv_has_its_answer_and_each_is_on_record(broker: Broker, ask: Ask, file: Path) -> None:
    ended = ask(file)
    answers = answers_of(file)
    assert ["permit", *["deny"] * 9] == [one["decision"] for one in answers]
    assert (1, 9, 0, True) == (ended.reached.permits, ended.reached.denials, ended.reached.errors, ended.whole)
    assert {one["id"] for one in answers} == recorded(broker)
    assert ["night.answers.csv", "night.csv"] == sorted(path.name for path in file.parent.iterdir())
    assert 0o600 == file.with_name("night.answers.csv").stat().st_mode & 0o777


def test_an_answer_says_what_the_same_question_alone_is_told(
    broker: Broker, client: Client, ask: Ask, file: Path
) -> None:
    ask(file)
    lines = file.with_name("night.ndjson")
    lines.write_text(as_ndjson([as_item(row) for row in ROWS]))
    ask(lines)
    for row, in_csv, in_json in zip(ROWS, answers_of(file), answers_of(lines), strict=True):
        question = a_question(an_account(row["account_id"]), identifier=an_identifier(row["value"]))
        with broker.database.transaction() as tx:
            alone: Any = dump(DecisionWire.from_core(decide_match(tx, broker, client, question)))
        alone["context"]["id"] = in_json["context"]["id"]  # type: ignore[index] # an object
        assert alone == in_json
        context = {name: it for name, it in alone["context"].items() if name not in {"id", "clauses", "policy"}}
        told = {name: it for name, it in in_csv.items() if it and name not in {"id", "clauses", "policy", "decision"}}
        assert context == told
        assert " ".join(alone["context"]["clauses"]) == in_csv["clauses"]


def test_a_line_that_cannot_be_read_has_what_is_wrong_as_its_answer(ask: Ask, file: Path) -> None:
    file.write_text(as_csv([*ROWS[:4], a_row(4, account_id="jane"), a_row(5, type="face"), *ROWS[6:]]) + "\nx,5\n")
    ended = ask(file)
    answers = answers_of(file)
    assert 4 == ended.reached.errors
    assert [4, 5, 10, 11] == [at for at, one in enumerate(answers) if one["decision"] == "error"]
    assert "account.id is not an id of this platform" == answers[4]["error"]
    assert "MATCH-1" in answers[5]["clauses"]


def test_a_wrong_line_of_ndjson_is_a_problem_that_names_the_line(ask: Ask, tmp_path: Path) -> None:
    lines = tmp_path / "night.ndjson"
    lines.write_text(
        as_ndjson([as_item(row) for row in ROWS]).replace("}\n", "\n", 5).replace('"1009"', '"100\\u0039"')
    )
    ended = ask(lines, lines=100)
    answers: list[Any] = answers_of(lines)
    assert (5, 5) == (ended.reached.errors, ended.reached.denials)
    assert [f"urn:line:{line}" for line in range(1, 6)] == [one["error"]["instance"] for one in answers[:5]]
    assert all(one["decision"] is False for one in answers[5:])


def test_a_tag_in_a_line_counts_for_that_line_and_is_kept(ask: Ask, tmp_path: Path) -> None:
    said = {"tag": "user_provided", "relationship": "customer", "channel": "signup-form", "collected_at": "2026-01-02"}
    told = {"url": "https://shop.example/privacy", "version": "3", "sha256": "0" * 64}
    provenance = {**said, "expected_purposes": ["customer-care"], "disclosure": told}
    lines = tmp_path / "night.ndjson"
    lines.write_text(as_ndjson([as_item(ROWS[1]), as_item(ROWS[2], provenance=provenance), 7, as_item(ROWS[0])]))
    ask(lines)
    ask(lines, output=tmp_path / "again.ndjson")
    assert [False, True, None, True] == [one.get("decision") for one in answers_of(lines)]


class Killed(BaseException):
    """The process ends here."""


def kills_at(monkeypatch: pytest.MonkeyPatch, name: str, count: int) -> None:
    """Let the process end before it does something for that time, or right after it."""
    done, real = [0], getattr(Kept, name.removeprefix("after "))

    def dies(kept: Kept, *given: Any) -> Any:  # noqa: ANN401 - whatever it is handed
        done[0] += 1
        if done[0] == count and not name.startswith("after "):
            raise Killed
        found = real(kept, *given)
        if done[0] == count:
            raise Killed
        return found

    monkeypatch.setattr(Kept, name.removeprefix("after "), dies)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("add", 1),
        ("add", 2),
        ("add", 4),
        ("_save", 1),
        ("_save", 2),
        ("_save", 3),
        ("after _save", 3),
        ("finish", 1),
        ("named", 1),
    ],
)
def test_the_same_command_goes_on_wherever_the_process_ended(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, ask: Ask, file: Path, name: str, count: int
) -> None:
    with monkeypatch.context() as patch:
        kills_at(patch, name, count)
        try:
            ask(file)
        except Killed:
            if name != "named":
                ask(file)
    answers = answers_of(file)
    assert ["permit", *["deny"] * 9] == [one["decision"] for one in answers]
    assert {one["id"] for one in answers} <= recorded(broker)


def test_what_was_written_behind_the_last_whole_chunk_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, file: Path
) -> None:
    with monkeypatch.context() as patch:
        kills_at(patch, "_save", 4)
        with pytest.raises(Killed):
            ask(file)
    part = file.with_name("night.answers.csv.part")
    part.write_bytes(part.read_bytes() + b"half a line" * 1000)
    ask(file)
    assert [*["permit"], *["deny"] * 9] == [one["decision"] for one in answers_of(file)]


def begun(monkeypatch: pytest.MonkeyPatch, ask: Ask, file: Path) -> None:
    """Answer the first chunks of a file."""
    with monkeypatch.context() as patch:
        kills_at(patch, "add", 3)
        with pytest.raises(Killed):
            ask(file)


CHANGES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "another file": lambda file: {"wrote": file.write_text(as_csv(ROWS[::-1]))},
    "a longer file": lambda file: {"wrote": file.write_text(as_csv([*ROWS, *ROWS]))},
    "another purpose": lambda _file: {"purpose": "newsletter"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_begun_of_something_else_is_not_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, file: Path, change: Callable[[Path], dict[str, Any]]
) -> None:
    begun(monkeypatch, ask, file)
    options = {name: it for name, it in change(file).items() if name != "wrote"}
    with pytest.raises(CommandRefused, match=r"delete .*resume and .*part to begin anew"):
        ask(file, **options)


def test_answers_that_are_there_are_never_written_over(ask: Ask, file: Path) -> None:
    ask(file)
    with pytest.raises(CommandRefused, match="is there already"):
        ask(file)


def test_two_processes_do_not_answer_into_one_file(ask: Ask, file: Path) -> None:
    kept = Kept(file.with_name("night.answers.csv"), known="")
    with pytest.raises(CommandRefused, match="another process is writing"):
        ask(file)
    kept.close()
    ask(file)


def test_who_stops_it_gets_whole_chunks_and_can_go_on(monkeypatch: pytest.MonkeyPatch, ask: Ask, file: Path) -> None:
    real = Asker.answer

    def stopped(asker: Asker, chunk: Chunk) -> Any:  # noqa: ANN401 - answers
        signal.raise_signal(signal.SIGINT)
        return real(asker, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(Asker, "answer", stopped)
        ended = ask(file)
    assert (False, 3) == (ended.whole, ended.reached.lines)
    ended = ask(file)
    assert (True, 10) == (ended.whole, ended.reached.lines)


def test_a_client_that_is_stopped_meanwhile_is_answered_nothing_more(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, client: Client, ask: Ask, file: Path
) -> None:
    real, seen = decide_apart.pack, []

    def suspends(entries: Any) -> Any:  # noqa: ANN401 - of a sheet
        seen.append(entries)
        if len(seen) == 2:
            with broker.database.transaction() as tx:
                suspend_client(tx, broker, client.client_id, Change(who="jane", why="enough"))
        return real(entries)

    with monkeypatch.context() as patch:
        patch.setattr(decide_apart, "pack", suspends)
        with pytest.raises(PolicyRefused, match="is suspended") as refused:
            ask(file)
    assert refused.value.clauses
    assert 3 == len(recorded(broker))
    with broker.database.transaction() as tx:
        resume_client(tx, broker, client.client_id, Change(who="jane", why="well then"))
    assert ask(file).whole
    assert {one["id"] for one in answers_of(file)} == recorded(broker)


def test_who_is_erased_between_look_and_record_is_on_no_sheet(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, ask: Ask, file: Path
) -> None:
    real, seen = decide_apart.pack, []

    def erases(entries: Any) -> Any:  # noqa: ANN401 - of a sheet
        seen.append(entries)
        if len(seen) == 1:
            erased(broker, an_account("1000"))
        return real(entries)

    monkeypatch.setattr(decide_apart, "pack", erases)
    ask(file)
    assert {"deny"} == {one["decision"] for one in answers_of(file)}
    assert {one["id"] for one in answers_of(file)} == recorded(broker)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "nobody"}, "there is no client 'nobody'"),
        ({"form": "parquet", "file": Path("-")}, "cannot come from standard input"),
        ({"file": Path("night.txt")}, "say with --format"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_anything_is_written(
    ask: Ask, file: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(BrokerError, match=said):
        ask(**{"file": file, **changes})
    assert ["night.csv"] == [path.name for path in file.parent.iterdir()]


def test_a_client_without_the_scope_or_an_approval_is_refused(broker: Broker, ask: Ask, file: Path) -> None:
    other = registered(broker, scopes=("consent",))
    with pytest.raises(CommandRefused, match="did not register the scope 'match'"):
        ask(file, client_id=other.client_id)


def test_standard_input_is_answered_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], ask: Ask, file: Path
) -> None:
    with file.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        ended = ask(Path("-"), form="csv")
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert (11, ",".join(ANSWERED), None) == (len(lines), lines[0], ended.output)

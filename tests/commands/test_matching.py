"""``broker match``: what a file is told at a terminal, by how many processes, and after which ends."""

import csv
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk import refusal
from night_files import a_row, as_csv

from broker.actions.broker import Broker
from broker.cli import main
from broker.core.sheet import decision_ids
from broker.errors import BrokerError, Unavailable
from broker.files.asking import CSV, Job
from broker.files.lines import Chunk, cut
from broker.files.working import Workers
from broker.store.sheet_tables import SheetRow
from broker.store.writing import table_of

#: So many that two processes have something to do.
MANY = 600


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of questions."""
    path = tmp_path / "night.csv"
    path.write_text(as_csv([a_row(number) for number in range(MANY)]))
    return path


def answers_of(file: Path) -> list[dict[str, str]]:
    """The answers beside a file."""
    with file.with_name("night.answers.csv").open() as answers:
        return list(csv.DictReader(answers))


def sheets_of(broker: Broker, client_id: str) -> dict[str, int]:
    """How many answers each sheet of a client has."""
    with broker.database.reading() as tx:
        rows = tx.execute(table_of(SheetRow).select().where(SheetRow.client_id == client_id))
        return {row.sheet_id: row.answers for row in rows}


def test_a_file_is_answered_and_the_command_says_what_came_of_it(
    capsys: pytest.CaptureFixture[str], broker: Broker, client_id: str, file: Path
) -> None:
    assert 0 == main(["match", str(file), "--client", client_id])
    said = capsys.readouterr()
    assert ("", f"broker: 0 permits, {MANY} denials, 0 errors: {file.with_name('night.answers.csv')}\n") == said
    assert [MANY] == list(sheets_of(broker, client_id).values())


def test_quietly_it_says_nothing_but_of_lines_that_it_could_not_read(
    capsys: pytest.CaptureFixture[str], client_id: str, file: Path
) -> None:
    assert 0 == main(["match", str(file), "--client", client_id, "--quiet"])
    assert ("", "") == capsys.readouterr()
    with file.open("a") as more:
        more.write("x,jane\n")
    assert 4 == main(["match", str(file), "--client", client_id, "--quiet", "--output", str(file.with_name("b.csv"))])
    assert "600 denials, 1 errors" in capsys.readouterr().err


def test_a_suspended_client_is_refused_with_its_clause(
    capsys: pytest.CaptureFixture[str], client_id: str, file: Path
) -> None:
    assert 0 == main(["clients", "suspend", client_id, "--why", "a test"])
    capsys.readouterr()
    assert 1 == main(["match", str(file), "--client", client_id])
    said = refusal(capsys)
    assert "is suspended" in said
    assert "[SURVEILLANCE-8]" in said


def test_a_held_client_is_refused(
    capsys: pytest.CaptureFixture[str], registered: Callable[..., dict[str, Any]], file: Path
) -> None:
    held = registered(use_case="Look for criminal records of people who write to us")
    assert "held" == held["standing"]
    assert 1 == main(["match", str(file), "--client", held["client_id"]])
    assert "is held" in refusal(capsys)


@pytest.mark.parametrize("number", ["0", "65001", "many"])
def test_a_chunk_has_as_many_lines_as_a_sheet_has_answers_at_most(
    capsys: pytest.CaptureFixture[str], client_id: str, file: Path, number: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["match", str(file), "--client", client_id, "--chunk", number])
    assert 2 == ended.value.code
    assert "--chunk" in capsys.readouterr().err


def test_after_a_kill_the_same_command_answers_the_rest(broker: Broker, client_id: str, file: Path) -> None:
    command = ["match", str(file), "--client", client_id, "--chunk", "20", "--quiet"]
    running = subprocess.Popen([sys.executable, "-c", _MAIN, *command, "--workers", "2"])
    part = file.with_name("night.answers.csv.part")
    until = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 1000) and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.005)
    running.kill()
    assert -signal.SIGKILL == running.wait()
    begun = part.read_text().count("\n") - 1
    assert begun < MANY
    assert 0 == main(command)
    answers = answers_of(file)
    assert [{"deny"}, MANY] == [{one["decision"] for one in answers}, len(answers)]
    told = {one["id"] for one in answers}
    sheets = {sheet: set(decision_ids(sheet, number)) for sheet, number in sheets_of(broker, client_id).items()}
    # Each answer is on record once, and whole chunks alone; more is on record where answers were not written in time.
    assert MANY == len(told)
    assert told == set().union(*(ids for ids in sheets.values() if ids & told))


#: The command, with two processes for however short a file.
_MAIN = (
    "import sys; from broker.cli import main; from broker.files import matching; matching._SMALL = 0; sys.exit(main())"
)


def test_processes_beside_each_other_answer_in_order_and_say_what_they_were_refused(client_id: str) -> None:
    rows = [a_row(number, type="email" if number % 7 else "face") for number in range(60)]
    job = Job(client_id=client_id, form=CSV, columns=tuple(rows[0]))
    raw = as_csv(rows).encode().partition(b"\n")[2]

    def chunks() -> Iterator[Chunk]:
        return cut(io.BytesIO(raw), 5, first=1, at=0)

    with closing(Workers(job, 2)) as workers:
        said = b"".join(answered.text for _chunk, answered in workers.answers(chunks())).decode().splitlines()
        assert [["error", "deny"][bool(number % 7)] for number in range(60)] == [line.split(",")[0] for line in said]
        assert 0 == main(["clients", "suspend", client_id, "--why", "a test"])
        with pytest.raises(BrokerError, match="is suspended") as refused:
            list(workers.answers(chunks()))
        assert ("SURVEILLANCE-8",) == refused.value.clauses
        for process in workers.processes:
            process.kill()
        with pytest.raises(Unavailable, match="run the same command again"):
            list(workers.answers(chunks()))

"""`broker match FILE` against a bare join on plain text in the same database: load, join, write the answers."""

import argparse
import csv
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

import psycopg

from benchmarks import consenting
from benchmarks.matching.load import people_of
from benchmarks.matching.processes import Watch, cpu_of
from benchmarks.matching.rounds import Found, Rounds, Sample, Side, Target, interleave
from benchmarks.matching.serving import environment
from benchmarks.matching.stages import Stage
from benchmarks.stage import SQLITE, driver_url

SECTION = "file"
_SHARE, _MIB = 0.5, 2048.0
_COLUMNS = ("platform", "account_id", "kind", "type", "value", "purpose")
_KEY = _COLUMNS[:-1]
_BLOCK = 1 << 16


def measure(asked: argparse.Namespace, stages: Sequence[Stage]) -> Found:
    """Answer a file both ways, on every stage."""
    found = Found()
    if not _is_there():
        found.left_out.append("file: this release has no `broker match`")
        return found
    for stage in stages:
        lines = asked.lines or stage.links
        file = stage.home / "questions.csv"
        _write(file, stage, lines, asked.seed)
        peaks: list[float] = []
        ours, bare = f"broker match, {lines:,} lines", f"bare join on plain text, {lines:,} lines"
        sides = [
            Side(ours, partial(_ours, asked, stage, file, lines, peaks)),
            Side(bare, partial(_bare, stage, file, lines)),
        ]
        _add(found, interleave(sides, asked.file_rounds), stage, (ours, bare), max(peaks))
        file.unlink()
    return found


def _is_there() -> bool:
    asked = [sys.executable, "-m", "broker.cli", "match", "--help"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _write(file: Path, stage: Stage, lines: int, seed: int) -> None:
    """People in no order, three in ten of them strangers; nobody twice as long as there are as many."""
    people, rng = people_of(stage.links), Random(seed)  # noqa: S311 - a benchmark, not secrecy
    # A step that has no factor in common with a prime goes through all, and in no order that a table has.
    step = 1_000_003 + 2 * rng.randrange(1000) * 1_000_003
    with file.open("w", newline="") as to:
        writer = csv.writer(to)
        writer.writerow(_COLUMNS)
        for at in range(lines):
            account, email = consenting.who(at * step % people)
            writer.writerow(("x", account, "person", "email", email, "customer-care"))


def _ours(asked: argparse.Namespace, stage: Stage, file: Path, lines: int, peaks: list[float]) -> Sample:
    output = stage.home / "answers.csv"
    words = [sys.executable, "-m", "broker.cli", "match", str(file), "--client", stage.client.client_id]
    env, began, before = environment(stage.home, stage.url, dict(asked.set)), time.perf_counter(), cpu_of(stage.beside)
    program = subprocess.Popen([*words, "--output", str(output), "--quiet"], env=env, cwd=stage.home)
    with Watch(program.pid) as watch:
        status = program.wait()
    wall = time.perf_counter() - began
    peaks.append(watch.peak_mib)
    if status or _lines_of(output) - 1 != lines:
        raise RuntimeError(f"`broker match` ended with {status}, or did not answer every line")
    output.unlink()
    return Sample(count=lines, wall=wall, cpu=watch.cpu + cpu_of(stage.beside) - before)


def _lines_of(file: Path) -> int:
    with file.open("rb") as data:
        return sum(block.count(b"\n") for block in iter(lambda: data.read(_BLOCK), b""))


def _bare(stage: Stage, file: Path, lines: int) -> Sample:
    output = stage.home / "joined.csv"
    began, computed, before = time.perf_counter(), time.process_time(), cpu_of(stage.beside)
    (_join_sqlite if stage.kind == SQLITE else _join_postgres)(stage, file, output)
    wall, cpu = time.perf_counter() - began, time.process_time() - computed + cpu_of(stage.beside) - before
    if _lines_of(output) != lines:
        raise RuntimeError("the bare join did not answer every line")
    output.unlink()
    return Sample(count=lines, wall=wall, cpu=cpu)


def _join_sqlite(stage: Stage, file: Path, output: Path) -> None:
    scratch = stage.home / "joining.db"
    with closing(sqlite3.connect(scratch, isolation_level=None)) as joining, output.open("w", newline="") as to:
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            joining.execute(f"PRAGMA {pragma}")
        joining.execute("ATTACH ? AS plain", (stage.plain_url.removeprefix("sqlite:///"),))
        joining.execute(f"CREATE TABLE asked ({', '.join(f'{name} TEXT' for name in _COLUMNS)})")
        joining.execute("BEGIN")
        places = ",".join("?" * len(_COLUMNS))
        joining.executemany(f"INSERT INTO asked VALUES ({places})", _rows(file))  # noqa: S608 - our own text
        joining.execute("COMMIT")
        csv.writer(to).writerows(
            joining.execute(_joined("plain.plain_links", "instr", "asked.rowid", "?"), (_moment(),))
        )
    scratch.unlink()


def _join_postgres(stage: Stage, file: Path, output: Path) -> None:
    with psycopg.connect(driver_url(stage.plain_url)) as server, file.open("rb") as data, output.open("wb") as to:
        columns = ", ".join(f"{name} text" for name in _COLUMNS)
        server.execute(f"CREATE TEMPORARY TABLE asked (place bigserial, {columns})")  # type: ignore[arg-type] # ours
        asked = f"COPY asked ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT csv, HEADER)"
        with server.cursor().copy(asked) as copy:  # type: ignore[arg-type] # our own text
            for block in iter(lambda: data.read(_BLOCK), b""):
                copy.write(block)
        server.execute("ANALYZE asked")
        query = _joined("plain_links", "strpos", "asked.place", f"'{_moment()}'")
        with server.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:  # type: ignore[arg-type] # ours
            for block in copy:
                to.write(block)


def _rows(file: Path) -> Iterator[Sequence[str]]:
    with file.open(newline="") as data:
        rows = csv.reader(data)
        next(rows)
        yield from rows


def _joined(links: str, within: str, order: str, now: str) -> str:
    """Each question with its answer, in the order of the file."""
    on = " AND ".join(f"link.{name} = asked.{name}" for name in _KEY)
    granted = f"link.status = 'given' AND link.valid_until > {now}"
    covered = f"{within}(' ' || link.purposes || ' ', ' ' || asked.purpose || ' ') > 0"
    told = f"CASE WHEN {granted} AND {covered} THEN 'permit' ELSE 'deny' END"
    columns = ", ".join(f"asked.{name}" for name in _COLUMNS)
    return f"SELECT {columns}, {told}, link.grant_id FROM asked LEFT JOIN {links} link ON {on} ORDER BY {order}"  # noqa: S608


def _moment() -> str:
    return datetime.now(UTC).isoformat()


def _add(found: Found, rounds: Rounds, stage: Stage, names: tuple[str, str], peak: float) -> None:
    ours, bare = names
    where = {"section": SECTION, "database": stage.kind, "links": stage.links}
    found.lines.append(rounds.line(ours, what=ours, note=f"all its processes held {peak:,.0f} MiB at most", **where))
    found.lines.append(rounds.line(bare, what=bare, **where))
    found.targets += [
        Target(
            what=f"{ours}: rate to the bare join", measured=rounds.ratio(ours, bare, "rate"), wanted=_SHARE, **where
        ),
        Target(what=f"{ours}: memory", measured=peak, wanted=_MIB, most=True, unit=" MiB", **where),
    ]

"""Matching at its size: singly, in bulk and by file, with what surrounds it, beside bare floors and peers."""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from benchmarks.matching import bulk, chart, engines, filing, granting, report, single, standing
from benchmarks.matching.load import maker
from benchmarks.matching.postgres import version_of
from benchmarks.matching.rounds import Found
from benchmarks.matching.stages import POSTGRES, Stage, stages
from benchmarks.measuring import machine
from benchmarks.stage import size_of
from broker.errors import BrokerError

HELP = "matches singly, in bulk, by file; grants, withdrawals, memory and start, beside their floors"
MEASURES: Mapping[str, Callable[[argparse.Namespace, Sequence[Stage]], Found]] = {
    "single": single.measure,
    "bulk": bulk.measure,
    "file": filing.measure,
    "grants": granting.measure,
    "standing": standing.measure,
    "engines": engines.measure,
}
_MIB = 2**20
_SYNCED = ("BROKER_ANSWERS_SYNCED", "before")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be asked for."""
    add = parser.add_argument
    add("--links", type=int, action="append", metavar="N", help="how many; may be given several times (1000000)")
    add("--whole", type=int, default=1_000_000, metavar="N", help="links with all their rows, not the pair alone")
    add("--folder", type=Path, help="where the links are made, and kept for the next run (a folder that goes away)")
    add("--database", metavar="URL", help="measure on this PostgreSQL server too: new databases are made there")
    add("--private-postgres", action="store_true", help="measure on a PostgreSQL of the run's own too")
    add("--no-sqlite", action="store_true", help="leave SQLite out")
    add("--only", action="append", choices=tuple(MEASURES), help="measure this alone; may be given several times")
    add("--workers", type=int, default=2, help="processes that answer (%(default)s)")
    add("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="a setting of every broker")
    add("--synced", type=_setting, action="append", metavar="NAME=VALUE",
        help="settings that have a decision synced before its answer (BROKER_ANSWERS_SYNCED=before)")  # fmt: skip
    add("--chart", type=Path, metavar="FILE.svg", help="draw how far each target is reached")
    add("--docs", type=Path, metavar="FILE.md", help="write the tables into the marked block of this page")
    _add_amounts(parser)


def _add_amounts(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="turns of every side (%(default)s)")
    add("--seconds", type=float, default=4.0, help="how long a turn of a load is (%(default)s)")
    add("--settle", type=float, default=6.0, help="seconds after a load of matches that still count (%(default)s)")
    add("--batches", type=_sizes, default=(1_000, 5_000), metavar="N,N", help="items of a batch (1000,5000)")
    add("--stream", type=int, default=100_000, help="lines of a stream (%(default)s)")
    add("--turn", type=int, default=100_000, help="items in a turn of anything in bulk (%(default)s)")
    add("--lines", type=int, help="lines of the file (as many as there are links)")
    add("--file-rounds", type=int, default=1, help="turns of every side of the file (%(default)s)")
    add("--grants", type=int, default=1_000, help="in a turn (%(default)s)")
    add("--withdrawals", type=int, default=300, help="in a turn (%(default)s)")
    add("--grant-rate", type=float, default=200.0, help="grants a second while matches are asked (%(default)s)")
    add("--long-stream", type=int, default=1_000_000, help="lines of the stream that memory is looked at in")
    add("--decisions", type=int, default=2_000, help="by each engine in a turn (%(default)s)")
    add("--seed", type=int, default=1, help="who is asked about (%(default)s)")


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _setting(text: str) -> tuple[str, str]:
    name, between, value = text.partition("=")
    if not between or not name.startswith("BROKER_"):
        raise argparse.ArgumentTypeError("BROKER_NAME=VALUE")
    return name, value


def run(asked: argparse.Namespace) -> Mapping[str, Any]:
    """Make the links, and take every measure."""
    asked.links, found, began = sorted(set(asked.links or [1_000_000])), Found(), machine()
    asked.synced = asked.synced or [_SYNCED]
    with stages(asked) as made:
        for name in asked.only or MEASURES:
            found.add(_measured(name, asked, made))
        built = [
            {"database": it.kind, "links": it.links, "seconds": it.built, "mib": size_of(it.broker.database) / _MIB}
            for it in made
        ]
        server = next((version_of(it.url) for it in made if it.kind == POSTGRES), None)
    whole = {"asked": _asked(asked), "built": built, "postgresql": server, "load_maker": maker(), **asdict(found)}
    _draw(asked, {**whole, "began": began, "ended": machine()})
    return whole


def _measured(name: str, asked: argparse.Namespace, made: Sequence[Stage]) -> Found:
    """One measure. That it fails must not lose the others, which may have taken an hour: it is told, and stands out."""
    print(f"bench: {name} …", file=sys.stderr, flush=True)
    try:
        return MEASURES[name](asked, made)
    except (RuntimeError, BrokerError, SubprocessError) as error:
        print(f"bench: {name} failed: {_whole(error)}", file=sys.stderr)
        return Found(failed=[f"{name}: {error}"])


def _whole(error: Exception) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _draw(asked: argparse.Namespace, whole: Mapping[str, Any]) -> None:
    if asked.chart:
        sizes = " and ".join(f"{links:,}" for links in asked.links)
        began = whole["began"]
        under = f"{sizes} links, {began['cores']} cores, Python {began['python']}, {began['at'][:10]}"
        asked.chart.write_text(chart.draw(whole["targets"], under=under))
    if asked.docs:
        picture = asked.chart.resolve().relative_to(asked.docs.resolve().parent) if asked.chart else None
        report.write_docs(asked.docs, whole, _command(asked), str(picture) if picture else None)


def _asked(asked: argparse.Namespace) -> dict[str, Any]:
    """What was asked for. A URL may hold a password, and a folder a name."""
    private = {"benchmark", "json", "database", "folder", "chart", "docs", "set", "synced"}
    return {name: value for name, value in vars(asked).items() if name not in private}


def _command(asked: argparse.Namespace) -> str:
    """How to run it again: what matters for the numbers."""
    words = ["scripts/bench", "match", *(f"--links {links}" for links in asked.links)]
    words += ["--private-postgres" if asked.private_postgres else "--database URL"] if _has_server(asked) else []
    words += [f"--only {name}" for name in asked.only or ()]
    settings = [("--set", asked.set), ("--synced", [one for one in asked.synced if one != _SYNCED])]
    words += [f"{name} {shlex.quote('='.join(one))}" for name, pairs in settings for one in pairs]
    return " ".join(words)


def _has_server(asked: argparse.Namespace) -> bool:
    return bool(asked.private_postgres or asked.database)


def lines(found: Mapping[str, Any]) -> Sequence[str]:
    """The whole as tables in plain text."""
    return list(report.lines(found))

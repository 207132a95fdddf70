"""The transparency log at scale: leaves left, appended, published, proved and verified by the broker's own verbs.

The leaves are made up: 32 bytes each, SHA-256 of a seed and a number, as a real one is SHA-256 of a JWT.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks import growing, tree
from benchmarks.floors import BareTable, bare_postgres, bare_sqlite
from benchmarks.growing import Growth
from benchmarks.measuring import table
from benchmarks.peers import go_is_here
from benchmarks.stage import SQLITE, a_broker, a_home, an_empty_database
from broker.actions.keep_log import BATCH

HELP = "leaves appended, published, proved and verified"
#: Where the tree is looked at.
SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
#: So many wait at the end, or a quarter of all.
BACKLOG = 50_000
MOST = 5_000_000
Found = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be asked for."""
    parser.add_argument("--leaves", type=_count, default=100_000, help="how many (%(default)s)")
    parser.add_argument("--database", default=SQLITE, help="sqlite, or a server's URL: a new database is made there")
    parser.add_argument("--per-commit", type=_count, default=16, help="leaves left in one transaction (%(default)s)")
    parser.add_argument("--turn", type=_count, default=4096, help="leaves that wait when the log is kept (%(default)s)")
    parser.add_argument("--proofs", type=_count, default=500, help="proofs made at each size (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same leaves (%(default)s)")
    parser.add_argument("--no-peer", action="store_true", help="do not ask Go's tlog, which takes a second to build")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST}")
    return number


def run(asked: argparse.Namespace) -> Found:
    """Grow a log to the size that was asked for, and look at it on the way."""
    rng = random.Random(asked.seed)  # noqa: S311 - the same run again, not secrecy
    sizes = [*(size for size in SIZES if size < asked.leaves), asked.leaves]
    with a_home() as home, an_empty_database(asked.database, home) as url, a_broker(home, url) as broker:
        safety = broker.database.safety()

        def bare(name: str, per_commit: int) -> BareTable:
            if asked.database == SQLITE:
                return BareTable(bare_sqlite(home / f"{name}.db", safety), per_commit)
            return BareTable(bare_postgres(url, name, safety), per_commit)

        growth = Growth(
            broker=broker,
            seed=asked.seed,
            per_commit=asked.per_commit,
            bare_leaving=bare("bare_leaving", asked.per_commit),
            bare_appending=bare("bare_appending", BATCH),
        )
        # So that every statement is compiled and every page of code is there before anything is counted.
        growth.turn(min(BATCH, asked.leaves))
        slices = [growing.slice_to(growth, size, asked, rng) for size in sizes]
        waited = growing.backlog(growth, max(1, min(BACKLOG, asked.leaves // 4)))
        alone = tree.measure(broker, home, growth.left, asked.proofs, rng, peer=not asked.no_peer and go_is_here())
    options = {name: value for name, value in vars(asked).items() if name not in {"benchmark", "json", "database"}}
    # The URL may hold a password.
    kind = SQLITE if asked.database == SQLITE else "postgresql"
    return {"options": options, "database": kind, "safety": safety, "slices": slices, "backlog": waited, "tree": alone}


def lines(found: Found) -> Sequence[str]:
    """The whole as tables in plain text."""
    options, began, ended = found["options"], found["began"], found["ended"]
    first, last = found["slices"][0], found["slices"][-1]
    uncounted = last["tree"] - last["size"]
    settings = ", ".join(f"{name}={value}" for name, value in found["safety"].items())
    return [
        f"log: {options['leaves']:,} made-up leaves (seed {options['seed']}) after {uncounted} that are not counted",
        f"{began['at']} to {ended['at']}, {began['cores']} cores, load {began['load']} then {ended['load']}",
        f"Python {began['python']}, {found['database']} ({settings})",
        "",
        f"Microseconds a leaf: appending, {BATCH} a commit; leaving, {options['per_commit']} a commit. Bare:",
        "the same number of 32-byte rows into a table without a key, with the same commits, turn by turn in between.",
        *_columns(_APPENDING, found["slices"]),
        _flatness(first, last),
        _waiting(found["backlog"]),
        "",
        f"Publishing with both signatures, every {options['turn']} leaves; {options['proofs']} proofs at each size, of",
        "leaves drawn at random, read from the database; verified from the text with both signatures. Milliseconds.",
        *_columns(_PROVING, found["slices"]),
        "",
        *_tree(found["tree"]),
    ]


def _flatness(first: Found, last: Found) -> str:
    wall, median, cpu = (last[name] / first[name] for name in ("append_us", "append_median_us", "append_cpu_us"))
    return f"The last slice's append to the first's: {wall:.2f}; of the median steps {median:.2f}, of CPU {cpu:.2f}."


def _waiting(found: Found) -> str:
    steps = f"{found['first_step_us']:.1f} in the first step, {found['last_step_us']:.1f} in the last"
    return f"With {found['leaves']:,} waiting at once an append costs {found['append_us']:.1f}: {steps}."


#: A column: its head, and its cell for a slice beside the first.
Column = tuple[str, Callable[[Found, Found], str]]
_APPENDING: tuple[Column, ...] = (
    ("leaves", lambda it, _: f"{it['size']:,}"),
    ("appends/s", lambda it, _: f"{1e6 / it['append_us']:,.0f}"),
    ("append", lambda it, _: f"{it['append_us']:.1f}"),
    ("median", lambda it, _: f"{it['append_median_us']:.1f}"),
    ("CPU", lambda it, _: f"{it['append_cpu_us']:.1f}"),
    ("to first", lambda it, first: f"{it['append_us'] / first['append_us']:.2f}"),
    ("bare", lambda it, _: f"{it['bare_append_us']:.1f}"),
    ("times", lambda it, _: f"{it['append_us'] / it['bare_append_us']:.1f}"),
    ("leave", lambda it, _: f"{it['leave_us']:.1f}"),
    ("to first", lambda it, first: f"{it['leave_us'] / first['leave_us']:.2f}"),
    ("bare", lambda it, _: f"{it['bare_leave_us']:.1f}"),
    ("times", lambda it, _: f"{it['leave_us'] / it['bare_leave_us']:.1f}"),
)
_PROVING: tuple[Column, ...] = (
    ("leaves", lambda it, _: f"{it['size']:,}"),
    ("publish", lambda it, _: f"{it['publish_ms']:.2f}"),
    ("sign", lambda it, _: f"{it['sign_ms']:.2f}"),
    ("prove", lambda it, _: f"{it['prove_ms']:.2f}"),
    ("p99", lambda it, _: f"{it['prove_p99_ms']:.2f}"),
    ("bytes", lambda it, _: f"{it['proof_bytes']}"),
    ("verify", lambda it, _: f"{it['verify_ms']:.2f}"),
    ("p99", lambda it, _: f"{it['verify_p99_ms']:.2f}"),
    ("peak MiB", lambda it, _: f"{it['peak_mib']:.0f}"),
    ("database MiB", lambda it, _: f"{it['database_mib']:.1f}"),
    ("bytes a leaf", lambda it, _: f"{it['database_mib'] * 2**20 / it['tree']:.0f}"),
)


def _columns(columns: Sequence[Column], slices: Sequence[Found]) -> Iterator[str]:
    rows = [[cell(it, slices[0]) for _, cell in columns] for it in slices]
    return table([head for head, _ in columns], rows)


def _tree(found: Found) -> Iterator[str]:
    hashes, ours, prove, go = found["hash_us"], found["append_us"], found["prove_us"], found["go"]
    head = ("", "append", "times SHA-256", "prove", "times Go")
    rows = [
        ("SHA-256 alone", f"{hashes:.2f}", "1.0", "", ""),
        (
            "broker.proof",
            f"{ours:.2f}",
            f"{ours / hashes:.1f}",
            f"{prove:.1f}",
            f"{prove / go['prove_us']:.0f}" if go else "",
        ),
    ]
    yield f"The tree alone, {found['size']:,} leaves in memory with no database: microseconds a leaf, and a proof."
    if go:
        share = f"{go['append_us'] / hashes:.1f}"
        yield from table(head, [*rows, ("Go tlog", f"{go['append_us']:.2f}", share, f"{go['prove_us']:.1f}", "1")])
        yield "Go found the same root and the same proofs. It keeps every node; a tile keeps the lowest of eight"
        yield "levels, and a proof hashes those above anew."
    else:
        yield from table(head, rows)
        yield "Go's tlog was not asked: it was not wanted, or is not here (scripts/setup --tests)."

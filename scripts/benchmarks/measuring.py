"""What every benchmark measures with: times, memory, the machine, and a table in plain text."""

import os
import platform
import resource
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

_PER_CENT = 100


class Timings:
    """How long each of many acts took, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        #: Of all together, what this process computed: a busy disk does not show in it.
        self.cpu = 0.0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Time one act; one that raises is not counted."""
        began, computed = time.perf_counter(), time.process_time()
        yield
        self.seconds.append(time.perf_counter() - began)
        self.cpu += time.process_time() - computed

    @property
    def total(self) -> float:
        """All of them together."""
        return sum(self.seconds)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def percentile(self, rank: int) -> float:
        """The least that *rank* per cent of the acts did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[max(0, -(-rank * len(ordered) // _PER_CENT) - 1)]


def peak_mib() -> float:
    """The most memory that this process ever held, in MiB: Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> dict[str, object]:
    """What the numbers hold for, and how busy it was."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 0) -> Iterator[str]:
    """Lines of a table, every column to the right but the first so many, which hold words."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    for row in (head, *rows):
        cells = [f"{cell:{'<' if at < words else '>'}{widths[at]}}" for at, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()

"""What processes compute and hold, as Linux counts it, with all that they started."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
#: Of /proc/PID/stat, counted behind the name in brackets: parent, user time, system time.
_PARENT, _USER, _SYSTEM = 1, 11, 12


def family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    parents = {int(it.name): parent for it in _PROC.iterdir() if it.name.isdigit() and (parent := parent_of(it.name))}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    yield from found


def parent_of(pid: int | str) -> int | None:
    """Who started a process; None when it is not there any more."""
    stat = _stat(pid)
    return int(stat[_PARENT]) if stat else None


def cpu_of(pids: Iterable[int]) -> float:
    """How many seconds these processes have computed, with all that they started."""
    stats = [stat for pid in pids for one in family(pid) if (stat := _stat(one))]
    return sum(int(stat[_USER]) + int(stat[_SYSTEM]) for stat in stats) / _TICK


def memory_of(pid: int) -> dict[str, float]:
    """What a process holds, in MiB: ``pss``, where a page that n share counts an nth, and ``rss``."""
    said = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in said[1:]}
    return {"pss": held["Pss"], "rss": held["Rss"]}


def _stat(pid: int | str) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


class Watch:
    """Looks at a process and all that it starts, until the block ends: the most they held, what they computed.

    ``rss`` is the most that one of them held; ``peak_mib`` all together, where a page that they share counts once.
    """

    def __init__(self, pid: int, *, every: float = 0.2) -> None:
        self._pid, self._every, self._over = pid, every, threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._computed: dict[int, float] = {}
        self.peak_mib = self.rss = 0.0

    @property
    def cpu(self) -> float:
        """Seconds, as far as it was seen: a process that ended since the last look is counted up to then."""
        return sum(self._computed.values())

    def __enter__(self) -> Self:
        self._looking.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(self._every):
            held = []
            for one in family(self._pid):
                with suppress(OSError, KeyError):
                    self._computed[one] = cpu_alone(one)
                    held.append(memory_of(one))
            self.peak_mib = max(self.peak_mib, sum(it["pss"] for it in held))
            self.rss = max([self.rss, *(it["rss"] for it in held)])


def cpu_alone(pid: int) -> float:
    """How many seconds one process has computed; 0 when it is gone."""
    stat = _stat(pid)
    return (int(stat[_USER]) + int(stat[_SYSTEM])) / _TICK if stat else 0.0

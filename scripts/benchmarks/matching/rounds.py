"""Sides that are measured turn by turn, and what came of it: medians, and ratios within one round."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

_MICRO = 1e6


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One turn of one side, in seconds; ``cpu`` is of all processes that work for it, the load maker left out."""

    count: int
    wall: float
    cpu: float
    p50: float | None = None
    p99: float | None = None

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.wall

    @property
    def wall_us(self) -> float:
        """Microseconds each took."""
        return self.wall / self.count * _MICRO

    @property
    def cpu_us(self) -> float:
        """Microseconds each was computed for."""
        return self.cpu / self.count * _MICRO


@dataclass(frozen=True)
class Side:
    """What is held against others: ``act`` takes one turn."""

    name: str
    act: Callable[[], Sample]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table; what was not measured is None."""

    section: str
    what: str
    database: str
    links: int | None
    rate: float | None = None
    cpu_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A number that the issue names, and what was measured: it is met when not below, or with ``most`` not above."""

    section: str
    what: str
    database: str
    links: int | None
    measured: float
    wanted: float
    most: bool = False
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.measured <= self.wanted if self.most else self.measured >= self.wanted

    @property
    def share(self) -> float:
        """How far: 1 is the target itself, more is better."""
        if self.most:
            return self.wanted / self.measured if self.measured else 1.0
        return self.measured / self.wanted


@dataclass
class Found:
    """All lines and targets so far, and what was left out and why."""

    lines: list[Line] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Take in what another measure found."""
        for one in fields(self):
            getattr(self, one.name).extend(getattr(other, one.name))


@dataclass
class Rounds:
    """Every turn that each side took, round by round."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def middle(self, name: str, of: str) -> float | None:
        """The median of one side's figure; None where it has none."""
        found = [getattr(one, of) for one in self.samples[name]]
        return None if None in found else statistics.median(found)

    def ratio(self, name: str, other: str, of: str) -> float:
        """One side's figure through another's, round by round: the median of these."""
        pairs = zip(self.samples[name], self.samples[other], strict=True)
        return statistics.median(getattr(one, of) / max(getattr(two, of), 1e-12) for one, two in pairs)

    def line(self, name: str, *, section: str, what: str, database: str, links: int | None, note: str = "") -> Line:
        """One side as a line of the table."""
        p50, p99 = self.middle(name, "p50"), self.middle(name, "p99")
        return Line(
            section=section, what=what, database=database, links=links, note=note,
            rate=self.middle(name, "rate"), cpu_us=self.middle(name, "cpu_us"),
            p50_ms=None if p50 is None else p50 * 1e3, p99_ms=None if p99 is None else p99 * 1e3,
        )  # fmt: skip


def interleave(sides: Sequence[Side], rounds: int, *, before: Callable[[], None] = lambda: None) -> Rounds:
    """Let every side take its turn, every other round in the opposite order; *before* comes first in each."""
    found = Rounds({side.name: [] for side in sides})
    for number in range(rounds):
        before()
        for side in sides if number % 2 == 0 else reversed(sides):
            found.samples[side.name].append(side.act())
    return found

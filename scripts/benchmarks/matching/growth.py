"""What the same costs among the most links over what it costs among the fewest, and what the bare statement does."""

from collections.abc import Iterator, Sequence

from benchmarks.matching.rounds import Rounds, Target
from benchmarks.matching.stages import POSTGRES, Stage
from benchmarks.stage import SQLITE

_TIMES = 3.0


def growth(rounds: Rounds, stages: Sequence[Stage], names: Sequence[str], section: str) -> Iterator[Target]:
    """CPU of the first of *names*, and that of the second beside it where there is one; by database."""
    for kind in (SQLITE, POSTGRES):
        own = sorted((stage for stage in stages if stage.kind == kind), key=lambda stage: stage.links)
        if own and own[0] is not own[-1]:
            few, many = own[0], own[-1]
            ours, *bare = (rounds.ratio(f"{it} {many.label}", f"{it} {few.label}", "cpu_us") for it in names)
            said = f"{names[0]}: CPU over that at {few.links:,} links"
            yield _target(section, said, many, ours, _TIMES)
            for floor in bare:
                yield _target(section, f"{said}, to the bare fetch's own growth", many, ours / floor, 1.0)


def _target(section: str, what: str, stage: Stage, measured: float, wanted: float) -> Target:
    return Target(
        section=section, what=what, database=stage.kind, links=stage.links, measured=measured, wanted=wanted, most=True
    )

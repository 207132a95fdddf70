"""Many mutants of genuine evidence, put before everybody who can judge them. One yes is one too many."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from random import Random

from mutants import of_our_own, of_the_disclosures, of_the_jwt, of_the_log
from mutants.cases import SHARED, Case, Layer
from mutants.changing import OUR_KINDS, SHARED_KINDS, Kind, text_of
from mutants.judges import BATCH, Judge, judges
from mutants.world import World, make_world, seeded

MODULES = (of_the_jwt, of_the_disclosures, of_the_log, of_our_own)
#: After so many mutants that others judge too comes one that ours is alone with, and after so many a genuine case:
#: a judge that says no to everything has found out nothing.
OURS_EVERY, GENUINE_EVERY = 4, 40


@dataclass
class Tally:
    """What was asked and answered."""

    shared: int = 0
    alone: int = 0
    genuine: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    #: Mutants that a judge accepted who claims to find them out, and genuine evidence that a judge refused.
    accepted: list[tuple[str, Case]] = field(default_factory=list)
    refused: list[tuple[str, Case]] = field(default_factory=list)

    @property
    def agreed(self) -> bool:
        """Nobody accepted a mutant, nobody refused what is genuine, and there was something to judge."""
        return not self.accepted and not self.refused and self.shared > 0 and self.genuine > 0


def cases(world: World, rng: Random) -> Iterator[Case]:
    """Mutants without end, of each kind as often as of the others, and genuine evidence among them."""
    genuine = list(genuine_cases(world))
    yield from genuine
    shared, ours = (cycle(sorted(kinds.items())) for kinds in (SHARED_KINDS, OUR_KINDS))
    for number in range(1, sys.maxsize):
        yield _mutant(*next(shared), world, rng)
        if number % OURS_EVERY == 0:
            yield _mutant(*next(ours), world, rng)
        if number % GENUINE_EVERY == 0:
            yield rng.choice(genuine)


def _mutant(name: str, make: Kind, world: World, rng: Random) -> Case:
    made = None
    while made is None:
        made = make(rng, world, rng.choice(world.specimens))
    return replace(made, kind=name)


def genuine_cases(world: World) -> Iterator[Case]:
    """What everybody must accept: with and without what is disclosed, by itself and in the log."""
    for it in world.specimens:
        evidence = text_of(it.jwt, it.shown)
        bundles = [world.bundle(evidence, world.proof(it, note=note)) for note in ("both", "ed25519")]
        for file in (evidence, text_of(it.jwt, ()), *bundles):
            yield Case("genuine", file, it.typ, world.jwks, world.vkeys, Layer(0))


def run(count: int, *, seed: int, bench: Sequence[Judge]) -> Tally:
    """Put at least *count* mutants before the judges that others judge too, and a few for ours alone."""
    rng = seeded(seed)
    endless, tally = cases(make_world(rng), rng), Tally()
    while tally.shared < count:
        batch = list(islice(endless, min(BATCH, (count - tally.shared) * 4 // 3 + 1)))
        tally.shared += sum(bool(case.breaks & SHARED) for case in batch)
        tally.alone += sum(bool(case.breaks) and not case.breaks & SHARED for case in batch)
        tally.genuine += sum(not case.breaks for case in batch)
        tally.kinds.update(case.kind for case in batch)
        for judge in bench:
            _hear(judge, [case for case in batch if judge.is_asked(case)][:: judge.one_in], tally)
    return tally


def _hear(judge: Judge, asked: Sequence[Case], tally: Tally) -> None:
    begun = time.perf_counter()
    answers = judge.accepts(asked)
    tally.seconds[judge.name] = tally.seconds.get(judge.name, 0) + time.perf_counter() - begun
    tally.asked[judge.name] += sum(bool(case.breaks) for case in asked)
    for case, accepted in zip(asked, answers, strict=True):
        if accepted and case.breaks:
            tally.accepted.append((judge.name, case))
        if not accepted and not case.breaks:
            tally.refused.append((judge.name, case))


def report(tally: Tally) -> Iterator[str]:
    """What came of it, in lines."""
    yield f"{tally.shared} mutants before others too, {tally.alone} before ours alone; {tally.genuine} genuine"
    for name, count in tally.asked.items():
        yield f"  {name:18} was asked about {count:6} mutants, {tally.seconds[name]:5.1f} s"
    yield f"accepted: {len(tally.accepted)}; genuine and refused: {len(tally.refused)}"
    for name, case in [*tally.accepted, *tally.refused][:20]:
        yield f"  {name}: {case.kind} ({case.breaks}): {case.file[:2000]!r}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign; end with 1 when somebody was taken in."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many mutants (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same mutants (%(default)s)")
    parser.add_argument("--page-one-in", type=int, default=4, help="the page is asked about one in N (%(default)s)")
    asked = parser.parse_args(arguments)
    tally = run(asked.count, seed=asked.seed, bench=judges(page_one_in=asked.page_one_in))
    sys.stdout.writelines(f"{line}\n" for line in report(tally))
    return 0 if tally.agreed else 1


if __name__ == "__main__":
    sys.exit(main())

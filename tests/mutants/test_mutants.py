"""Ten thousand mutants take nobody in; and a judge who is taken in is named."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from mutants.campaign import Tally, cases, genuine_cases, report, run
from mutants.cases import ALL, SHARED, Case, Layer
from mutants.changing import OUR_KINDS, SHARED_KINDS, lax
from mutants.judges import Judge, judges, unpacked
from mutants.of_the_jwt import ORDER
from mutants.world import World, make_world, seeded

TESTS = Path(__file__).parents[1]
COUNT = 10_000


def test_ten_thousand_mutants_take_nobody_in() -> None:
    """Ours and those of others, each held to what it claims; the same command makes a hundred thousand."""
    # In a process of its own, which nothing measures: measuring takes longer than judging.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTS), environment.get("PYTHONPATH", "")])
    command = [sys.executable, str(TESTS / "mutants" / "campaign.py"), "--count", str(COUNT)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=300, env=environment)
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert "accepted: 0; genuine and refused: 0" in done.stdout
    assert int(done.stdout.split()[0]) >= COUNT
    assert {judge.name for judge in judges()} == set(asked(done.stdout))


def asked(told: str) -> list[str]:
    """Return the names of those who were asked."""
    return [line.partition(" was asked")[0].strip() for line in told.splitlines() if " was asked about " in line]


@pytest.fixture(scope="module")
def world() -> World:
    """Make what is genuine."""
    return make_world(seeded(20))


@pytest.fixture(scope="module")
def some(world: World) -> list[Case]:
    """Make two thousand cases."""
    return list(islice(cases(world, seeded(20)), 2_000))


def test_a_judge_who_believes_everything_is_named() -> None:
    tally = run(100, seed=1, bench=[Judge("credulous", ALL, lambda given: [True] * len(given))])
    assert (False, 0, tally.shared + tally.alone) == (tally.agreed, len(tally.refused), len(tally.accepted))
    assert any("credulous: a letter of the JWT" in line for line in report(tally))


def test_a_judge_who_believes_nothing_is_named() -> None:
    tally = run(100, seed=1, bench=[Judge("sceptic", ALL, lambda given: [False] * len(given))])
    assert (False, 0, tally.genuine) == (tally.agreed, len(tally.accepted), len(tally.refused))
    assert not Tally().agreed


def test_a_judge_is_held_to_what_it_claims() -> None:
    """One that checks signatures and nothing else is not asked about the log, nor counted for it."""
    only = Judge("", Layer.JWT, lambda given: [True] * len(given))
    tally = run(100, seed=1, bench=[only])
    assert {"JWT"} == {layer.name for _, case in tally.accepted for layer in Layer if layer in case.breaks & Layer.JWT}
    assert len(tally.accepted) < tally.shared


def test_a_judge_answers_every_question() -> None:
    with pytest.raises(ValueError, match="zip"):
        run(10, seed=1, bench=[Judge("hasty", ALL, lambda _: [False])])


def test_the_same_seed_makes_the_same_mutants() -> None:
    """But for what ML-DSA-44 signs, which is random."""

    def made(seed: int) -> list[tuple[str, Layer]]:
        rng = seeded(seed)
        return [(case.kind, case.breaks) for case in islice(cases(make_world(rng), rng), 500)]

    assert made(3) == made(3) != made(4)


def test_there_are_mutants_of_every_kind_and_layer(some: list[Case]) -> None:
    assert set(SHARED_KINDS) <= {case.kind for case in some if case.breaks & SHARED}
    assert set(OUR_KINDS) == {case.kind for case in some if case.breaks and not case.breaks & SHARED}
    assert set(Layer) == {layer for layer in Layer for case in some if layer in case.breaks}
    assert not set(SHARED_KINDS) & set(OUR_KINDS)


def test_every_mutant_that_is_shared_has_more_than_one_judge(some: list[Case]) -> None:
    heard = [sum(judge.is_asked(case) for judge in judges()) for case in some if case.breaks & SHARED]
    assert (3, 6) == (min(heard), max(heard))


def test_no_mutant_is_a_genuine_one(world: World, some: list[Case]) -> None:
    genuine = {(case.file, case.jwks, case.vkeys) for case in genuine_cases(world)}
    assert [] == [case for case in some if case.breaks and (case.file, case.jwks, case.vkeys) in genuine]


def test_no_mutant_is_another_writing_of_a_signature(world: World, some: list[Case]) -> None:
    """(r, n - s), and letters that stand for no bits: others take them for the same, and are right."""
    signatures = dict(it.jwt.rpartition(".")[::2] for it in world.specimens)
    seen = 0
    for case in some:
        message, _, signature = unpacked(case.file)[0].partition("~")[0].rpartition(".")
        if case.breaks & Layer.JWT and signature != signatures.get(message, signature) and len(signature) == 86:
            raw = lax(signatures[message])
            turned = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
            assert lax(signature) not in {raw, turned}
            seen += 1
    assert seen > 20

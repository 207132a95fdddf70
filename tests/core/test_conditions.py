"""The vocabulary: each word asks one fact, and what is not known holds for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.case import Case
from broker.core.conditions import ACTS, CONDITIONS, Argument, failure
from broker.core.policy import REASONS

WORDS = [name for name, condition in CONDITIONS.items() if condition.values is not None]
MARKS = [name for name, condition in CONDITIONS.items() if condition.values is None]


@pytest.mark.parametrize("name", [name for name in WORDS if name != "act"])
def test_a_fact_that_is_not_known_is_none_of_its_values(name: str) -> None:
    every = tuple(sorted(CONDITIONS[name].values or ()))
    assert CONDITIONS[name].reason == failure(name, every, Case(act="match"))
    assert CONDITIONS[name].reason == failure(name, every, Case(act="match", words={name: frozenset()}))


@pytest.mark.parametrize("argument", [True, False])
@pytest.mark.parametrize("name", MARKS)
def test_a_mark_that_is_not_known_is_neither_true_nor_false(name: str, *, argument: bool) -> None:
    assert CONDITIONS[name].reason == failure(name, argument, Case(act="match"))


@pytest.mark.parametrize("argument", [True, False])
@pytest.mark.parametrize("name", MARKS)
def test_a_mark_holds_when_it_is_what_is_asked(name: str, *, argument: bool) -> None:
    assert failure(name, argument, Case(act="match", marks={name: argument})) is None
    assert CONDITIONS[name].reason == failure(name, argument, Case(act="match", marks={name: not argument}))


@pytest.mark.parametrize("name", [name for name in WORDS if name != "act"])
def test_a_list_holds_when_one_of_it_is_the_fact(name: str) -> None:
    one, *others = sorted(CONDITIONS[name].values or ())
    case = Case(act="match", words={name: frozenset({one, "a value of nobody's"})})
    assert failure(name, (one,), case) is None
    assert failure(name, (*others, one), case) is None
    assert CONDITIONS[name].reason == failure(name, tuple(others), case)


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_what_a_case_is_about_and_nothing_else(act: str) -> None:
    others = tuple(name for name in ACTS if name != act)
    case = Case(act=act, words={"act": frozenset(others)})
    assert failure("act", (act,), case) is None
    assert "no_basis" == failure("act", others, case)


def test_a_word_is_no_mark_and_a_mark_no_word() -> None:
    assert failure("purpose", ("contact",), Case(act="match", marks={"purpose": True})) is not None
    assert failure("academic", True, Case(act="match", words={"academic": frozenset({"True"})})) is not None


def test_a_case_may_say_why_a_denial_turns_on_its_fact() -> None:
    case = Case(act="match", words={"consent-status": frozenset({"expired"})}, reasons={"consent-status": "expired"})
    assert "expired" == failure("consent-status", ("given",), case)
    assert "purpose_not_granted" == failure("consent-covers-purpose", True, case)


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_gives_a_reason_and_can_be_said(name: str) -> None:
    condition = CONDITIONS[name]
    arguments: list[Argument] = [True, False] if condition.values is None else [tuple(sorted(condition.values))]
    said = [condition.explain(argument) for argument in arguments]
    assert condition.reason in REASONS
    assert len(arguments) == len(set(said)) == len(condition.words)
    assert all(said)


def test_a_list_is_said_with_its_values() -> None:
    assert "the consent is none or revoked" == CONDITIONS["consent-status"].explain(("none", "revoked"))
    assert "the person did not object" == CONDITIONS["person-objected"].explain(False)


@given(
    name=st.sampled_from([name for name in WORDS if name != "act"]),
    known=st.frozensets(st.text(max_size=4)),
    asked=st.lists(st.text(max_size=4), min_size=1).map(tuple),
)
def test_a_list_holds_exactly_when_it_shares_a_value_with_the_fact(
    name: str, known: frozenset[str], asked: tuple[str, ...]
) -> None:
    assert (failure(name, asked, Case(act="match", words={name: known})) is None) is any(it in known for it in asked)

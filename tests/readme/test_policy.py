"""What docs/policy.md says: its walkthrough is walked, and its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from walkthrough import Walk, mismatches, reads_like, steps

from broker.core.conditions import ACTS, CONDITIONS, Condition
from broker.core.policy import Policy
from broker.policies import load_policies

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "policy.md").read_text()
TERMS = load_policies().by_platform["x"]
SIX = {"register", "declare", "notice", "associate", "match", "contact"}


@pytest.mark.edge
def test_the_walkthrough_can_be_walked(walk: Walk) -> None:
    faults = [fault for step in steps(DOCUMENT, after="## A walkthrough") for fault in walk.take(step)]

    assert [] == faults, "\n".join(faults)


def test_a_step_is_a_file_a_command_a_request_or_an_act_of_a_person() -> None:
    taken = {step.kind for step in steps(DOCUMENT, after="## A walkthrough")}
    assert {"json", "console", "http", "act"} == taken


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"decision": True}, {"decision": False}),
        ({"decision": True}, {"decision": True, "more": 1}),
        ({"decision": True, "more": "…"}, {"decision": True}),
        ({"clauses": ["MATCH-4a"]}, {"clauses": ["MATCH-4"]}),
        ({"…": "…", "remaining": 1}, {"remaining": 2, "id": "a"}),
        ({"detail": "1 of 5 … UTC"}, {"detail": "2 of 5 at noon UTC"}),
    ],
)
def test_an_answer_that_the_document_does_not_give_is_noticed(expected: object, found: object) -> None:
    assert list(mismatches(expected, found))


@pytest.mark.parametrize(
    ("expected", "found"),
    [("a\n", "b\n"), ("a\n", "a\nb\n"), ("…\nb\n", "a\nc\n"), ("client … held\n", "client is up\n")],
)
def test_an_output_that_the_document_does_not_show_is_noticed(expected: str, found: str) -> None:
    assert not reads_like(expected, found)


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with that heading."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)*)", DOCUMENT, re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in table[1].splitlines()]


def row(name: str, condition: Condition) -> list[str]:
    """Return what the document should say of a condition."""
    if condition.values is None:
        true, false = condition.words
        return [f"`{name}`", f"true: {true}; false: {false}"]
    values = "one that is [shipped or prohibited](matching.md#purposes)"
    if name != "purpose":
        values = " or ".join(f"`{value}`" for value in sorted(condition.values))
    return [f"`{name}`", f"{condition.words[0]} {values}"]


def test_every_condition_of_the_vocabulary_is_explained_and_no_other() -> None:
    expected = [row(name, condition) for name, condition in CONDITIONS.items()]
    assert expected == rows("condition"), "\n".join(f"| {' | '.join(cells)} |" for cells in expected)


def test_every_act_is_explained_in_its_own_words() -> None:
    assert {f"`{act}`": words for act, words in ACTS.items()} == {cells[0]: cells[1] for cells in rows("act")}


def decides(policy: Policy, clause_id: str) -> set[str]:
    """Return the acts on which a clause decides."""
    rules = [dict(clause.when)["act"] for clause in policy.clauses if clause.id == clause_id]
    return {act for acts in rules if isinstance(acts, tuple) for act in acts}


def test_every_clause_is_in_the_table_with_what_it_decides() -> None:
    told = {cells[0]: cells[1] for cells in rows("clause")}
    assert {clause.id for clause in TERMS.clauses} == told.keys()
    for clause_id, where in told.items():
        named = set(re.findall(r"`(\w+)`", where)) | (SIX if "six places" in where else set())
        assert decides(TERMS, clause_id) == named, clause_id


def test_every_reason_that_a_clause_gives_is_in_its_row() -> None:
    said = ""
    for clause_id, _where, no in rows("clause"):
        said = said if no == "same" else no
        given = {
            clause.reason
            for clause in TERMS.clauses
            if clause.id == clause_id and clause.reason and set(dict(clause.when)["act"]) & {"match", "contact"}  # type: ignore[arg-type] # an act is a list
        }
        assert given <= set(re.findall(r"`(\w+)`", said)), clause_id


def test_the_clause_that_is_shown_is_the_one_in_force() -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert shown in (ROOT / "broker/policies/x-developer-terms.toml").read_text()

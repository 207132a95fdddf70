"""Two versions of the terms, held against each other; and a clause as a sentence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.compare import acts_of, differences, explain
from broker.core.match import PolicyRef
from broker.core.policy import LIMITS, Clause, Effect, Policy

NUMBERS = [name for names in LIMITS.values() for name in names]
ORDER = "~ the clauses stand in another order: where several forbid, another may be the one that is cited"

FORBID = Clause(
    id="MATCH-4",
    effect=Effect.FORBID,
    says="No.",
    source="Page 1",
    when=(("act", ("match", "contact")), ("ground", ("none",)), ("person-objected", True)),
    reason="no_basis",
)
PERMIT = Clause(
    id="MATCH-2",
    effect=Effect.PERMIT,
    says="Yes.",
    source="Page 2",
    when=(("act", ("match",)), ("consent-status", ("given", "expired")), ("purpose-declared", False)),
    basis="consent",
)
SHORT = Clause(
    id="MATCH-1", effect=Effect.FORBID, says="Never.", source="Page 3", when=(("act", ("call",)),), reason="suspended"
)
PERMITS = (
    "permits, on consent, match where the consent is given or expired and the application did not declare the purpose"
)
FORBIDS = "forbids (no_basis) match, contact where the ground on record is none and the person objected"


def terms(*clauses: Clause, **limits: int) -> Policy:
    """Return a document of these clauses."""
    ref = PolicyRef(id="terms", version="7", digest="sha256:00")
    stated = {**dict.fromkeys(NUMBERS, 7), **limits}
    return Policy(ref=ref, platform="x", title="Terms", limits=stated, clauses=clauses)


@pytest.mark.parametrize(
    ("clause", "sentence"),
    [(PERMIT, PERMITS), (FORBID, FORBIDS), (SHORT, "forbids (suspended) call")],
    ids=["a permit", "a forbid", "nothing but its act"],
)
def test_a_clause_is_a_sentence(clause: Clause, sentence: str) -> None:
    assert sentence == explain(clause)


def test_a_clause_is_about_its_acts() -> None:
    assert ("match", "contact") == acts_of(FORBID)


OTHERWISE = {
    "another basis": replace(PERMIT, basis="public"),
    "another condition": replace(PERMIT, when=(*PERMIT.when, ("person-objected", False))),
    "a condition turned round": replace(PERMIT, when=(*PERMIT.when[:2], ("purpose-declared", True))),
    "another act": replace(PERMIT, when=(("act", ("contact",)), *PERMIT.when[1:])),
    "another id": replace(PERMIT, id="MATCH-3"),
    "the reverse": replace(PERMIT, effect=Effect.FORBID, basis=None, reason="no_basis"),
}


@pytest.mark.parametrize("changed", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_a_rule_that_decides_otherwise_is_gone_and_another_has_come(changed: Clause) -> None:
    found = list(differences(terms(FORBID, PERMIT), terms(FORBID, changed)))
    assert [f"- MATCH-2: {PERMITS}", f"+ {changed.id}: {explain(changed)}"] == found


def test_what_is_added_and_what_is_dropped_is_named_in_the_documents_order() -> None:
    assert [f"+ MATCH-4: {FORBIDS}", f"+ MATCH-2: {PERMITS}"] == list(differences(terms(), terms(FORBID, PERMIT)))
    assert [f"- MATCH-4: {FORBIDS}"] == list(differences(terms(FORBID, PERMIT), terms(PERMIT)))


@pytest.mark.parametrize("change", [{"says": "Yes, please."}, {"source": "Page 9"}], ids=["words", "source"])
def test_other_words_for_the_same_rule_are_a_change_of_words(change: dict[str, str]) -> None:
    changed = replace(PERMIT, **change)
    assert [f"~ MATCH-2: now says {changed.says!r}"] == list(differences(terms(PERMIT), terms(changed)))


def test_one_of_two_rules_of_a_clause_can_go() -> None:
    second = replace(PERMIT, when=(("act", ("report",)),))
    assert [f"- MATCH-2: {explain(second)}"] == list(differences(terms(PERMIT, second), terms(PERMIT)))


def test_a_ceiling_that_moved_is_named() -> None:
    moved = terms(PERMIT, **{"report-cohort": 50})
    assert ["~ report-cohort: 7 becomes 50"] == list(differences(terms(PERMIT), moved))


def test_a_ceiling_that_is_new_is_named() -> None:
    without = replace(terms(PERMIT), limits={})
    assert ["~ contacts-per-minute: none becomes 7"] == [
        line for line in differences(without, terms(PERMIT)) if "minute" in line
    ]


def test_two_clauses_that_change_places_are_told() -> None:
    assert [ORDER] == list(differences(terms(FORBID, PERMIT), terms(PERMIT, FORBID)))
    assert [] == [line for line in differences(terms(FORBID, PERMIT), terms(SHORT, FORBID, PERMIT)) if "~" in line]


CLAUSES = st.lists(st.sampled_from([FORBID, PERMIT, SHORT, *OTHERWISE.values()]), unique_by=str, max_size=5)


@given(clauses=CLAUSES)
def test_a_document_differs_neither_from_itself_nor_with_its_conditions_in_another_order(clauses: list[Clause]) -> None:
    turned = [replace(clause, when=clause.when[::-1]) for clause in clauses]
    assert [] == list(differences(terms(*clauses), terms(*clauses)))
    assert [] == list(differences(terms(*clauses), terms(*turned)))


@given(old=CLAUSES, new=CLAUSES)
def test_what_is_added_one_way_is_dropped_the_other(old: list[Clause], new: list[Clause]) -> None:
    there, back = (sorted(differences(terms(*a), terms(*b))) for a, b in ((old, new), (new, old)))
    turned = {"+": "-", "-": "+", "~": "~"}
    assert there == sorted(turned[line[0]] + line[1:] for line in back)

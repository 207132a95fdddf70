"""A policy document is read strictly: what the broker does not know, it does not load."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.conditions import CONDITIONS
from broker.core.policy import BASES, REASONS, Clause, Effect, Policy, parse_policy
from broker.errors import BadConfiguration, PolicyDefect

DOCUMENT = """
id = "terms"
version = "7"
platform = "x"
title = "The terms"

[[clause]]
id = "MEASURE-1"
effect = "forbid"
reason = "purpose_prohibited"
says = "No."
source = "Page 1"
when = { purpose = ["platform-benchmarking"], purpose-declared = true }

[[clause]]
id = "MATCH-2"
effect = "permit"
basis = "consent"
says = "Yes."
source = "Page 2"
when = { consent-status = ["given"] }
"""


def document() -> dict[str, Any]:
    """Return a document that is read."""
    return tomllib.loads(DOCUMENT)


def test_a_policy_says_what_its_document_says() -> None:
    policy = parse_policy(document(), digest="sha256:00")
    assert ("terms", "7", "sha256:00") == (policy.ref.id, policy.ref.version, policy.ref.digest)
    assert ("x", "The terms") == (policy.platform, policy.title)
    assert (
        Clause(
            id="MEASURE-1",
            effect=Effect.FORBID,
            says="No.",
            source="Page 1",
            when=(("purpose", ("platform-benchmarking",)), ("purpose-declared", True)),
            reason="purpose_prohibited",
        ),
        Clause(
            id="MATCH-2",
            effect=Effect.PERMIT,
            says="Yes.",
            source="Page 2",
            when=(("consent-status", ("given",)),),
            basis="consent",
        ),
    ) == policy.clauses


Change = Callable[[dict[str, Any]], object]
PERMIT, FORBID = 1, 0

DEFECTS: dict[str, tuple[Change, str]] = {
    "an unknown key": (lambda d: d.update(valid=True), "document has the unknown key 'valid'"),
    "an unknown key in a clause": (
        lambda d: d["clause"][0].update(unless={}),
        "MEASURE-1 has the unknown key 'unless'",
    ),
    "no clause": (lambda d: d.pop("clause"), "at least one"),
    "an empty list of clauses": (lambda d: d.update(clause=[]), "at least one"),
    "clauses as a table": (lambda d: d.update(clause={"id": "MATCH-2"}), "at least one"),
    "a clause that is text": (lambda d: d["clause"].append("MATCH-3"), "each clause is a table"),
    "no id": (lambda d: d.pop("id"), "'id' must be given"),
    "no version": (lambda d: d.pop("version"), "'version' must be given"),
    "a version that is a number": (lambda d: d.update(version=7), "'version' must be given, as text"),
    "no platform": (lambda d: d.pop("platform"), "'platform' must be given"),
    "a title of blanks": (lambda d: d.update(title="  "), "'title' must be given"),
    "a clause without an id": (lambda d: d["clause"][0].pop("id"), "'id' must be given"),
    "a clause id in small letters": (lambda d: d["clause"][0].update(id="match-2"), "'match-2' is not a clause id"),
    "a clause id without a number": (lambda d: d["clause"][0].update(id="MATCH"), "'MATCH' is not a clause id"),
    "a clause id with a line break": (lambda d: d["clause"][0].update(id="MATCH-2\n"), "is not a clause id"),
    "a clause that says nothing": (lambda d: d["clause"][0].pop("says"), "'says' must be given"),
    "a clause without a source": (lambda d: d["clause"][0].update(source=""), "'source' must be given"),
    "no effect": (lambda d: d["clause"][0].pop("effect"), "effect must be one of permit, forbid"),
    "an unknown effect": (lambda d: d["clause"][0].update(effect="allow"), "effect must be one of permit, forbid"),
    "an effect in a list": (lambda d: d["clause"][0].update(effect=["forbid"]), "effect must be one of"),
    "a permit without a basis": (lambda d: d["clause"][1].pop("basis"), "MATCH-2: basis must be one of"),
    "a permit on an unknown basis": (lambda d: d["clause"][1].update(basis="contract"), "basis must be one of"),
    "a permit with a reason": (lambda d: d["clause"][1].update(reason="no_basis"), "unknown key 'reason'"),
    "a forbid without a reason": (lambda d: d["clause"][0].pop("reason"), "MEASURE-1: reason must be one of"),
    "a forbid for an unknown reason": (lambda d: d["clause"][0].update(reason="because"), "reason must be one of"),
    "a forbid with a basis": (lambda d: d["clause"][0].update(basis="consent"), "unknown key 'basis'"),
    "no when": (lambda d: d["clause"][1].pop("when"), "MATCH-2 has an empty when"),
    "an empty when": (lambda d: d["clause"][1].update(when={}), "MATCH-2 has an empty when"),
    "a when that is a list": (lambda d: d["clause"][1].update(when=["given"]), "MATCH-2 has an empty when"),
    "an unknown condition": (lambda d: d["clause"][1]["when"].update(moon=["full"]), "unknown condition 'moon'"),
    "an empty list": (lambda d: d["clause"][0]["when"].update(purpose=[]), "purpose takes a list of some of"),
    "a word for a list": (lambda d: d["clause"][0]["when"].update(purpose="profiling"), "purpose takes a list"),
    "a list of numbers": (lambda d: d["clause"][0]["when"].update(purpose=[1]), "purpose takes a list of some of"),
    "a list for true": (lambda d: d["clause"][0]["when"].update({"purpose-declared": ["a"]}), "takes true or false"),
    "a number for true": (lambda d: d["clause"][0]["when"].update({"purpose-declared": 1}), "takes true or false"),
    "true for a list": (lambda d: d["clause"][0]["when"].update(purpose=True), "purpose takes a list of some of"),
    "the same rule twice": (lambda d: d["clause"].append(dict(d["clause"][1])), "MATCH-2 is stated twice"),
    "a status misspelt": (
        lambda d: d["clause"][1]["when"].update({"consent-status": ["givn"]}),
        "consent-status takes a list of some of expired, given",
    ),
    "a tag misspelt": (
        lambda d: d["clause"][1]["when"].update({"provenance-tag": ["publik"]}),
        "provenance-tag takes a list of some of none",
    ),
    "a source misspelt": (
        lambda d: d["clause"][1]["when"].update({"provenance-source": ["plat"]}),
        "provenance-source takes a list of some of elsewhere",
    ),
    "a purpose misspelt": (
        lambda d: d["clause"][0]["when"].update(purpose=["profilling"]),
        "purpose takes a list of some of account",
    ),
}


@pytest.mark.parametrize(("change", "named"), DEFECTS.values(), ids=DEFECTS.keys())
def test_a_document_with_a_defect_is_not_loaded(change: Change, named: str) -> None:
    changed = document()
    change(changed)
    with pytest.raises(PolicyDefect, match=named):
        parse_policy(changed, digest="sha256:00")


def test_a_defect_keeps_the_broker_from_starting() -> None:
    assert issubclass(PolicyDefect, BadConfiguration)


def test_one_clause_may_be_stated_in_two_rules() -> None:
    changed = document()
    changed["clause"].append({**changed["clause"][1], "when": {"purpose": ["newsletter"]}})
    ids = [clause.id for clause in parse_policy(changed, digest="sha256:00").clauses]
    assert ["MEASURE-1", "MATCH-2", "MATCH-2"] == ids


@pytest.mark.parametrize(
    "clause_id", ["MATCH-2", "MATCH-4a", "MATCH-4b1", "SENSITIVE-1.health", "SENSITIVE-1.sex-life"]
)
def test_a_clause_has_the_id_that_its_terms_give_it(clause_id: str) -> None:
    changed = document()
    changed["clause"][0]["id"] = clause_id
    assert clause_id == parse_policy(changed, digest="sha256:00").clauses[0].id


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_basis_and_every_reason_can_be_written(basis: str, reason: str) -> None:
    changed = document()
    changed["clause"][PERMIT]["basis"], changed["clause"][FORBID]["reason"] = basis, reason
    policy = parse_policy(changed, digest="sha256:00")
    assert (reason, basis) == (policy.clauses[FORBID].reason, policy.clauses[PERMIT].basis)


TOML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["permit", "forbid", "MATCH-2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "version", "platform", "title", "clause", "effect", "when", *CONDITIONS]), inner
        )
    ),
    max_leaves=15,
)


@given(
    changes=st.dictionaries(st.sampled_from(["id", "version", "platform", "title", "clause"]), TOML),
    clause=st.dictionaries(st.sampled_from(["id", "effect", "basis", "reason", "says", "source", "when"]), TOML),
)
def test_every_document_is_a_policy_or_a_defect(changes: dict[str, object], clause: dict[str, object]) -> None:
    changed = document()
    changed["clause"][1].update(clause)
    changed.update(changes)
    try:
        assert isinstance(parse_policy(changed, digest="sha256:00"), Policy)
    except PolicyDefect as defect:
        assert defect.detail  # noqa: PT017 - a property

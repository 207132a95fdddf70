"""A policy document is read strictly: what the broker does not know, it does not load."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.conditions import ACTS, CONDITIONS, KNOWN, Argument
from broker.core.policy import BASES, LIMITS, PERMITS, REASONS, Clause, Effect, Policy, parse_policy
from broker.errors import BadConfiguration, PolicyDefect

DOCUMENT = """
id = "terms"
version = "7"
platform = "x"
title = "The terms"

[limits]
ids-per-recipient-30-days = 1
hydrated-per-recipient-day = 2
report-cohort = 3
contacts-per-minute = 4
contact-accounts-per-day = 5
repeated-content-accounts = 6

[[clause]]
id = "MEASURE-1"
effect = "forbid"
reason = "purpose_prohibited"
says = "No."
source = "Page 1"
when = { act = ["match"], purpose = ["platform-benchmarking"], purpose-declared = true }

[[clause]]
id = "MATCH-2"
effect = "permit"
basis = "consent"
says = "Yes."
source = "Page 2"
[clause.when]
act = ["match"]
consent-status = ["given"]
consent-covers-purpose = true
association-recorded = true
account-gone = false

[[clause]]
id = "CONTACT-1"
effect = "permit"
basis = "consent"
says = "Yes."
source = "Page 3"
when = { act = ["contact"], contact-consented = true, account-gone = false }

[[clause]]
id = "REDISTRIBUTE-1"
effect = "permit"
basis = "terms"
says = "Yes."
source = "Page 4"
when = { act = ["redistribute"], agreements-complete = true }

[[clause]]
id = "REDISTRIBUTE-2"
effect = "permit"
basis = "terms"
says = "Yes."
source = "Page 5"
when = { act = ["hydrate"], agreements-complete = true, by = ["person"], destination-public = false }

[[clause]]
id = "SENSITIVE-2"
effect = "permit"
basis = "terms"
says = "Yes."
source = "Page 6"
when = { act = ["report"], cohort-reached = true }
"""


NUMBERS = [name for names in LIMITS.values() for name in names]


def document() -> dict[str, Any]:
    """Return a document that is read."""
    return tomllib.loads(DOCUMENT)


def test_a_policy_says_what_its_document_says() -> None:
    policy = parse_policy(document(), digest="sha256:00")
    assert ("terms", "7", "sha256:00") == (policy.ref.id, policy.ref.version, policy.ref.digest)
    assert ("x", "The terms") == (policy.platform, policy.title)
    assert dict(zip(NUMBERS, range(1, 7), strict=True)) == policy.limits
    assert (
        Clause(
            id="MEASURE-1",
            effect=Effect.FORBID,
            says="No.",
            source="Page 1",
            when=(("act", ("match",)), ("purpose", ("platform-benchmarking",)), ("purpose-declared", True)),
            reason="purpose_prohibited",
        ),
        Clause(
            id="MATCH-2",
            effect=Effect.PERMIT,
            says="Yes.",
            source="Page 2",
            when=(
                ("act", ("match",)),
                ("consent-status", ("given",)),
                ("consent-covers-purpose", True),
                ("association-recorded", True),
                ("account-gone", False),
            ),
            basis="consent",
        ),
    ) == policy.clauses[:2]


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
    "a when without an act": (lambda d: d["clause"][1]["when"].pop("act"), "MATCH-2 does not say what it is about"),
    "an empty list of acts": (lambda d: d["clause"][1]["when"].update(act=[]), "act takes a list of some of associate"),
    "an act misspelt": (
        lambda d: d["clause"][1]["when"].update(act=["mtach"]),
        "act takes a list of some of associate",
    ),
    "an act as a word": (lambda d: d["clause"][1]["when"].update(act="match"), "act takes a list of some of associate"),
    "no limits": (lambda d: d.pop("limits"), r"a policy that permits what is counted needs its \[limits\]: ids"),
    "limits in a list": (
        lambda d: d.update(limits=[1]),
        r"a policy that permits what is counted needs its \[limits\]: ids",
    ),
    "an unknown limit": (lambda d: d["limits"].update(posts=1), r"\[limits\] has the unknown key 'posts'"),
    "a limit of nothing": (lambda d: d["limits"].update({"report-cohort": 0}), "must give report-cohort, a whole"),
    "a limit under nothing": (lambda d: d["limits"].update({"report-cohort": -1}), "must give report-cohort, a whole"),
    "a limit that is true": (lambda d: d["limits"].update({"report-cohort": True}), "must give report-cohort, a whole"),
    "a limit that is text": (lambda d: d["limits"].update({"report-cohort": "20"}), "must give report-cohort, a whole"),
    "half a limit": (lambda d: d["limits"].update({"report-cohort": 20.5}), "must give report-cohort, a whole"),
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
        "provenance-source takes a list of some of directory",
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


@pytest.mark.parametrize("name", NUMBERS)
def test_every_limit_is_stated(name: str) -> None:
    changed = document()
    del changed["limits"][name]
    with pytest.raises(PolicyDefect, match=f"must give {name}, a whole number"):
        parse_policy(changed, digest="sha256:00")


@pytest.mark.parametrize("act", LIMITS)
def test_a_document_states_the_numbers_of_what_it_permits_and_no_others(act: str) -> None:
    changed = document()
    changed["clause"] = [it for it in changed["clause"] if act not in it["when"]["act"]]
    with pytest.raises(PolicyDefect, match=rf"\[limits\] has the unknown key '{min(LIMITS[act])}'"):
        parse_policy(changed, digest="sha256:00")
    changed["limits"] = {name: number for name, number in changed["limits"].items() if name not in LIMITS[act]}
    policy = parse_policy(changed, digest="sha256:00")
    assert policy.limits == changed["limits"]
    assert [0] * len(LIMITS[act]) == [policy.limit(name) for name in LIMITS[act]]


def test_a_document_that_permits_nothing_counted_needs_no_numbers() -> None:
    changed = document()
    del changed["clause"][PERMIT + 1 :], changed["limits"]
    assert {} == parse_policy(changed, digest="sha256:00").limits


def test_what_is_forbidden_is_not_counted() -> None:
    changed = document()
    report = changed["clause"][-1]
    report.update(effect="forbid", reason="no_basis")
    del report["basis"], changed["limits"]["report-cohort"]
    assert 0 == parse_policy(changed, digest="sha256:00").limit("report-cohort")


def forbidding(act: str, **when: object) -> dict[str, Any]:
    """Return the document with a clause that forbids *act* under these conditions."""
    changed = document()
    changed["clause"][FORBID]["when"] = {"act": [act], **when}
    return changed


def an_argument(name: str) -> object:
    """Return an argument that a condition takes, in the words of TOML."""
    values = CONDITIONS[name].values
    return True if values is None else sorted(values)


PAIRS = [(act, name) for act, groups in KNOWN.items() for name in sorted(frozenset().union(*groups))]
STRANGE = [(act, name) for act in ACTS for name in CONDITIONS if name != "act" and (act, name) not in PAIRS]


@pytest.mark.parametrize(("act", "name"), PAIRS)
def test_what_is_known_of_an_act_can_be_asked(act: str, name: str) -> None:
    right = an_argument(name)
    policy = parse_policy(forbidding(act, **{name: right}), digest="sha256:00")
    assert right == as_written(dict(policy.clauses[FORBID].when)[name])


@pytest.mark.parametrize(("act", "name"), STRANGE)
def test_what_is_not_known_of_an_act_cannot_be_asked(act: str, name: str) -> None:
    with pytest.raises(PolicyDefect, match=f"MEASURE-1: of the act '{act}' it cannot be asked about {name}"):
        parse_policy(forbidding(act, **{name: an_argument(name)}), digest="sha256:00")


def test_one_act_of_several_that_does_not_know_it_is_enough_to_refuse_it() -> None:
    changed = forbidding("match", ground=["none"])
    changed["clause"][FORBID]["when"]["act"].append("contact")
    with pytest.raises(PolicyDefect, match="of the act 'contact' it cannot be asked about ground"):
        parse_policy(changed, digest="sha256:00")


def test_what_is_put_to_the_terms_one_after_the_other_cannot_be_asked_at_once() -> None:
    at_once = {"environment-shown": False, "use-case-taken": True}
    with pytest.raises(PolicyDefect, match="'register' it cannot be asked about all of its conditions at once"):
        parse_policy(forbidding("register", **at_once), digest="sha256:00")


def test_every_act_is_known_by_something_and_every_condition_of_some_act() -> None:
    assert ACTS.keys() == KNOWN.keys()
    assert CONDITIONS.keys() - {"act"} == {name for _, name in PAIRS}


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name != "act"])
def test_every_condition_takes_its_own_values_and_nothing_else(name: str) -> None:
    act = next(act for act, known in PAIRS if known == name)
    wrong = ["true"] if CONDITIONS[name].values is None else ["a word that nobody knows"]
    with pytest.raises(PolicyDefect, match=f"MEASURE-1: {name} takes"):
        parse_policy(forbidding(act, **{name: wrong}), digest="sha256:00")


# --- what a permit rests on ----------------------------------------------------------------------------------


def permitting(act: str, basis: str, when: dict[str, Any]) -> dict[str, Any]:
    """Return the document with a permit of *act* on *basis*, in the place of the one of a match."""
    changed = document()
    changed["clause"][PERMIT].update(basis=basis, when={"act": [act], **when})
    return changed


def least(act: str, basis: str) -> dict[str, Any]:
    """Return the least that a permit of *act* on *basis* asks, in the words of TOML."""
    return {name: as_written(value) for name, value in PERMITS[act][basis].items()}


ALLOWED = [(act, basis) for act, bases in PERMITS.items() for basis in bases]
LEAST = [(act, basis, name) for act, basis in ALLOWED for name in PERMITS[act][basis]]


def test_a_match_has_three_grounds_and_contact_one() -> None:
    assert ["consent", "user_provided", "public"] == list(PERMITS["match"])
    assert ["consent"] == list(PERMITS["contact"])


def test_no_permit_of_a_match_or_a_message_overlooks_that_an_account_is_gone_or_protected() -> None:
    least = [*PERMITS["match"].values(), *PERMITS["contact"].values()]
    assert [False] * 4 == [needed["account-gone"] for needed in least]
    assert ["public"] == [basis for basis, needed in PERMITS["match"].items() if "account-protected" in needed]


@pytest.mark.parametrize(("act", "basis"), ALLOWED)
def test_a_permit_that_rests_on_the_least_is_loaded(act: str, basis: str) -> None:
    changed = permitting(act, basis, least(act, basis))
    changed["clause"] = changed["clause"][: PERMIT + 1] + [
        it for it in changed["clause"][PERMIT + 1 :] if it["when"] != changed["clause"][PERMIT]["when"]
    ]
    read = [(clause.basis, clause.when[0]) for clause in parse_policy(changed, digest="sha256:00").clauses]
    assert (basis, ("act", (act,))) in read


@pytest.mark.parametrize(("act", "basis", "name"), LEAST)
def test_a_permit_that_rests_on_less_is_not_loaded(act: str, basis: str, name: str) -> None:
    asked = least(act, basis)
    values = CONDITIONS[name].values
    others = [not asked[name]] if values is None else [sorted(values), sorted(values - set(asked[name]))]
    for weaker in ({}, *({name: other} for other in others)):
        when = {key: value for key, value in asked.items() if key != name} | weaker
        with pytest.raises(PolicyDefect, match=f"MATCH-2: a permit of '{act}' on '{basis}' needs {name}"):
            parse_policy(permitting(act, basis, when), digest="sha256:00")


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_permitted_on_its_own_bases_and_no_other(act: str, basis: str) -> None:
    if basis in PERMITS.get(act, {}):
        return
    with pytest.raises(PolicyDefect, match=f"MATCH-2: '{act}' is not permitted on the basis '{basis}'"):
        parse_policy(permitting(act, basis, {}), digest="sha256:00")


def test_a_permit_of_two_acts_rests_on_what_each_of_them_needs() -> None:
    both = permitting("redistribute", "terms", {"agreements-complete": True})
    both["clause"][PERMIT]["when"]["act"].append("hydrate")
    with pytest.raises(PolicyDefect, match="a permit of 'hydrate' on 'terms' needs by"):
        parse_policy(both, digest="sha256:00")


def test_a_permit_may_ask_for_more() -> None:
    more = least("match", "public") | {"public-from": ["platform"], "purpose-declared": True}
    assert "public" == parse_policy(permitting("match", "public", more), digest="sha256:00").clauses[PERMIT].basis


def as_written(argument: Argument) -> object:
    """An argument in the words of TOML."""
    return list(argument) if isinstance(argument, tuple) else argument


def test_a_defect_keeps_the_broker_from_starting() -> None:
    assert issubclass(PolicyDefect, BadConfiguration)


def test_one_clause_may_be_stated_in_two_rules() -> None:
    changed = document()
    changed["clause"].append({**changed["clause"][1], "when": {**changed["clause"][1]["when"], "purpose": ["contact"]}})
    ids = [clause.id for clause in parse_policy(changed, digest="sha256:00").clauses]
    assert 2 == ids.count("MATCH-2")


@pytest.mark.parametrize(
    "clause_id", ["MATCH-2", "MATCH-4a", "MATCH-4b1", "SENSITIVE-1.health", "SENSITIVE-1.sex-life"]
)
def test_a_clause_has_the_id_that_its_terms_give_it(clause_id: str) -> None:
    changed = document()
    changed["clause"][0]["id"] = clause_id
    assert clause_id == parse_policy(changed, digest="sha256:00").clauses[0].id


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_can_be_written(reason: str) -> None:
    changed = document()
    changed["clause"][FORBID]["reason"] = reason
    assert reason == parse_policy(changed, digest="sha256:00").clauses[FORBID].reason


TOML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["permit", "forbid", "MATCH-2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "version", "platform", "title", "limits", "clause", "when", *CONDITIONS, *NUMBERS]),
            inner,
        )
    ),
    max_leaves=15,
)


@given(
    changes=st.dictionaries(st.sampled_from(["id", "version", "platform", "title", "limits", "clause"]), TOML),
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

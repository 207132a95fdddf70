"""The shipped terms of X as a whole: what they can never answer, whatever is asked and known."""

from datetime import timedelta

import pytest
from core.records import NOW, consent, facts, ground, question
from hypothesis import given
from hypothesis import strategies as st

from broker.core.case import Case
from broker.core.compare import acts_of
from broker.core.conditions import ACTS, CONDITIONS
from broker.core.consent import ConsentStatus
from broker.core.decide import decide, forbidden, rule
from broker.core.match import Facts, MatchRequest
from broker.core.policy import BASES, Effect
from broker.core.purposes import PROHIBITED, PURPOSES
from broker.core.screening import SENSITIVE, USES
from broker.policies import load_policies

TERMS = load_policies().governing("x")
#: Acts that need no leave: they are put to the forbids alone.
FREE = {"identify", "declare", "notice", "consent", "register", "call"}
#: Where a prohibited purpose or use can be named.
DOORS = {"register", "declare", "notice", "associate", "match"}


def test_every_prohibited_purpose_is_forbidden_at_every_door_and_by_one_clause() -> None:
    doors = {purpose: set[str]() for purpose in PROHIBITED}
    clauses = {purpose: set[str]() for purpose in PROHIBITED}
    for clause in TERMS.clauses:
        for purpose in set(dict(clause.when).get("purpose", ())) - set(PURPOSES):  # type: ignore[arg-type] # a list of words
            assert (Effect.FORBID, "purpose_prohibited") == (clause.effect, clause.reason)
            doors[purpose] |= set(acts_of(clause))
            clauses[purpose].add(clause.id)
    assert [] == [purpose for purpose, known in doors.items() if not known >= DOORS]
    assert [] == [purpose for purpose, known in clauses.items() if len(known) != 1]


def test_every_category_is_forbidden_at_every_door_under_a_clause_of_its_own() -> None:
    found = {
        value: (clause.id, set(acts_of(clause)))
        for clause in TERMS.clauses
        for name, argument in clause.when
        if name in {"sensitive", "use"} and isinstance(argument, tuple)
        for value in argument
    }
    assert {*SENSITIVE, *USES} == found.keys()
    assert {f"SENSITIVE-1.{name}" for name in SENSITIVE} == {found[name][0] for name in SENSITIVE}
    assert len(USES) == len({found[name][0] for name in USES})
    assert [] == [name for name, (_, acts) in found.items() if not acts >= DOORS]


def test_every_category_is_forbidden_as_the_name_of_a_record_too() -> None:
    named = [it for it in TERMS.clauses if {"sensitive", "use"} & dict(it.when).keys()]
    assert [] == [it.id for it in named if "identify" not in acts_of(it)]


def test_no_purpose_is_both_offered_and_prohibited() -> None:
    assert set() == set(PURPOSES) & set(PROHIBITED)


def test_every_purpose_is_a_term_of_dpv_of_its_own() -> None:
    iris = {purpose.iri for purpose in PURPOSES.values()}
    assert len(PURPOSES) == len(iris)
    assert [] == [iri for iri in iris if not iri.startswith("https://w3id.org/dpv#")]
    assert [] == [key for key, purpose in PURPOSES.items() if key != purpose.id]


def test_a_match_is_permitted_on_three_grounds_and_each_of_them_once_a_clause() -> None:
    permits = [(it.id, it.basis) for it in TERMS.clauses if it.basis and "match" in acts_of(it)]
    expected = [
        ("MATCH-2", "consent"),
        ("MATCH-4a", "user_provided"),
        ("MATCH-4b1", "public"),
        ("MATCH-4b2", "public"),
    ]
    assert expected == permits
    assert {"consent", "user_provided", "public"} == set(BASES) - {"terms"}


def test_what_needs_no_leave_has_no_permit_and_all_else_has_one() -> None:
    permitted = {act for clause in TERMS.clauses if clause.effect is Effect.PERMIT for act in acts_of(clause)}
    assert set(ACTS) - FREE == permitted


@pytest.mark.parametrize("act", sorted(set(ACTS) - FREE))
def test_silence_is_no(act: str) -> None:
    ruling = rule(Case(act=act), TERMS)
    assert not ruling.permitted
    assert ruling.clauses


@pytest.mark.parametrize("act", sorted(ACTS))
def test_what_is_not_known_forbids_nothing(act: str) -> None:
    assert forbidden(Case(act=act), TERMS) is None


CONSENT = st.builds(
    consent,
    status=st.sampled_from([ConsentStatus.GIVEN, *ConsentStatus]),
    purposes=st.sets(st.sampled_from(["customer-care", "newsletter", "profiling"])).map(tuple),
    until=st.sampled_from([timedelta(days=1), timedelta(0), -timedelta(days=1)]),
    associated=st.booleans(),
    grant_id=st.text("abcdefgh", min_size=4, max_size=4),
)
GROUND = st.builds(
    lambda basis, expected, from_platform: ground(basis, *expected, from_platform=from_platform),
    st.sampled_from(["user_provided", "public"]),
    st.lists(st.sampled_from(["customer-care", "newsletter", "profiling"]), min_size=1, max_size=2),
    st.booleans(),
)
ALL = ("customer-care", "newsletter", "profiling")
ASKED = st.builds(
    question, st.sampled_from(["customer-care", "newsletter"]) | st.sampled_from([*PROHIBITED, "unknown"])
)
KNOWN = st.builds(
    lambda consents, declared, **known: facts(*consents, declared=frozenset(declared), **known),
    st.lists(CONSENT, max_size=3, unique_by=lambda record: record.grant_id),
    st.just(ALL) | st.sets(st.sampled_from(ALL)),
    grounds=st.lists(GROUND, max_size=2).map(tuple),
    objected_at=st.sampled_from([None, None, None, NOW]),
    said_no=st.sampled_from([False, False, False, True]),
    tainted=st.sampled_from([False, False, False, True]),
    narrower=st.sampled_from([{}, {"unknown": "newsletter"}, {"newsletter": "profiling"}]),
)


def consent_speaks(asked: MatchRequest, known: Facts) -> bool:
    """Tell in the simplest words whether a consent is live, covering and associated."""
    return any(
        record.status is ConsentStatus.GIVEN
        and NOW < record.valid_until
        and record.associated
        and asked.purpose in record.purposes
        for record in known.consents
    )


def ground_speaks(asked: MatchRequest, known: Facts) -> bool:
    """Tell in the simplest words whether a ground stands, and nobody did anything that speaks against it."""
    against = known.objected_at is not None or known.said_no or known.tainted
    return not against and any(asked.purpose in entry.expected_purposes for entry in known.grounds)


@given(asked=ASKED, known=KNOWN)
def test_a_yes_of_these_terms_rests_on_a_consent_or_on_a_ground_with_all_its_conditions(
    asked: MatchRequest, known: Facts
) -> None:
    answer = decide(asked, known, TERMS)
    if answer.permitted:
        assert asked.purpose in known.declared_purposes
        assert {asked.purpose, known.narrower.get(asked.purpose)}.isdisjoint(PROHIBITED)
        assert (consent_speaks if answer.basis == "consent" else ground_speaks)(asked, known)
        assert (answer.basis == "consent") is (answer.consent is not None) is (answer.ground is None)


@given(asked=ASKED, known=KNOWN)
def test_a_consent_that_is_all_there_is_enough(asked: MatchRequest, known: Facts) -> None:
    prohibited = {asked.purpose, known.narrower.get(asked.purpose)} & set(PROHIBITED)
    if consent_speaks(asked, known) and asked.purpose in known.declared_purposes and not prohibited:
        assert (True, "consent", ("MATCH-2",)) == (
            (answer := decide(asked, known, TERMS)).permitted,
            answer.basis,
            answer.clauses,
        )


@given(asked=ASKED, known=KNOWN)
def test_every_answer_of_these_terms_names_a_clause(asked: MatchRequest, known: Facts) -> None:
    assert decide(asked, known, TERMS).clauses


WORDS = st.fixed_dictionaries(
    {},
    optional={
        name: st.frozensets(st.sampled_from(sorted(it.values)), min_size=1, max_size=2)
        for name, it in CONDITIONS.items()
        if it.values is not None and name != "act"
    },
)
MARKS = st.dictionaries(
    st.sampled_from([name for name, it in CONDITIONS.items() if it.values is None]), st.booleans(), max_size=12
)


@given(act=st.sampled_from(sorted(ACTS)), words=WORDS, marks=MARKS)
def test_no_case_gets_round_a_clause_that_forbids_it(
    act: str, words: dict[str, frozenset[str]], marks: dict[str, bool]
) -> None:
    case = Case(act=act, words=words, marks=marks)
    ruling, no = rule(case, TERMS), forbidden(case, TERMS)
    assert no is None or no == ruling
    assert ruling.permitted is False or act not in FREE

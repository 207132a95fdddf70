"""A second platform's terms, in the same form: stricter and shorter, and decided by clauses of their own."""

import pytest
from core.records import NOW, consent, facts, ground, question
from hypothesis import given
from policies.test_x_developer_terms import ASKED, KNOWN, consent_speaks

from broker.core.case import Case
from broker.core.compare import differences
from broker.core.conditions import ACTS
from broker.core.decide import decide, forbidden, rule
from broker.core.match import Facts, MatchRequest
from broker.core.purposes import PROHIBITED
from broker.core.screening import SENSITIVE, USES
from broker.policies import load_policies

POLICIES = load_policies()
X, TERMS = POLICIES.governing("x"), POLICIES.governing("mastodon")


def answer(asked: MatchRequest, known: Facts) -> tuple[str, str]:
    """Return the clauses and the answer, in a word."""
    decision = decide(asked, known, TERMS)
    assert TERMS.ref == decision.policy
    return " ".join(decision.clauses), f"yes, {decision.basis}" if decision.permitted else str(decision.reason)


MATCHES = {
    "with consent": (question(), facts(consent()), "SERVER-3", "yes, consent"),
    "without": (question(), facts(), "SERVER-3", "no_basis"),
    "for another purpose": (question("newsletter"), facts(consent()), "SERVER-3", "purpose_not_granted"),
    "what the person gave is no ground here": (question(), facts(grounds=(ground(),)), "SERVER-3", "no_basis"),
    "nor what is public": (question(), facts(grounds=(ground("public"),)), "SERVER-3", "no_basis"),
    "undeclared": (question("contact"), facts(consent(purposes=("contact",))), "SERVER-2", "purpose_not_declared"),
}


@pytest.mark.parametrize(("asked", "known", "clauses", "said"), MATCHES.values(), ids=MATCHES.keys())
def test_a_match_is_decided_by_its_own_clauses(asked: MatchRequest, known: Facts, clauses: str, said: str) -> None:
    assert (clauses, said) == answer(asked, known)


@pytest.mark.parametrize("purpose", PROHIBITED)
def test_what_no_consent_lifts_is_refused_by_its_own_clause(purpose: str) -> None:
    known = facts(consent(purposes=(purpose,)), declared=frozenset({purpose}))
    assert ("SERVER-1", "purpose_prohibited") == answer(question(purpose), known)


@pytest.mark.parametrize("act", ["register", "identify", "declare", "notice", "associate", "match"])
@pytest.mark.parametrize(("fact", "word"), [*(("sensitive", it) for it in SENSITIVE), *(("use", it) for it in USES)])
def test_what_words_speak_of_is_refused_at_every_door(act: str, fact: str, word: str) -> None:
    ruling = forbidden(Case(act=act, words={fact: frozenset({word})}), TERMS)
    assert ruling is not None
    assert ("purpose_prohibited", ("SERVER-1",)) == (ruling.reason, ruling.clauses)


COUNTED = {"cohort-reached": True, "counts-platform": False}


@pytest.mark.parametrize("changes", [{}, *({name: not value} for name, value in COUNTED.items())])
def test_its_own_decisions_are_counted_and_nothing_else(changes: dict[str, bool]) -> None:
    ruling = rule(Case(act="report", marks={**COUNTED, **changes}), TERMS)
    assert (not changes, ("SERVER-5",)) == (ruling.permitted, ruling.clauses)


RIGHT = {
    "contact-consented": True,
    "account-gone": False,
    "person-objected": False,
    "within-rate": True,
    "within-breadth": True,
    "content-repeated": False,
}


def test_a_message_needs_everything() -> None:
    ruling = rule(Case(act="contact", marks=RIGHT), TERMS)
    assert (True, "consent", ("SERVER-4",)) == (ruling.permitted, ruling.basis, ruling.clauses)


@pytest.mark.parametrize("name", RIGHT)
def test_a_message_that_lacks_one_thing_is_not_sent(name: str) -> None:
    ruling = rule(Case(act="contact", marks={**RIGHT, name: not RIGHT[name]}), TERMS)
    assert (False, ("SERVER-4",)) == (ruling.permitted, ruling.clauses)


@pytest.mark.parametrize("act", sorted(set(ACTS) - {"match", "contact", "report"}))
def test_what_it_does_not_speak_of_is_not_permitted(act: str) -> None:
    """Nothing is passed on or associated under a document that does not say so."""
    assert not rule(Case(act=act), TERMS).permitted


def test_a_document_without_a_clause_for_an_act_forbids_it_in_nobodys_name() -> None:
    handover = rule(Case(act="redistribute", marks={"agreements-complete": True}), TERMS)
    assert ("no_basis", ()) == (handover.reason, handover.clauses)
    assert forbidden(Case(act="call", words={"standing": frozenset({"suspended"})}), TERMS) is None


@given(asked=ASKED, known=KNOWN)
def test_a_yes_of_these_terms_rests_on_consent(asked: MatchRequest, known: Facts) -> None:
    decision = decide(asked, known, TERMS)
    assert decision.permitted <= consent_speaks(asked, known)
    assert decision.permitted <= decide(asked, known, X).permitted
    assert {name.partition("-")[0] for name in decision.clauses} == {"SERVER"}


def test_no_clause_is_the_other_documents() -> None:
    ids = [{clause.id for clause in policy.clauses} for policy in (X, TERMS)]
    assert set() == ids[0] & ids[1]
    dropped = sum(line.startswith("-") for line in differences(X, TERMS))
    assert len(X.clauses) == dropped


def test_its_ceilings_are_its_own() -> None:
    assert {"hydrated-per-recipient-day", "ids-per-recipient-30-days"} == X.limits.keys() - TERMS.limits.keys()
    assert TERMS.limits["report-cohort"] > X.limits["report-cohort"]
    assert NOW == facts().now

"""The shipped terms of X: a row for each sentence of theirs that decides, and no clause without a row."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from core.records import NOW, consent, facts, question
from hypothesis import given
from hypothesis import strategies as st

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.decide import decide
from broker.core.evidence import Provenance
from broker.core.match import Decision
from broker.core.policy import Policy
from broker.core.purposes import PROHIBITED, PURPOSES
from broker.policies import load_policies

TERMS = load_policies().governing("x")
TOLD = ("customer-care",)
BIO = Provenance(tag="public", source="platform", expected_purposes=TOLD)
DIRECTORY = Provenance(tag="public", source="directory", expected_purposes=TOLD)
SIGNUP = Provenance(tag="user_provided", expected_purposes=TOLD)
BOUGHT = Provenance(tag="third_party", expected_purposes=TOLD)
WITHDRAWN, REVOKED = consent(status=ConsentStatus.WITHDRAWN), consent(status=ConsentStatus.REVOKED)
OVER, GIVEN = consent(until=timedelta(0)), consent()


@dataclass(frozen=True)
class Row:
    """A question, what is known, and the answer that the terms ask for."""

    clause: str
    answer: str
    consents: tuple[ConsentRecord, ...] = ()
    purpose: str = "customer-care"
    provenance: Provenance | None = None
    declared: frozenset[str] = frozenset({"customer-care", "newsletter"})

    def decision(self, policy: Policy = TERMS) -> Decision:
        """Ask."""
        asked = question(self.purpose, provenance=self.provenance)
        return decide(asked, facts(*self.consents, declared=self.declared), policy)


def verdict(decision: Decision) -> tuple[str, str]:
    """Return the answer in a word, and its clauses."""
    return " ".join(decision.clauses), f"yes, {decision.basis}" if decision.permitted else str(decision.reason)


PROHIBITED_ROWS = {
    f"nobody may ask for {purpose}, whatever was consented to": Row(
        clause,
        "purpose_prohibited",
        (consent(purposes=(purpose,)),),
        purpose,
        declared=frozenset({purpose}),
    )
    for purpose, clause in PROHIBITED.items()
}

ROWS = PROHIBITED_ROWS | {
    # MATCH-1: the pair is one client's, and joins one account with one identifier.
    "the consent of another client links nothing": Row("MATCH-4", "no_basis", (consent(client_id="southwind"),)),
    "the consent about another account links nothing": Row(
        "MATCH-4", "no_basis", (consent(account=b"joe's account!!!"),)
    ),
    "the consent about another identifier links nothing": Row(
        "MATCH-4", "no_basis", (consent(identifier=b"joe@example.com!"),)
    ),
    # MATCH-2: express, opt-in, before the association, and covering what is asked.
    "a consent that covers the purpose permits": Row("MATCH-2", "yes, consent", (GIVEN,)),
    "a consent permits until its last moment": Row(
        "MATCH-2", "yes, consent", (consent(until=timedelta(microseconds=1)),)
    ),
    "a consent permits beside a tag": Row("MATCH-2", "yes, consent", (GIVEN,), provenance=SIGNUP),
    "a consent permits beside a bad tag": Row("MATCH-2", "yes, consent", (GIVEN,), provenance=BOUGHT),
    "a consent does not cover another purpose": Row("MATCH-2", "purpose_not_granted", (GIVEN,), "newsletter"),
    "a tag does not widen a consent": Row("MATCH-2", "purpose_not_granted", (GIVEN,), "newsletter", SIGNUP),
    "a consent without an association permits nothing": Row("MATCH-2", "no_basis", (consent(associated=False),)),
    "a withdrawn consent permits nothing": Row("MATCH-2", "withdrawn", (WITHDRAWN,)),
    "a consent permits nothing from its last day on": Row("MATCH-2", "expired", (OVER,)),
    "a consent that was marked as expired permits nothing": Row(
        "MATCH-2", "expired", (consent(status=ConsentStatus.EXPIRED),)
    ),
    "a new consent permits after an old one was withdrawn": Row("MATCH-2", "yes, consent", (WITHDRAWN, GIVEN)),
    "asking is no consent": Row("MATCH-2", "no_basis", (consent(status=ConsentStatus.REQUESTED),)),
    "a refusal is no consent": Row("MATCH-2", "no_basis", (consent(status=ConsentStatus.REFUSED),)),
    # MATCH-3: without consent, only what the person expects.
    "a tag that states no expectation is no ground": Row(
        "MATCH-4a MATCH-3", "provenance_rejected", provenance=replace(SIGNUP, expected_purposes=())
    ),
    "a purpose that the person was not told of is no ground": Row(
        "MATCH-4b2 MATCH-3", "provenance_rejected", (), "newsletter", BIO
    ),
    "nor is it after a withdrawal": Row("MATCH-4a MATCH-3", "provenance_rejected", (WITHDRAWN,), "newsletter", SIGNUP),
    "a consent needs no expectation": Row(
        "MATCH-2", "yes, consent", (GIVEN,), provenance=replace(SIGNUP, expected_purposes=())
    ),
    # MATCH-4: without consent, only what the person gave or what is public.
    "nothing is no ground": Row("MATCH-4", "no_basis"),
    "what the client gave up is no ground": Row("MATCH-4", "no_basis", (REVOKED,)),
    "data of third parties is no ground": Row("MATCH-4", "provenance_rejected", provenance=BOUGHT),
    "no bad tag comes after a withdrawal": Row("MATCH-4", "provenance_rejected", (WITHDRAWN,), provenance=BOUGHT),
    "no bad tag comes after the end": Row("MATCH-4", "provenance_rejected", (OVER,), provenance=BOUGHT),
    "no bad tag comes after giving up": Row("MATCH-4", "provenance_rejected", (REVOKED,), provenance=BOUGHT),
    "a tag of an unknown name is no ground": Row(
        "MATCH-4", "provenance_rejected", provenance=Provenance(tag="none", source="platform")
    ),
    # MATCH-4a, 4b1, 4b2: grounds that this broker keeps no evidence of yet.
    "what the person gave counts for nothing yet": Row("MATCH-4a", "provenance_rejected", provenance=SIGNUP),
    "what the person gave lifts no withdrawal": Row("MATCH-4a", "provenance_rejected", (WITHDRAWN,), provenance=SIGNUP),
    "a public directory counts for nothing yet": Row("MATCH-4b1", "provenance_rejected", provenance=DIRECTORY),
    "a public directory lifts no withdrawal": Row(
        "MATCH-4b1", "provenance_rejected", (WITHDRAWN,), provenance=DIRECTORY
    ),
    "a public tag without a source counts for nothing": Row(
        "MATCH-4b1", "provenance_rejected", provenance=Provenance(tag="public", expected_purposes=TOLD)
    ),
    "a bio counts for nothing yet": Row("MATCH-4b2", "provenance_rejected", provenance=BIO),
    "a bio lifts no withdrawal": Row("MATCH-4b2", "provenance_rejected", (WITHDRAWN,), provenance=BIO),
    # APPLICATION-1: one application, one use case.
    "an application asks for what it declared": Row("APPLICATION-1", "purpose_not_declared", (), "contact"),
    "a consent lifts no declaration": Row(
        "APPLICATION-1", "purpose_not_declared", (consent(purposes=("contact",)),), "contact"
    ),
    "a purpose that nobody knows was not declared": Row(
        "APPLICATION-1", "purpose_not_declared", (GIVEN,), "world-peace"
    ),
    "a prohibition is told before the declaration is looked at": Row(
        "MEASURE-1", "purpose_prohibited", (), "platform-benchmarking"
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_terms_decide(row: Row) -> None:
    assert (row.clause, row.answer) == verdict(row.decision())


def without(policy: Policy, dropped: int) -> Policy:
    """Return the policy without one clause."""
    return replace(policy, clauses=tuple(clause for at, clause in enumerate(policy.clauses) if at != dropped))


def idle_clauses(policy: Policy, rows: Iterable[Row]) -> list[str]:
    """Name the clauses that can be taken away without changing the answer of any row."""
    answers = [(row, verdict(row.decision(policy))) for row in rows]
    return [
        clause.id
        for at, clause in enumerate(policy.clauses)
        if all(answer == verdict(row.decision(without(policy, at))) for row, answer in answers)
    ]


def test_every_clause_decides_a_row() -> None:
    """But MATCH-1: what is of no known kind is no case, and is refused where it is read."""
    assert ["MATCH-1"] == idle_clauses(TERMS, ROWS.values())


def test_what_is_of_no_known_kind_is_refused_by_match_1() -> None:
    assert ("MATCH-1",) == TERMS.naming("identifier-kind", "unknown")
    assert () == TERMS.naming("identifier-kind", "person")
    assert ("MATCH-4",) == TERMS.naming("provenance-tag", "other")


@pytest.mark.parametrize("clause_id", sorted({name for row in ROWS.values() for name in row.clause.split()}))
def test_a_clause_without_a_row_would_be_noticed(clause_id: str) -> None:
    others = [row for row in ROWS.values() if clause_id not in row.clause.split()]
    assert clause_id in idle_clauses(TERMS, others)


def test_every_prohibited_purpose_is_forbidden_by_the_clause_it_names() -> None:
    forbidden = {
        purpose: clause.id
        for clause in TERMS.clauses
        if clause.reason == "purpose_prohibited"
        for purpose in dict(clause.when)["purpose"]  # type: ignore[union-attr] # a list of words
    }
    assert PROHIBITED == forbidden


def test_no_purpose_is_both_offered_and_prohibited() -> None:
    assert set() == PURPOSES.keys() & PROHIBITED.keys()


def test_every_purpose_is_a_term_of_dpv_of_its_own() -> None:
    iris = {purpose.iri for purpose in PURPOSES.values()}
    assert len(PURPOSES) == len(iris)
    assert [] == [iri for iri in iris if not iri.startswith("https://w3id.org/dpv#")]
    assert [] == [key for key, purpose in PURPOSES.items() if key != purpose.id]


def test_only_consent_permits_yet() -> None:
    assert [("MATCH-2", "consent")] == [(clause.id, clause.basis) for clause in TERMS.clauses if clause.basis]


PROVENANCE = st.none() | st.builds(
    Provenance,
    tag=st.text(max_size=9) | st.sampled_from(["user_provided", "public"]),
    source=st.none() | st.text(max_size=9),
)
CONSENTS = st.lists(
    st.builds(
        consent,
        status=st.sampled_from(list(ConsentStatus)),
        purposes=st.sets(st.sampled_from(["customer-care", "newsletter", "profiling"])).map(tuple),
        until=st.sampled_from([timedelta(days=1), timedelta(0), -timedelta(days=1)]),
        associated=st.booleans(),
    ),
    max_size=3,
).map(tuple)
ASKED = st.builds(
    Row,
    st.just(""),
    st.just(""),
    CONSENTS,
    st.sampled_from([*PURPOSES, *PROHIBITED]) | st.text(max_size=9),
    PROVENANCE,
    st.sets(st.sampled_from([*PURPOSES, *PROHIBITED])).map(frozenset),
)


@given(row=ASKED)
def test_a_yes_of_these_terms_rests_on_a_consent_that_is_all_there(row: Row) -> None:
    decision = row.decision()
    live = [
        record
        for record in row.consents
        if record.status is ConsentStatus.GIVEN and NOW < record.valid_until and record.associated
    ]
    granted = any(row.purpose in record.purposes for record in live)
    assert (granted and row.purpose in row.declared and row.purpose not in PROHIBITED) is decision.permitted


@given(row=ASKED)
def test_every_answer_of_these_terms_names_a_clause(row: Row) -> None:
    assert row.decision().clauses

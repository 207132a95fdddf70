"""The decision: forbids first, then permits, then no; and what it can never be."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from core.records import ACCOUNT, CLIENT, DECLARED, IDENTIFIER, NOW, consent, facts, question
from hypothesis import given
from hypothesis import strategies as st

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.decide import decide
from broker.core.evidence import Provenance
from broker.core.match import Decision, Facts, MatchRequest, PolicyRef, weigh
from broker.core.policy import Policy, parse_policy
from broker.core.purposes import PROHIBITED, PURPOSES

REF = PolicyRef(id="terms", version="7", digest="sha256:00")
DAY = timedelta(days=1)
Rule = Mapping[str, object]


def forbid(clause_id: str, *, reason: str = "no_basis", **when: object) -> Rule:
    """State a clause that forbids."""
    return {"id": clause_id, "effect": "forbid", "reason": reason, **stated(when)}


def permit(clause_id: str, *, basis: str = "consent", **when: object) -> Rule:
    """State a clause that permits."""
    return {"id": clause_id, "effect": "permit", "basis": basis, **stated(when)}


def stated(when: Mapping[str, object]) -> dict[str, object]:
    """Spell conditions as documents do."""
    return {"says": "It says.", "source": "There.", "when": {name.replace("_", "-"): it for name, it in when.items()}}


def policy(*rules: Rule) -> Policy:
    """Return the policy of these rules."""
    document = {"id": REF.id, "version": REF.version, "platform": "x", "title": "Terms", "clause": list(rules)}
    return parse_policy({**document, "clause": [dict(rule) for rule in rules]}, digest=REF.digest)


CONSENTED = permit("MATCH-2", consent_status=["given"], consent_covers_purpose=True, association_recorded=True)
UNTAGGED = forbid("MATCH-4", consent_status=["none"], provenance_tag=["none"])
UNDECLARED = forbid("APPLICATION-1", reason="purpose_not_declared", purpose_declared=False)
TERMS = policy(UNTAGGED, UNDECLARED, CONSENTED)


def test_a_permit_names_basis_clause_document_and_consent() -> None:
    given_ = consent()
    expected = Decision(permitted=True, basis="consent", clauses=("MATCH-2",), policy=REF, consent=given_)
    assert expected == decide(question(), facts(given_), TERMS)


def test_a_denial_names_reason_clause_and_document_and_no_consent() -> None:
    expected = Decision(permitted=False, reason="purpose_not_granted", clauses=("MATCH-2",), policy=REF)
    assert expected == decide(question("newsletter"), facts(consent()), TERMS)


def test_a_forbid_beats_a_permit_that_stands_before_it() -> None:
    terms = policy(CONSENTED, forbid("MEASURE-1", reason="purpose_prohibited", purpose=["customer-care"]))
    answer = decide(question(), facts(consent()), terms)
    assert (False, "purpose_prohibited", ("MEASURE-1",)) == (answer.permitted, answer.reason, answer.clauses)


def test_forbids_for_one_reason_are_all_named_and_each_once() -> None:
    terms = policy(
        forbid("MEASURE-1", purpose=["customer-care"]),
        forbid("SENSITIVE-1", purpose=["newsletter"]),
        forbid("MATCH-4", provenance_tag=["none"]),
        forbid("MEASURE-1", purpose_declared=True),
        forbid("APPLICATION-1", reason="suspended", purpose_declared=True),
        CONSENTED,
    )
    answer = decide(question(), facts(consent()), terms)
    assert ("no_basis", ("MEASURE-1", "MATCH-4")) == (answer.reason, answer.clauses)


def test_the_first_forbid_gives_the_reason() -> None:
    terms = policy(UNDECLARED, forbid("MEASURE-1", reason="purpose_prohibited", purpose=["profiling"]))
    answer = decide(question("profiling"), facts(), terms)
    assert ("purpose_not_declared", ("APPLICATION-1",)) == (answer.reason, answer.clauses)


def test_the_first_permit_that_holds_gives_the_basis() -> None:
    terms = policy(
        permit("MATCH-4a", basis="user_provided", provenance_tag=["user_provided"]),
        permit("MATCH-4b1", basis="public", consent_status=["given"]),
        CONSENTED,
    )
    answer = decide(question(), facts(consent()), terms)
    assert (True, "public", ("MATCH-4b1",)) == (answer.permitted, answer.basis, answer.clauses)


def test_silence_speaks_in_the_name_of_the_permit_that_came_nearest() -> None:
    terms = policy(permit("MATCH-4a", basis="user_provided", consent_status=["revoked"]), CONSENTED)
    answer = decide(question("newsletter"), facts(consent()), terms)
    assert ("purpose_not_granted", ("MATCH-2",)) == (answer.reason, answer.clauses)


def test_silence_without_a_nearer_permit_speaks_in_the_name_of_the_first() -> None:
    terms = policy(permit("MATCH-4a", basis="user_provided", consent_status=["given"]), CONSENTED)
    answer = decide(question(), facts(), terms)
    assert ("no_basis", ("MATCH-4a",)) == (answer.reason, answer.clauses)


def test_a_document_that_permits_nothing_permits_nothing() -> None:
    answer = decide(question(), facts(consent()), policy(UNDECLARED))
    assert (False, "no_basis") == (answer.permitted, answer.reason)


USER_PROVIDED = Provenance(tag="user_provided")
BIO, DIRECTORY = Provenance(tag="public", source="platform"), Provenance(tag="public", source="directory")
BOUGHT = Provenance(tag="bought", source="platform")
CONDITIONS: dict[str, tuple[Rule, MatchRequest, Facts, str | None]] = {
    "the purpose": (permit("M-1", purpose=["newsletter"]), question("newsletter"), facts(), None),
    "another purpose": (permit("M-1", purpose=["newsletter"]), question(), facts(), "no_basis"),
    "declared": (permit("M-1", purpose_declared=True), question(), facts(), None),
    "not declared": (permit("M-1", purpose_declared=True), question("contact"), facts(), "purpose_not_declared"),
    "undeclared, as asked": (permit("M-1", purpose_declared=False), question("contact"), facts(), None),
    "no consent": (permit("M-1", consent_status=["given"]), question(), facts(), "no_basis"),
    "no consent, as asked": (permit("M-1", consent_status=["none"]), question(), facts(), None),
    "withdrawn": (
        permit("M-1", consent_status=["given"]),
        question(),
        facts(consent(status=ConsentStatus.WITHDRAWN)),
        "withdrawn",
    ),
    "revoked": (
        permit("M-1", consent_status=["given"]),
        question(),
        facts(consent(status=ConsentStatus.REVOKED)),
        "no_basis",
    ),
    "over": (permit("M-1", consent_status=["given"]), question(), facts(consent(until=timedelta(0))), "expired"),
    "covered": (permit("M-1", consent_covers_purpose=True), question(), facts(consent()), None),
    "not covered": (
        permit("M-1", consent_covers_purpose=True),
        question("newsletter"),
        facts(consent()),
        "purpose_not_granted",
    ),
    "nothing to cover it": (permit("M-1", consent_covers_purpose=True), question(), facts(), "purpose_not_granted"),
    "associated": (permit("M-1", association_recorded=True), question(), facts(consent()), None),
    "not associated": (
        permit("M-1", association_recorded=True),
        question(),
        facts(consent(associated=False)),
        "no_basis",
    ),
    "nothing to associate": (permit("M-1", association_recorded=True), question(), facts(), "no_basis"),
    "no tag": (permit("M-1", provenance_tag=["public"]), question(), facts(), "provenance_rejected"),
    "no tag, as asked": (permit("M-1", provenance_tag=["none"]), question(), facts(), None),
    "the tag": (permit("M-1", provenance_tag=["user_provided"]), question(provenance=USER_PROVIDED), facts(), None),
    "another tag": (
        permit("M-1", provenance_tag=["public"]),
        question(provenance=USER_PROVIDED),
        facts(),
        "provenance_rejected",
    ),
    "an unknown tag": (permit("M-1", provenance_tag=["other"]), question(provenance=BOUGHT), facts(), None),
    "an unknown tag by its own name": (
        permit("M-1", provenance_tag=["public"]),
        question(provenance=BOUGHT),
        facts(),
        "provenance_rejected",
    ),
    "found on the platform": (permit("M-1", provenance_source=["platform"]), question(provenance=BIO), facts(), None),
    "found elsewhere": (
        permit("M-1", provenance_source=["platform"]),
        question(provenance=DIRECTORY),
        facts(),
        "provenance_rejected",
    ),
    "elsewhere, as asked": (
        permit("M-1", provenance_source=["elsewhere"]),
        question(provenance=DIRECTORY),
        facts(),
        None,
    ),
    "expected": (
        permit("M-1", purpose_expected=True),
        question(provenance=Provenance(tag="public", expected_purposes=("contact", "customer-care"))),
        facts(),
        None,
    ),
    "not expected": (
        permit("M-1", purpose_expected=True),
        question(provenance=Provenance(tag="public", expected_purposes=("contact",))),
        facts(),
        "provenance_rejected",
    ),
    "nothing to expect": (permit("M-1", purpose_expected=True), question(), facts(), "provenance_rejected"),
    "an unknown kind, which no case has": (permit("M-1", identifier_kind=["unknown"]), question(), facts(), "no_basis"),
    "no source at all": (
        permit("M-1", provenance_source=["platform"]),
        question(),
        facts(),
        "provenance_rejected",
    ),
}


@pytest.mark.parametrize(("rule", "asked", "known", "reason"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_condition_holds_or_gives_the_reason(
    rule: Rule, asked: MatchRequest, known: Facts, reason: str | None
) -> None:
    answer = decide(asked, known, policy(rule))
    assert (reason is None, reason) == (answer.permitted, answer.reason)


OTHERS = {
    "another client's": consent(client_id="southwind"),
    "about another account": consent(account=b"account-of-joe!!"),
    "about another identifier": consent(identifier=b"joe@example.com!"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_a_consent_speaks_for_its_own_client_account_and_identifier_only(other: ConsentRecord) -> None:
    answer = decide(question(), facts(other), TERMS)
    assert (False, "no_basis", ("MATCH-4",)) == (answer.permitted, answer.reason, answer.clauses)


BEST: dict[str, tuple[ConsentRecord, ...]] = {
    "a live one before one that ended later": (
        consent(grant_id="best"),
        consent(status=ConsentStatus.WITHDRAWN, given=-DAY),
    ),
    "a live one before one that is over": (consent(grant_id="best"), consent(given=-DAY, until=timedelta(0))),
    "one that covers before a later one that does not": (
        consent(grant_id="best"),
        consent(purposes=("newsletter",), given=-DAY),
    ),
    "one with its association before a later one without": (
        consent(grant_id="best"),
        consent(given=-DAY, associated=False),
    ),
    "the later of two that cover": (consent(), consent(grant_id="best", given=-DAY)),
    "one that is live but does not cover before one that ended": (
        consent(grant_id="best", purposes=("newsletter",)),
        consent(status=ConsentStatus.WITHDRAWN, given=-DAY),
    ),
    "the later of two that ended": (
        consent(status=ConsentStatus.EXPIRED),
        consent(status=ConsentStatus.WITHDRAWN, given=-DAY, grant_id="best"),
    ),
}


@pytest.mark.parametrize("consents", BEST.values(), ids=BEST.keys())
def test_the_consent_that_speaks_best_is_looked_at(consents: tuple[ConsentRecord, ...]) -> None:
    for order in (consents, consents[::-1]):
        case = weigh(question(), facts(*order))
        assert case.consent is not None
        assert "best" == case.consent.grant_id


CONSENT = st.builds(
    consent,
    status=st.sampled_from(list(ConsentStatus)),
    purposes=st.sets(st.sampled_from(["customer-care", "newsletter", "profiling"])).map(tuple),
    given=st.integers(-60, -1).map(lambda days: timedelta(days=days)),
    until=st.integers(-2, 2).map(lambda days: timedelta(days=days)),
    associated=st.booleans(),
    client_id=st.sampled_from([CLIENT, CLIENT, "southwind"]),
    account=st.sampled_from([ACCOUNT, ACCOUNT, b"account-of-joe!!"]),
    identifier=st.sampled_from([IDENTIFIER, IDENTIFIER, b"joe@example.com!"]),
    grant_id=st.text("abcdefgh", min_size=4, max_size=4),
)
TAG = st.none() | st.builds(
    Provenance,
    tag=st.sampled_from(["user_provided", "public", "bought", "none", "other", ""]),
    source=st.sampled_from([None, "platform", "directory"]),
    expected_purposes=st.sets(st.sampled_from(["customer-care", "newsletter"])).map(tuple),
)
QUESTION = st.builds(
    question, st.sampled_from([*PURPOSES, *PROHIBITED, "unknown"]), provenance=TAG, client_id=st.just(CLIENT)
)
FACTS = st.builds(
    lambda consents, declared: facts(*consents, declared=frozenset(declared)),
    st.lists(CONSENT, max_size=4, unique_by=lambda record: record.grant_id),
    st.sets(st.sampled_from([*DECLARED, "profiling"])),
)
STATUS = st.sampled_from(["none", *(status.value for status in ConsentStatus)])
WHEN = st.fixed_dictionaries(
    {},
    optional={
        "purpose": st.lists(st.sampled_from(["customer-care", "newsletter", "profiling"]), min_size=1),
        "purpose-declared": st.booleans(),
        "consent-status": st.lists(STATUS, min_size=1, max_size=3),
        "consent-covers-purpose": st.booleans(),
        "association-recorded": st.booleans(),
        "provenance-tag": st.lists(st.sampled_from(["none", "user_provided", "public", "other"]), min_size=1),
        "purpose-expected": st.booleans(),
        "provenance-source": st.lists(st.sampled_from(["platform", "elsewhere"]), min_size=1),
    },
).filter(bool)
RULE = st.builds(
    lambda effect, when: {**effect, "when": when},
    st.sampled_from([forbid("MEASURE-1"), forbid("MATCH-4", reason="suspended"), permit("MATCH-2"), CONSENTED]),
    WHEN,
)


def distinct(rules: list[Rule]) -> bool:
    """No rule is stated twice."""
    return len({(rule["id"], str(rule["when"])) for rule in rules}) == len(rules)


POLICY = st.lists(RULE, max_size=5).map(lambda rules: [*rules, CONSENTED]).filter(distinct).map(lambda it: policy(*it))


def speaks(record: ConsentRecord, asked: MatchRequest, known: Facts) -> bool:
    """Tell in the simplest words whether a consent is live, of the pair, covering and associated."""
    pair = (record.client_id, record.account, record.identifier.digest) == (CLIENT, ACCOUNT, IDENTIFIER)
    live = record.status is ConsentStatus.GIVEN and known.now < record.valid_until
    return pair and live and record.associated and asked.purpose in record.purposes


@given(asked=QUESTION, known=FACTS)
def test_a_permit_needs_a_live_covering_associated_consent_of_the_pair(asked: MatchRequest, known: Facts) -> None:
    answer = decide(asked, known, policy(CONSENTED))
    assert any(speaks(record, asked, known) for record in known.consents) is answer.permitted
    if answer.permitted:
        assert answer.consent is not None
        assert speaks(answer.consent, asked, known)


@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_a_forbid_that_holds_beats_every_permit(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    """A clause holds when, made a permit and left alone, it permits."""
    holding = [
        clause.id
        for clause in terms.clauses
        if clause.effect == "forbid" and decide(asked, known, alone(terms, clause.id, clause.when)).permitted
    ]
    answer = decide(asked, known, terms)
    assert not (holding and answer.permitted)
    assert set(answer.clauses) <= set(holding) or not holding


def alone(terms: Policy, clause_id: str, when: object) -> Policy:
    """Return the policy with one clause of these conditions, made a permit."""
    only = next(clause for clause in terms.clauses if (clause.id, clause.when) == (clause_id, when))
    made = replace(only, effect=type(only.effect)("permit"), basis="consent", reason=None)
    return replace(terms, clauses=(made,))


@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_every_answer_names_a_clause_of_the_document(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    answer = decide(asked, known, terms)
    assert answer.clauses
    assert set(answer.clauses) <= {clause.id for clause in terms.clauses}
    assert (answer.permitted, not answer.permitted) == (answer.basis is not None, answer.reason is not None)
    assert (answer.consent is None) or answer.permitted


@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_without_its_permits_a_document_permits_nothing(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    silent = replace(terms, clauses=tuple(clause for clause in terms.clauses if clause.effect == "forbid"))
    assert decide(asked, known, silent).permitted is False


def test_of_two_consents_of_one_moment_the_same_one_always_speaks() -> None:
    twins = consent(grant_id="a", status=ConsentStatus.WITHDRAWN), consent(grant_id="b", status=ConsentStatus.EXPIRED)
    reasons = {decide(question(), facts(*order), TERMS).reason for order in (twins, twins[::-1])}
    assert 1 == len(reasons)


@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_the_order_in_which_consents_are_read_changes_nothing(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    turned = replace(known, consents=known.consents[::-1])
    one, other = (decide(asked, it, terms) for it in (known, turned))
    assert (one.permitted, one.reason, one.clauses) == (other.permitted, other.reason, other.clauses)


@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_an_answer_is_read_from_what_is_handed_in(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    assert decide(asked, known, terms) == decide(asked, known, terms)
    assert NOW == known.now

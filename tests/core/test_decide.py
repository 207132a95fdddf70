"""The decision: forbids first, then permits, then no; and what it can never be."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from core.records import ACCOUNT, CLIENT, DECLARED, IDENTIFIER, NOW, consent, facts, ground, question
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.decide import decide, forbidden, rule
from broker.core.match import Decision, Facts, Ground, MatchRequest, PolicyRef, best_consent, match_cases
from broker.core.policy import Clause, Effect, Policy
from broker.core.presence import Presence
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
    """Spell conditions as documents do; they are about a match unless they say otherwise."""
    spelt = {name.replace("_", "-"): it for name, it in when.items()}
    return {"says": "It says.", "source": "There.", "when": {"act": ["match"], **spelt}}


def policy(*rules: Rule) -> Policy:
    """Return the policy of these rules; some of them permit on less than a document that is loaded may."""
    return Policy(ref=REF, platform="x", title="Terms", limits={}, clauses=tuple(clause(rule) for rule in rules))


def clause(rule: Rule) -> Clause:
    """Return a rule as it is read, with nothing refused."""
    when = rule["when"]
    assert isinstance(when, Mapping)
    read = tuple((name, tuple(it) if isinstance(it, list) else it) for name, it in when.items())
    return Clause(**{**rule, "effect": Effect(str(rule["effect"])), "when": read})  # type: ignore[arg-type] # by name


CONSENTED = permit("MATCH-2", consent_status=["given"], consent_covers_purpose=True, association_recorded=True)
UNGROUNDED = forbid("MATCH-4", consent_status=["none"], ground=["none"])
UNDECLARED = forbid("APPLICATION-1", reason="purpose_not_declared", purpose_declared=False)
TERMS = policy(UNGROUNDED, UNDECLARED, CONSENTED)


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
        forbid("MATCH-4", ground=["none"]),
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
        permit("MATCH-4a", basis="user_provided", ground=["user_provided"]),
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


GIFT, BIO = ground(), ground("public", from_platform=True)
CONDITIONS: dict[str, tuple[Rule, MatchRequest, Facts, str | None]] = {
    "the act": (permit("M-1", act=["match", "contact"]), question(), facts(), None),
    "another act": (permit("M-1", act=["contact"], purpose=["customer-care"]), question(), facts(), "no_basis"),
    "the purpose": (permit("M-1", purpose=["newsletter"]), question("newsletter"), facts(), None),
    "another purpose": (permit("M-1", purpose=["newsletter"]), question(), facts(), "no_basis"),
    "the purpose that a client's own stands under": (
        permit("M-1", purpose=["newsletter"]),
        question("club-letter"),
        facts(narrower={"club-letter": "newsletter"}),
        None,
    ),
    "declared": (permit("M-1", purpose_declared=True), question(), facts(), None),
    "not declared": (permit("M-1", purpose_declared=True), question("contact"), facts(), "purpose_not_declared"),
    "undeclared, as asked": (permit("M-1", purpose_declared=False), question("contact"), facts(), None),
    "declared is the client's own purpose, not the one it stands under": (
        permit("M-1", purpose_declared=True),
        question("club-letter"),
        facts(narrower={"club-letter": "newsletter"}),
        "purpose_not_declared",
    ),
    "the account there": (permit("M-1", account_gone=False), question(), facts(), None),
    "the account gone, of a live consent": (
        permit("M-1", account_gone=False),
        question(),
        facts(consent(), presence=Presence(gone_at=NOW)),
        "suspended",
    ),
    "the account gone, of nobody's consent": (
        permit("M-1", account_gone=False),
        question(),
        facts(grounds=(GIFT,), presence=Presence(gone_at=NOW)),
        "no_basis",
    ),
    "the account gone, of a consent that ended": (
        permit("M-1", account_gone=False),
        question(),
        facts(consent(status=ConsentStatus.WITHDRAWN), presence=Presence(gone_at=NOW)),
        "no_basis",
    ),
    "the account public": (permit("M-1", account_protected=False), question(), facts(), None),
    "the account protected": (
        permit("M-1", account_protected=False),
        question(),
        facts(presence=Presence(protected_at=NOW)),
        "no_basis",
    ),
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
    "no ground": (permit("M-1", ground=["public"]), question(), facts(), "no_basis"),
    "no ground, as asked": (permit("M-1", ground=["none"]), question(), facts(), None),
    "the ground": (permit("M-1", ground=["user_provided"]), question(), facts(grounds=(GIFT,)), None),
    "another ground": (permit("M-1", ground=["public"]), question(), facts(grounds=(GIFT,)), "no_basis"),
    "the second of two grounds": (permit("M-1", ground=["public"]), question(), facts(grounds=(GIFT, BIO)), None),
    "found on the platform": (permit("M-1", public_from=["platform"]), question(), facts(grounds=(BIO,)), None),
    "found elsewhere": (permit("M-1", public_from=["platform"]), question(), facts(grounds=(GIFT,)), "no_basis"),
    "elsewhere, as asked": (permit("M-1", public_from=["elsewhere"]), question(), facts(grounds=(GIFT,)), None),
    "found nowhere": (permit("M-1", public_from=["platform"]), question(), facts(), "no_basis"),
    "expected": (
        permit("M-1", purpose_expected=True),
        question(),
        facts(grounds=(ground("public", "contact", "customer-care"),)),
        None,
    ),
    "not expected": (
        permit("M-1", purpose_expected=True),
        question(),
        facts(grounds=(ground("public", "contact"),)),
        "purpose_not_granted",
    ),
    "expected is the purpose itself, not a narrower one": (
        permit("M-1", purpose_expected=True),
        question("club-letter"),
        facts(grounds=(ground("public", "newsletter"),), narrower={"club-letter": "newsletter"}),
        "purpose_not_granted",
    ),
    "nothing to expect": (permit("M-1", purpose_expected=True), question(), facts(), "purpose_not_granted"),
    "objected": (permit("M-1", person_objected=False), question(), facts(objected_at=NOW), "no_basis"),
    "objected, as asked": (permit("M-1", person_objected=True), question(), facts(objected_at=NOW), None),
    "said no": (permit("M-1", person_said_no=False), question(), facts(said_no=True), "no_basis"),
    "said nothing": (permit("M-1", person_said_no=False), question(), facts(), None),
    "tainted": (permit("M-1", pair_tainted=False), question(), facts(tainted=True), "provenance_rejected"),
    "not tainted": (permit("M-1", pair_tainted=False), question(), facts(), None),
    "what the purpose's name speaks of": (
        permit("M-1", sensitive=["health"]),
        question("club-letter"),
        facts(spoken_of={"sensitive": frozenset({"health"})}),
        None,
    ),
    "what no name speaks of": (permit("M-1", use=["faces"]), question(), facts(), "purpose_prohibited"),
    "the kind of the record": (permit("M-1", identifier_kind=["person"]), question(), facts(), None),
    "another kind": (permit("M-1", identifier_kind=["household"]), question(), facts(), "no_basis"),
    "a fact that no match has": (permit("M-1", by=["api", "person"]), question(), facts(), "no_basis"),
    "a mark that no match has": (permit("M-1", within_rate=True), question(), facts(), "no_basis"),
    "nor is it false": (permit("M-1", within_rate=False), question(), facts(), "no_basis"),
    "a tag that no match has": (permit("M-1", evidence_complete=False), question(), facts(), "provenance_rejected"),
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
        best = best_consent(question(), facts(*order))
        assert best is not None
        assert "best" == best.grant_id


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
GROUND = st.builds(
    Ground,
    association_id=st.text("abcdefgh", min_size=4, max_size=4),
    basis=st.sampled_from(["user_provided", "public"]),
    from_platform=st.booleans(),
    expected_purposes=st.sets(st.sampled_from(["customer-care", "newsletter", "profiling"]), min_size=1).map(tuple),
    statement_id=st.just("the-statement"),
)
QUESTION = st.builds(question, st.sampled_from([*PURPOSES, *PROHIBITED, "unknown"]), client_id=st.just(CLIENT))
FACTS = st.builds(
    lambda consents, declared, **known: facts(*consents, declared=frozenset(declared), **known),
    st.lists(CONSENT, max_size=4, unique_by=lambda record: record.grant_id),
    st.sets(st.sampled_from([*DECLARED, "profiling"])),
    grounds=st.lists(GROUND, max_size=3, unique_by=lambda entry: entry.association_id).map(tuple),
    objected_at=st.sampled_from([None, None, NOW]),
    said_no=st.booleans(),
    tainted=st.booleans(),
    presence=st.sampled_from([Presence(), Presence(), Presence(gone_at=NOW), Presence(protected_at=NOW)]),
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
        "ground": st.lists(st.sampled_from(["none", "user_provided", "public"]), min_size=1),
        "purpose-expected": st.booleans(),
        "public-from": st.lists(st.sampled_from(["platform", "elsewhere"]), min_size=1),
        "person-objected": st.booleans(),
        "person-said-no": st.booleans(),
        "pair-tainted": st.booleans(),
        "account-gone": st.booleans(),
        "account-protected": st.booleans(),
    },
).map(lambda when: {"act": ["match"], **when})
RULE = st.builds(
    lambda effect, when: {**effect, "when": when},
    st.sampled_from([forbid("MEASURE-1"), forbid("MATCH-4", reason="suspended"), permit("MATCH-2"), CONSENTED]),
    WHEN,
)


def distinct(rules: list[Rule]) -> bool:
    """No rule is stated twice."""
    return len({(rule["id"], str(rule["when"])) for rule in rules}) == len(rules)


#: Documents are dear to make: fewer of them a test, and several tests.
FEW = settings(max_examples=40)
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


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_a_forbid_that_holds_beats_every_permit(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    """A clause holds when, made a permit and left alone, it permits."""
    for case, _consent, _ground in match_cases(asked, known):
        forbids = [clause for clause in terms.clauses if clause.effect is Effect.FORBID]
        holding = [clause.id for clause in forbids if rule(case, alone(terms, clause)).permitted]
        answer = rule(case, terms)
        assert not (holding and answer.permitted)
        assert set(answer.clauses) <= set(holding) or not holding
        assert bool(holding) is (forbidden(case, terms) is not None)


def alone(terms: Policy, clause: Clause) -> Policy:
    """Return the policy with one clause, made a permit."""
    return replace(terms, clauses=(replace(clause, effect=Effect.PERMIT, basis="consent", reason=None),))


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_a_match_is_permitted_where_one_of_its_cases_is(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    rulings = [rule(case, terms) for case, _consent, _ground in match_cases(asked, known)]
    answer = decide(asked, known, terms)
    assert any(ruling.permitted for ruling in rulings) is answer.permitted
    assert next((it for it in rulings if it.permitted), rulings[0]).clauses == answer.clauses


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY, more=POLICY)
def test_another_forbid_never_turns_a_no_into_a_yes(
    asked: MatchRequest, known: Facts, terms: Policy, more: Policy
) -> None:
    forbids = tuple(clause for clause in more.clauses if clause.effect is Effect.FORBID)
    stricter = (replace(terms, clauses=clauses) for clauses in (terms.clauses + forbids, forbids + terms.clauses))
    assert all(decide(asked, known, it).permitted <= decide(asked, known, terms).permitted for it in stricter)


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY, more=POLICY)
def test_another_permit_never_turns_a_yes_into_a_no(
    asked: MatchRequest, known: Facts, terms: Policy, more: Policy
) -> None:
    permits = tuple(clause for clause in more.clauses if clause.effect is Effect.PERMIT)
    looser = replace(terms, clauses=permits + terms.clauses)
    assert decide(asked, known, looser).permitted >= decide(asked, known, terms).permitted


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_another_ground_never_turns_a_yes_into_a_no(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    """Any one ground that permits is enough. Only "there is none" can be lost, and no document may rest on that."""
    one = replace(known, grounds=known.grounds or (ground(),))
    more = replace(one, grounds=(*one.grounds, ground("public", association_id="one-more")))
    assert decide(asked, more, terms).permitted >= decide(asked, one, terms).permitted


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_every_answer_names_a_clause_of_the_document(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    answer = decide(asked, known, terms)
    assert answer.clauses
    assert set(answer.clauses) <= {clause.id for clause in terms.clauses}
    assert (answer.permitted, not answer.permitted) == (answer.basis is not None, answer.reason is not None)
    assert (answer.consent is None) or answer.permitted


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_without_its_permits_a_document_permits_nothing(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    silent = replace(terms, clauses=tuple(clause for clause in terms.clauses if clause.effect == "forbid"))
    assert decide(asked, known, silent).permitted is False


def test_of_two_consents_of_one_moment_the_same_one_always_speaks() -> None:
    twins = consent(grant_id="a", status=ConsentStatus.WITHDRAWN), consent(grant_id="b", status=ConsentStatus.EXPIRED)
    reasons = {decide(question(), facts(*order), TERMS).reason for order in (twins, twins[::-1])}
    assert 1 == len(reasons)


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_the_order_in_which_consents_are_read_changes_nothing(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    turned = replace(known, consents=known.consents[::-1])
    one, other = (decide(asked, it, terms) for it in (known, turned))
    assert (one.permitted, one.reason, one.clauses) == (other.permitted, other.reason, other.clauses)


@FEW
@given(asked=QUESTION, known=FACTS, terms=POLICY)
def test_an_answer_is_read_from_what_is_handed_in(asked: MatchRequest, known: Facts, terms: Policy) -> None:
    assert decide(asked, known, terms) == decide(asked, known, terms)
    assert NOW == known.now

"""Every fact that the documents ask of an act is put to the terms by the verb: else a forbid would forbid nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from builders import a_tag
from policies.world import (
    Act,
    adds_recipient,
    allows,
    asks,
    asks_consent,
    calls,
    consents,
    contacts,
    hands_over,
    is_suspended,
    names,
    offers,
    people_are_asked_about,
    play,
    registers,
    reports,
    shows_a_notice,
    what_is_kept,
)

from broker.core.compare import acts_of
from broker.core.conditions import ACTS, CONDITIONS, KNOWN, Argument
from broker.core.policy import Clause, Effect, Policy
from broker.policies import load_policies
from broker.store.database import Database

POLICIES = load_policies().by_platform
TERMS = POLICIES["x"]
PROBE = "PROBE-1"
HEALTH, FACES = "illness-prediction", "face-recognition"

#: What happens, for each act, and what happens when words speak of something.
DONE: Mapping[str, tuple[Act, ...]] = {
    "match": (consents(), asks()),
    "identify": (names("person", "email", "jane@mailbox.example"),),
    "declare": (asks_consent("customer-care"),),
    "notice": (shows_a_notice("customer-care"),),
    "consent": (allows("customer-care"), what_is_kept),
    "register": (registers(owner="Northwind"), registers(owner="Northwind", purposes=("direct-marketing",))),
    "call": (is_suspended, calls),
    "associate": (offers(a_tag()),),
    "contact": (consents("contact"), contacts()),
    "redistribute": (adds_recipient(), hands_over()),
    "hydrate": (adds_recipient(), hands_over("posts", by="alice", person=True)),
    "report": (people_are_asked_about(20), reports()),
}


def speaking(name: str) -> Mapping[str, tuple[Act, ...]]:
    """What happens, for each act, with this name in it."""
    return {
        "match": (asks(name),),
        "identify": (names("other", "other", "7", name),),
        "declare": (asks_consent(name),),
        "notice": (shows_a_notice(name),),
        "register": (registers(purposes=(name,), narrower={name: "customer-care"}),),
        "associate": (offers(a_tag(expected_purposes=(name,))),),
    }


SPEAKING = {"sensitive": speaking(HEALTH), "use": speaking(FACES)}
#: The purpose of a message is always the vocabulary's own, which speaks of nothing.
SILENT = {("contact", "sensitive"), ("contact", "use")}


def asked_of(policies: Iterable[Policy]) -> list[tuple[str, str]]:
    """Return each act with each condition that the documents ask of it."""
    pairs = {
        (act, name)
        for policy in policies
        for clause in policy.clauses
        for act in acts_of(clause)
        for name, _ in clause.when
        if name != "act"
    }
    return sorted(pairs - SILENT)


def acts_for(act: str, name: str) -> tuple[Act, ...]:
    """Return what is to happen for the fact to have a value."""
    return SPEAKING[name][act] if name in SPEAKING else DONE[act]


def probing(act: str, name: str) -> Policy:
    """Return the terms with forbids for every value of one fact: whatever it is, one of them holds if it is known."""
    values = CONDITIONS[name].values
    arguments: list[Argument] = [True, False] if values is None else [tuple(sorted(values))]
    probes = [
        Clause(
            id=PROBE,
            effect=Effect.FORBID,
            says="What is known is forbidden.",
            source="Nowhere",
            when=(("act", (act,)), (name, argument)),
            reason="no_basis",
        )
        for argument in arguments
    ]
    return replace(TERMS, clauses=(*probes, *TERMS.clauses))


def is_known(database: Database, act: str, name: str) -> bool:
    """Whether a clause about the fact decides, whatever the fact is."""
    return PROBE in play(acts_for(act, name), database, probing(act, name)).clauses.split()


@pytest.mark.parametrize(("act", "name"), asked_of(POLICIES.values()))
def test_what_the_documents_ask_is_known(database_of_worlds: Database, act: str, name: str) -> None:
    assert is_known(database_of_worlds, act, name)


@pytest.mark.parametrize(
    ("act", "name"),
    sorted({(act, name) for act, groups in KNOWN.items() for group in groups for name in group} - SILENT),
)
def test_what_a_document_may_ask_is_known(database_of_worlds: Database, act: str, name: str) -> None:
    assert is_known(database_of_worlds, act, name)


@pytest.mark.parametrize("act", ACTS)
def test_without_the_probe_no_act_is_refused_by_it(database_of_worlds: Database, act: str) -> None:
    assert PROBE not in play(DONE[act], database_of_worlds, TERMS).clauses


@pytest.mark.parametrize(("act", "name"), [("match", "within-rate"), ("contact", "ground"), ("report", "objects")])
def test_a_fact_that_no_verb_gives_would_be_noticed(database_of_worlds: Database, act: str, name: str) -> None:
    assert not is_known(database_of_worlds, act, name)


def test_every_act_happens_here() -> None:
    assert ACTS.keys() == DONE.keys()

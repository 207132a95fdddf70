"""One question, one transaction: gather the facts, decide, write the answer down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from broker import watching
from broker.actions.answer_questions import name_all, rule_one
from broker.actions.broker import Broker
from broker.actions.count_misses import misses_among
from broker.actions.gather_facts import Pair, Question, gather_facts, pair_of
from broker.actions.offer_association import Offer, Outcome, TooManyGrounds, offer_association
from broker.core.client import Client
from broker.core.decide import as_decision, decide
from broker.core.identifiers import Association
from broker.core.match import Decision, MatchRequest
from broker.core.purposes import OTHER_PURPOSE, known_family
from broker.spans import span
from broker.store.decisions import save_decision, save_led_to
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A decision under its own id. ``missed``: the client has nothing on the account, and that is counted."""

    decision_id: str
    decision: Decision
    decided_at: datetime
    missed: bool = False


def decide_match(tx: Transaction, broker: Broker, client: Client, question: Question) -> Answer:
    """Answer *question* for *client* from what is committed now, and record the answer.

    A tag that comes with the question is put to the terms first; accepted, it is kept like one that was offered by
    itself.
    """
    if question.provenance is None:
        return _answer_plainly(tx, broker, client, question)
    now = broker.now()
    pair = pair_of(tx, broker, client, question)
    offered = _offered(tx, broker, client, question, pair)
    request = MatchRequest(association=pair.association, purpose=question.purpose, kind=question.identifier.kind)
    facts = gather_facts(tx, broker, client, pair, question.purpose, now=now)
    decision = decide(request, facts, broker.policies.governing(question.platform))
    if offered is not None and not offered.ruling.permitted and decision.reason == "no_basis":
        # The question had a ground to offer, and the terms refused it: that is what decided.
        ruling = offered.ruling
        decision = replace(decision, reason=ruling.reason or decision.reason, clauses=ruling.clauses)
    return record_answer(tx, broker, Asked(client, pair, request), decision, act="match")


def _answer_plainly(tx: Transaction, broker: Broker, client: Client, question: Question) -> Answer:
    [named] = name_all(tx, broker, client, [question])
    with span("decide", {"broker.act": "match"}) as deciding:
        decision = rule_one(tx, broker, client, named)
        deciding.say({"broker.outcome": "permit" if decision.permitted else "deny"})
    association = Association(client_id=client.client_id, account=named.account, identifier=named.identifier)
    pair = Pair(association=association, person=named.person, names=(), record="", unresolved=named.unresolved)
    request = MatchRequest(association=association, purpose=question.purpose, kind=question.identifier.kind)
    return record_answer(tx, broker, Asked(client, pair, request), decision, act="match")


def answer_offer(tx: Transaction, broker: Broker, client: Client, question: Question) -> Outcome:
    """Put an association that is offered by itself to the terms, and record what they said."""
    assert question.provenance is not None  # noqa: S101 - the wire model demands it
    pair = pair_of(tx, broker, client, question)
    outcome = offer_association(tx, broker, Offer(client=client, pair=pair, question=question, tag=question.provenance))
    decision = as_decision(outcome.ruling, broker.policies.governing(question.platform), ground=outcome.ground)
    request = MatchRequest(association=pair.association, purpose="")
    record_answer(tx, broker, Asked(client, pair, request), decision, act="associate")
    return outcome


@dataclass(frozen=True)
class Asked:
    """Who asked, about whom, and what."""

    client: Client
    pair: Pair
    request: MatchRequest


def record_answer(tx: Transaction, broker: Broker, asked: Asked, decision: Decision, *, act: str) -> Answer:
    """Write an answer down under an id of its own; and for the person, that a handle led to them."""
    now, narrower = broker.now(), asked.client.registration.narrower
    decision_id, request, pair = broker.new_id(), asked.request, asked.pair
    # What bears no name of the vocabulary is prose of the client's own: nothing free-form is kept beside an account.
    named = request.purpose if known_family(request.purpose, narrower) else OTHER_PURPOSE
    save_decision(tx, decision_id, replace(request, purpose=named), decision, act=act, now=now)
    watching.count_decisions(act, decision)
    if pair.unresolved:
        save_led_to(tx, decision_id, handle=pair.association.account, account=pair.person, now=now)
    missed = misses_among(tx, broker, asked.client, [] if decision.permitted else [request.association.account])
    return Answer(decision_id=decision_id, decision=decision, decided_at=now, missed=bool(missed))


def _offered(tx: Transaction, broker: Broker, client: Client, question: Question, pair: Pair) -> Outcome | None:
    """Put the question's tag to the terms, if it has one."""
    if question.provenance is None:
        return None
    try:
        return offer_association(
            tx, broker, Offer(client=client, pair=pair, question=question, tag=question.provenance)
        )
    except TooManyGrounds:
        return None  # nothing was written; the answer rests on what is on record

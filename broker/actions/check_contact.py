"""Before an automated message: consent, objection, ceilings and repetition, in one transaction (CONTACT-1 to -4)."""

from __future__ import annotations

from datetime import timedelta

from broker.actions.broker import Broker
from broker.actions.decide_match import Answer, Asked, record_answer
from broker.actions.gather_facts import Question, gather_facts, pair_of
from broker.actions.terms import call_clauses
from broker.core.case import Case
from broker.core.client import Client, Standing
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.decide import as_decision, rule
from broker.core.fingerprint import Fingerprint
from broker.core.match import Facts, MatchRequest, best_consent, cover_reason, covers, status_reason
from broker.core.policy import Policy
from broker.core.purposes import CONTACT
from broker.errors import Unauthorized
from broker.store.clients import hold_client
from broker.store.contacts import ContactMeter, read_meter, save_contact
from broker.store.transaction import Transaction

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


def check_contact(
    tx: Transaction, broker: Broker, client: Client, question: Question, fingerprint: Fingerprint
) -> Answer:
    """Answer whether an automated message may go to the account now, and record the answer.

    One client's checks take turns, so that a ceiling is a ceiling. What is permitted counts as sent.
    """
    if hold_client(tx, client.client_id) is not Standing.ACTIVE:
        # It was stopped while this check waited for its turn.
        raise Unauthorized("the client may not act at the moment", clauses=call_clauses(broker, client))
    now, policy = broker.now(), broker.policies.governing(question.platform)
    pair = pair_of(tx, broker, client, question)
    request = MatchRequest(association=pair.association, purpose=CONTACT)
    facts = gather_facts(tx, broker, client, pair, CONTACT, now=now)
    meter = read_meter(tx, client.client_id, pair.person, fingerprint, minute=now - _MINUTE, day=now - _DAY)
    consent = best_consent(request, facts)
    ruling = rule(_case(facts, consent, meter, policy), policy)
    decision = as_decision(ruling, policy, consent=consent)
    answer = record_answer(tx, broker, Asked(client, pair, request), decision, act="contact")
    if ruling.permitted:
        save_contact(tx, client.client_id, answer.decision_id, pair.person, fingerprint, now=now)
    return answer


def _case(facts: Facts, consent: ConsentRecord | None, meter: ContactMeter, policy: Policy) -> Case:
    status = consent.status_at(facts.now) if consent else None
    live = consent if consent and status is ConsentStatus.GIVEN and consent.associated else None
    # Consent that was given after an objection is the person's later word.
    objected = facts.objected_at is not None and (live is None or facts.objected_at >= live.given_at)
    return Case(
        act="contact",
        words={"purpose": frozenset({CONTACT}), "use": frozenset(), "sensitive": frozenset()},
        marks={
            "purpose-declared": CONTACT in facts.declared_purposes,
            "contact-consented": covers(live, CONTACT, facts),
            "person-objected": objected,
            "within-rate": meter.in_minute < policy.limit("contacts-per-minute"),
            "within-breadth": meter.accounts_in_day < policy.limit("contact-accounts-per-day"),
            "account-gone": facts.presence.gone,
            "content-repeated": meter.accounts_alike >= policy.limit("repeated-content-accounts"),
        },
        reasons={"contact-consented": cover_reason(live, CONTACT) if live else status_reason(status)},
    )

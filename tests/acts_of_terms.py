"""Whole acts under the terms beyond consent, each in a transaction of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builders import a_question, a_tag, an_account

from broker.actions.broker import Broker
from broker.actions.check_contact import check_contact
from broker.actions.decide_match import Answer, answer_offer
from broker.actions.object_to_matching import object_to_matching, take_objection_back
from broker.actions.offer_association import Outcome
from broker.actions.redistribute import Handed, Handover, add_recipient, hand_over
from broker.core.client import AGREEMENTS, Client
from broker.core.evidence import Provenance
from broker.core.fingerprint import Fingerprint
from broker.core.identifiers import ProvenAccount
from broker.core.names import fold_name
from broker.core.purposes import CONTACT
from broker.policies import Policies
from broker.store.objections import EVERYONE
from broker.store.people import Person, find_person, save_proof
from broker.store.recipients import Recipient
from broker.store.transaction import Transaction


def offered(broker: Broker, client: Client, tag: Provenance | None = None, **changes: Any) -> Outcome:  # noqa: ANN401 - any field of a question
    """Let *client* offer an association without consent."""
    question = a_question(**{"purpose": "", **changes}, provenance=tag or a_tag())
    with broker.database.transaction() as tx:
        return answer_offer(tx, broker, client, question)


def objected(
    broker: Broker, account: ProvenAccount | None = None, to: str = EVERYONE, *, environment: str = "prod"
) -> None:
    """Let a person prove the account and object to being matched: by everyone, or by one client."""
    with broker.database.transaction() as tx:
        object_to_matching(tx, broker, a_person(tx, broker, account, environment=environment), client_id=to)


def took_back(broker: Broker, account: ProvenAccount | None = None, to: str = EVERYONE) -> None:
    """Let a person take an objection back."""
    with broker.database.transaction() as tx:
        take_objection_back(tx, a_person(tx, broker, account), client_id=to)


def a_person(
    tx: Transaction, broker: Broker, account: ProvenAccount | None = None, *, environment: str = "prod"
) -> Person:
    """The person behind an account; they prove it when they never did."""
    proven = account or an_account()
    key = broker.blinder.account(proven.account, environment=environment)
    return find_person(tx, broker.sealer, key) or save_proof(tx, broker.sealer, key, proven, now=broker.now())


def a_recipient(broker: Broker, client: Client, **changes: Any) -> Recipient:  # noqa: ANN401 - any field of it
    """Somebody the client's owner hands content to, who has agreed to everything."""
    recipient = Recipient(
        recipient_id=broker.new_id(),
        owner=fold_name(client.registration.owner),
        environment=client.registration.environment,
        name="Institute for Bicycles",
        agreements=dict.fromkeys(AGREEMENTS, "2026-01-02"),
        academic=None,
        permission=None,
    )
    return replace(recipient, **changes)


def received(broker: Broker, client: Client, **changes: Any) -> str:  # noqa: ANN401 - any field of a recipient
    """Record a recipient, or bring it up to date; return its id."""
    with broker.database.transaction() as tx:
        return add_recipient(tx, broker, client, a_recipient(broker, client, **changes))


def handed(broker: Broker, client: Client, recipient_id: str, count: int = 1, **changes: Any) -> Handed:  # noqa: ANN401 - any field of a handover
    """Hand post ids over, or whatever *changes* says."""
    handover = Handover(**{"recipient_id": recipient_id, "objects": "post_ids", "count": count, **changes})
    with broker.database.transaction() as tx:
        return hand_over(tx, broker, client, handover)


def contacted(
    broker: Broker,
    client: Client,
    account: ProvenAccount | None = None,
    fingerprint: Fingerprint | None = None,
    **changes: Any,  # noqa: ANN401 - any field of a question
) -> Answer:
    """Ask whether an automated message may go to the account now."""
    question = a_question(account, **{"purpose": CONTACT, **changes})
    with broker.database.transaction() as tx:
        return check_contact(tx, broker, client, question, fingerprint or Fingerprint())


def with_limits(broker: Broker, **limits: int) -> Broker:
    """The broker under one platform's terms, their numbers small enough to reach; ``_`` stands for ``-``."""
    governing = broker.policies.governing("x")
    changed = {name.replace("_", "-"): number for name, number in limits.items()}
    policy = replace(governing, limits={**governing.limits, **changed})
    return replace(broker, policies=Policies({"x": policy}))

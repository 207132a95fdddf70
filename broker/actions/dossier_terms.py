"""What the terms said on a day: the documents that decisions name, the one in force, and its answer to each consent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.actions.broker import Broker
from broker.actions.dossier_grounds import Inquiry
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.decide import decide
from broker.core.identifiers import Association
from broker.core.match import Facts, MatchRequest
from broker.core.policy import Policy
from broker.errors import CommandRefused
from broker.policies import FALLBACK, read_policy
from broker.proof.receipt import timestamp
from broker.store.objections import objected_at
from broker.store.policy_texts import list_texts
from broker.store.transaction import Transaction


@dataclass(frozen=True)
class Terms:
    """Documents by digest, and the one in force at the end of the day, where it was kept by then."""

    texts: Mapping[str, str]
    in_force: Policy | None


def terms_of_day(tx: Transaction, inquiry: Inquiry, named: set[str]) -> Terms:
    """Return the documents that decisions name and the one in force, or say which is not kept."""
    kept = {policy.ref.digest: policy for policy in list_texts(tx) if policy.first_used_at < inquiry.ends}
    if missing := named - kept.keys():
        raise CommandRefused(f"the policy document {min(missing)} is not kept: it is older than this broker's keeping")
    by_platform = {read.platform: read for read in (read_policy(policy.text) for policy in kept.values())}
    in_force = by_platform.get(inquiry.platform) or by_platform.get(FALLBACK)
    wanted = named | ({in_force.ref.digest} if in_force else set())
    return Terms({digest: kept[digest].text for digest in sorted(wanted)}, in_force)


def answers(
    tx: Transaction, broker: Broker, inquiry: Inquiry, records: Iterable[ConsentRecord], policy: Policy | None
) -> list[Mapping[str, object]]:
    """What the document in force says to each consent as it was at the end of the day, or is now."""
    if policy is None:
        return []
    at = min(broker.now(), inquiry.ends - timedelta(microseconds=1))
    return [
        _answer(_as_of(record, at), purpose, _facts(tx, inquiry, record, at), policy)
        for record in records
        for purpose in record.purposes
    ]


def _facts(tx: Transaction, inquiry: Inquiry, record: ConsentRecord, at: datetime) -> Facts:
    objected = objected_at(tx, record.account, record.client_id)
    return Facts(
        now=at,
        declared_purposes=frozenset(inquiry.client.registration.purposes),
        narrower=inquiry.client.registration.narrower,
        consents=(_as_of(record, at),),
        objected_at=objected if objected and objected <= at else None,
    )


def _as_of(record: ConsentRecord, at: datetime) -> ConsentRecord:
    """A consent as it was then."""
    if record.ended_at is None or record.ended_at <= at:
        return record
    return replace(record, status=ConsentStatus.GIVEN, ended_at=None, ended_by=None, associated=True)


def _answer(record: ConsentRecord, purpose: str, facts: Facts, policy: Policy) -> Mapping[str, object]:
    pair = Association(client_id=record.client_id, account=record.account, identifier=record.identifier.digest)
    # What the notice meant to others on that day is not kept; the words of this consent are in the dossier themselves.
    facts = replace(facts, meaning=record.meant(purpose))
    decision = decide(MatchRequest(association=pair, purpose=purpose, kind=record.identifier.kind), facts, policy)
    why = {"basis": decision.basis} if decision.permitted else {"reason": decision.reason}
    return {
        "grant_id": record.grant_id,
        "purpose": purpose,
        "at": timestamp(facts.now),
        "permitted": decision.permitted,
        "clauses": list(decision.clauses),
        **why,
    }

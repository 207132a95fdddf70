"""Sign a client's word for where it has a handle from, and store it with its leaf: all or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.actions.broker import Broker, party_of
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.core.evidence import Provenance
from broker.core.match import Ground
from broker.proof.receipt import ACCOUNT, IDENTIFIER, leaf_data
from broker.proof.sdjwt import SALT_SIZE, disclose
from broker.proof.statement import EVIDENCE, StatementClaims, sign_statement
from broker.store.grounds import SignedStatement, find_statement, save_statement
from broker.store.people import own_sealer, pairwise_name, sealer_of
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What is stated, by whom, and the clauses that accepted it."""

    client: Client
    question: Question
    tag: Provenance
    ground: Ground
    clauses: tuple[str, ...]


def state_provenance(tx: Transaction, broker: Broker, account: bytes, statement: Statement) -> None:
    """Sign *statement* and keep it under the account it was made about."""
    now, question = broker.now(), statement.question
    named = {"id": question.account_id, "handle": question.handle}
    identifier = {name: value for name, value in vars(question.identifier).items() if value is not None}
    values = (
        (ACCOUNT, {"platform": question.platform, **{name: value for name, value in named.items() if value}}),
        (IDENTIFIER, identifier),
        (EVIDENCE, statement.tag.stated()),
    )
    disclosures = tuple(disclose(name, value, salt=broker.random(SALT_SIZE)) for name, value in values)
    person = own_sealer(tx, broker.sealer, account, platform=question.platform, now=now)
    claims = _claims(broker, statement, pairwise=pairwise_name(person, statement.client.client_id), now=now)
    signed = sign_statement(claims, disclosures, broker.keys.receipts)
    kept = SignedStatement(
        statement_id=statement.ground.statement_id,
        client_id=statement.client.client_id,
        issued_at=now,
        jwt=signed.jwt,
        disclosures=tuple(entry.encoded for entry in disclosures),
        leaf=leaf_data(signed.jwt),
    )
    save_statement(tx, account, kept, store=broker.sealer, person=person)


def _claims(broker: Broker, statement: Statement, *, pairwise: str, now: datetime) -> StatementClaims:
    policy = broker.policies.governing(statement.question.platform).ref
    return StatementClaims(
        statement_id=statement.ground.statement_id,
        association_id=statement.ground.association_id,
        issued_at=now,
        pairwise=pairwise,
        client_id=statement.client.client_id,
        client=party_of(statement.client),
        broker=broker.party,
        platform=statement.question.platform,
        tag=statement.tag.tag,
        expected_purposes=statement.tag.expected_purposes,
        clauses=statement.clauses,
        policy={"id": policy.id, "version": policy.version, "digest": policy.digest},
    )


def read_statement(tx: Transaction, broker: Broker, account: bytes, statement_id: str) -> str | None:
    """The statement as the file that its client keeps; None when there is none, or nobody to open it for."""
    person = sealer_of(tx, broker.sealer, account)
    return find_statement(tx, account, statement_id, store=broker.sealer, person=person)

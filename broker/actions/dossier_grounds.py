"""What a dossier is about, and the grounds that there ever were for it: consents and associations, ended ones too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Identifier, PlatformAccount
from broker.proof.receipt import IDENTIFIER, timestamp
from broker.proof.sdjwt import assemble, encode, parse
from broker.proof.statement import EVIDENCE
from broker.store.consents import list_consents
from broker.store.dossiers import ground_ended_at, statements_about
from broker.store.grounds import SignedStatement
from broker.store.people import bearer_of, find_sealer, handles_of
from broker.store.receipts import StoredReceipt, list_receipts
from broker.store.sealing import Sealer
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What is asked: a client, an account by its id or a handle, a day of UTC; of one record, or of all.

    ``redacted`` leaves every personal value out: what is signed stays, and still verifies.
    """

    client: Client
    platform: str
    account_id: str | None
    handle: str | None
    identifier: Identifier | None
    begins: datetime
    redacted: bool

    @property
    def ends(self) -> datetime:
        """The end of the day."""
        return self.begins + timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An inquiry's account and record by their digests, and every name that decisions may lie under."""

    account: bytes
    names: Sequence[bytes]
    identifier: bytes | None


@dataclass(frozen=True)
class StoodGround:
    """A consent or an association: what is said of it, its signed proofs, and the record where it is a consent."""

    standing: Mapping[str, object]
    proofs: Sequence[StoredReceipt | SignedStatement]
    record: ConsentRecord | None = None


def pair_of_inquiry(tx: Transaction, broker: Broker, inquiry: Inquiry) -> Pair:
    """Find the account; a handle that its bearer has left, or that was seen on two, stands for itself."""
    environment, client_id = inquiry.client.registration.environment, inquiry.client.client_id
    identifier = None if inquiry.identifier is None else broker.blinder.identifier(client_id, inquiry.identifier)
    if inquiry.account_id is not None:
        named = PlatformAccount(platform=inquiry.platform, id=inquiry.account_id)
        account = handle = broker.blinder.account(named, environment=environment)
    else:
        handle = broker.blinder.handle(inquiry.platform, inquiry.handle or "", environment=environment)
        bearer = bearer_of(tx, handle)
        account = bearer.account if bearer and bearer.held else handle
    names = list(dict.fromkeys((account, handle, *handles_of(tx, account))))
    return Pair(account=account, names=names, identifier=identifier)


def grounds_ever(tx: Transaction, broker: Broker, inquiry: Inquiry, pair: Pair) -> Iterator[StoodGround]:
    """All that the pair ever rested on up to the end of that day, ended or not: what is left out would be hidden."""
    for name in pair.names:
        sealer = find_sealer(tx, broker.sealer, name)
        if sealer is None:
            continue
        if name == pair.account:
            yield from _consents(tx, broker, inquiry, pair, sealer)
        stated = statements_about(
            tx, name, inquiry.client.client_id, before=inquiry.ends, store=broker.sealer, person=sealer
        )
        for statement in stated:
            ground, identifier = _stated(tx, broker, name, statement)
            if pair.identifier in {None, identifier}:
                yield ground


def _consents(tx: Transaction, broker: Broker, inquiry: Inquiry, pair: Pair, sealer: Sealer) -> Iterator[StoodGround]:
    receipts = list_receipts(tx, pair.account, store=broker.sealer, person=sealer)
    for record in list_consents(tx, pair.account):
        own = record.client_id == inquiry.client.client_id and pair.identifier in {None, record.identifier.digest}
        if own and record.given_at < inquiry.ends:
            proofs = [receipt for receipt in receipts if receipt.grant_id == record.grant_id]
            given = [receipt for receipt in proofs if receipt.status is ConsentStatus.GIVEN]
            yield StoodGround(_standing(record), [*given, *(one for one in proofs if one not in given)], record)


def _standing(record: ConsentRecord) -> dict[str, object]:
    return {
        "basis": "consent",
        "grant_id": record.grant_id,
        "receipt_id": record.receipt_id,
        "identifier": encode(record.identifier.digest),
        "purposes": list(record.purposes),
        "given_at": timestamp(record.given_at),
        "valid_until": timestamp(record.valid_until),
        "status": record.status.dpv,
        "ended_at": timestamp(record.ended_at) if record.ended_at else None,
    }


def _stated(tx: Transaction, broker: Broker, account: bytes, statement: SignedStatement) -> tuple[StoodGround, bytes]:
    """An association behind a provenance statement, with the digest of its record."""
    shown: dict[str, Any] = {entry.name: entry.value for entry in _disclosures(statement)}
    client_id, tag = statement.client_id, shown[EVIDENCE]
    identifier = broker.blinder.identifier(client_id, Identifier(**shown[IDENTIFIER]))
    digest = broker.blinder.tag(client_id, json.dumps(tag, sort_keys=True, ensure_ascii=False))
    key = {"account": account, "client_id": client_id, "identifier": identifier, "tag": digest}
    ended = ground_ended_at(tx, key, key=broker.database.row_key)
    standing = {
        "basis": tag["tag"],
        "statement_id": statement.statement_id,
        "identifier": encode(identifier),
        "purposes": tag["expected_purposes"],
        "given_at": timestamp(statement.issued_at),
        "ended_at": timestamp(ended) if ended else None,
    }
    return StoodGround(standing, [statement]), identifier


def _disclosures(statement: SignedStatement) -> Sequence[Any]:
    return parse(assemble(statement.jwt, statement.disclosures)).disclosures

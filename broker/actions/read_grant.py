"""What a client is told of a grant it holds: at the token endpoint, and whenever it asks again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from broker.actions.broker import Broker
from broker.actions.issue_receipt import account_value
from broker.core.consent import ConsentRecord
from broker.errors import NotFound
from broker.proof.receipt import timestamp
from broker.proof.sdjwt import assemble, payload_of
from broker.store.consents import details_of
from broker.store.people import find_person
from broker.store.receipts import StoredReceipt, find_receipt
from broker.store.transaction import Transaction


def granted_details(tx: Transaction, broker: Broker, record: ConsentRecord) -> dict[str, object]:
    """The authorization_details object as it was granted (RFC 9396 section 7), with the receipt."""
    person = find_person(tx, broker.sealer, record.account)
    if person is None:
        raise NotFound("this client holds no grant of that id")
    details = details_of(tx, record, sealer=person.sealer)
    receipt = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
    if receipt is None:
        raise NotFound("this client holds no grant of that id")
    account = {name: value for name, value in account_value(person).items() if not name.startswith("verified")}
    return {
        "type": "off_platform_match",
        "platform": account["platform"],
        "identifier": details.identifier,
        "purposes": list(record.purposes),
        "account": {**account, "handle": details.handle},
        **({"brand": record.brand} if record.brand else {}),
        "grant_id": record.grant_id,
        "receipt": sd_jwt_text(receipt),
        "valid_until": timestamp(record.valid_until),
    }


def sd_jwt_text(receipt: StoredReceipt) -> str:
    """A stored receipt as the file its holder keeps."""
    return assemble(receipt.jwt, receipt.disclosures)


def withdrawal_uri(receipt: StoredReceipt) -> str:
    """The capability link that a receipt carries."""
    return str(_record(receipt)["withdrawal"]["uri"])


def valid_until(receipt: StoredReceipt) -> datetime:
    """The end of the consent that a receipt is about."""
    return datetime.fromisoformat(_record(receipt)["event"]["valid_until"])


def _record(receipt: StoredReceipt) -> dict[str, Any]:
    record = payload_of(receipt.jwt)["record"]
    assert isinstance(record, dict)  # noqa: S101 - a payload this broker signed
    return record

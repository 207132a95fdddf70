"""The audit of signed rows: each opens, verifies, says what its columns say, and is a leaf of its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broker.actions.audit_keys import JudgedKeys
from broker.actions.broker import Broker
from broker.core.consent import ConsentStatus
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import assemble
from broker.proof.verify import Verdict, verify_evidence
from broker.store.auditing import Walk
from broker.store.auditing_evidence import OpenedRow, opened_rows
from broker.store.people import pairwise_name

RECEIPTS, STATEMENTS = "receipts", "statements"
Claims = Mapping[str, Any]
_STATUS = {status.dpv: status.value for status in ConsentStatus}


def check_signed_rows(audit: Walk, broker: Broker, name: str) -> Iterator[list[tuple[OpenedRow, Verdict]]]:
    """Look at every receipt, or every statement; yield those that hold, with what they say, a chunk at a time."""
    keys = JudgedKeys(broker.keys.jwks())
    for chunk in opened_rows(audit, name, broker.sealer):
        verified = [(row, _verified(audit, name, row, keys)) for row in chunk]
        audit.walked[name] += len(chunk)
        yield [(row, verdict) for row, verdict in verified if verdict is not None]


def _verified(audit: Walk, name: str, row: OpenedRow, keys: JudgedKeys) -> Verdict | None:
    verdict = verify_evidence(assemble(row.jwt, row.disclosures), jwks=keys.jwks)
    if not verdict.anchored:
        failed = verdict.steps[-1]
        audit.name(name, row.key, f"it does not verify: step {failed.number} ({failed.name}) failed")
        return None
    if (fault := keys.fault(audit, row.jwt, row.values["leaf"])) is not None:
        audit.name(name, row.key, fault)
    said = _columns_of_receipt(verdict.payload) if name == RECEIPTS else _columns_of_statement(verdict.payload)
    other = differing(row.values, {**said, "leaf": leaf_data(row.jwt)})
    if row.person is not None and verdict.payload["sub"] != pairwise_name(row.person, row.values["client_id"]):
        other = [*other, "account"]
    if other:
        audit.name(name, row.key, f"what was signed says another {', '.join(other)}")
        return None
    return verdict


def differing(row: Claims, said: Claims) -> Sequence[str]:
    """The columns that hold something else than what was *said*; times are signed to the second."""
    return [name for name, value in said.items() if seconds(row[name]) != value]


def seconds(value: object) -> object:
    """A time as it is signed."""
    return int(value.timestamp()) if hasattr(value, "timestamp") else value


def _columns_of_receipt(payload: Claims) -> Claims:
    record, listed = payload["record"], payload["status"]["status_list"]
    return {
        "receipt_id": payload["jti"],
        "client_id": payload["aud"],
        "grant_id": record["record_id"],
        "status": _STATUS[record["event"]["state"]],
        "issued_at": payload["iat"],
        "status_list": int(listed["uri"].rpartition("/")[2]),
        "status_index": listed["idx"],
    }


def _columns_of_statement(payload: Claims) -> Claims:
    return {"statement_id": payload["jti"], "client_id": payload["aud"], "issued_at": payload["iat"]}

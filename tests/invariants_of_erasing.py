"""What holds of rows after erasures: what stays of a person is signed, ended, announced, and of nobody."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from raw_rows import Rows

from broker.actions.broker import Broker
from broker.core.blinding import name_digest
from broker.proof.erasure import trail_commitment
from broker.proof.sdjwt import payload_of
from broker.proof.verify import verify_evidence
from broker.store.receipts import INVALID
from broker.store.routes import RECEIPT

_ANNOUNCED = {"given": {"consent-granted", "account-erased"}, "refused": set()}


def apart(rows: Rows) -> tuple[Rows, Rows]:
    """Return the rows of whoever is known here, and what stays of those who were erased."""
    nobody = {row["account"] for table in ("receipts", "statements") for row in rows[table]
              if row["sealed_disclosures"] == b""}  # fmt: skip
    people = {row["account"] for row in rows["people"]}
    leaves = {row["leaf"] for table in ("receipts", "statements") for row in rows[table] if row["account"] in nobody}
    entries = {(row["status_list"], row["status_index"]) for row in rows["receipts"] if row["account"] in nobody}
    stays = {
        "receipts": lambda row: row["account"] in nobody,
        "statements": lambda row: row["account"] in nobody,
        "events": lambda row: row["account"] in nobody,
        "routes": lambda row: row["account"] in nobody,
        "leaves": lambda row: row["leaf"] in leaves,
        "status_entries": lambda row: (row["list_id"], row["position"]) in entries,
        "handles": lambda row: row["standing"] == "recycled" and row["account"] not in people,
        "objections": lambda row: row["why"] == "erasure",
    }
    erased = {name: [row for row in rows[name] if is_one(row)] for name, is_one in stays.items()}
    living = {name: [row for row in content if not (name in stays and stays[name](row))]
              for name, content in rows.items()}  # fmt: skip
    return living, erased


def faults_of_erasing(rows: Rows, erased: Rows, broker: Broker) -> Iterator[str]:
    """Name every fault of what stays, and of the certificates."""
    people = {row["account"] for row in rows["people"]}
    yield from (f"a row of {name} is erased, and its person is known" for name in ("receipts", "statements", "events")
                for row in erased[name] if row["account"] in people)  # fmt: skip
    for table in ("receipts", "statements"):
        for row in erased[table]:
            yield from _evidence(table.removesuffix("s"), row, rows, broker)
    yield from _ended(erased)
    yield from _announced(erased)
    yield from _found(erased)
    for row in rows["erasures"]:
        yield from _certificate(row, rows, broker)


def _evidence(kind: str, row: dict[str, Any], rows: Rows, broker: Broker) -> Iterator[str]:
    name = row[f"{kind}_id"]
    jwt = broker.sealer.open(row["sealed_jwt"], place=f"{kind}s.sealed_jwt:{name}").decode()
    verdict = verify_evidence(f"{jwt}~", jwks=broker.keys.jwks())
    if not verdict.anchored or (verdict.payload["jti"], verdict.payload["aud"]) != (name, row["client_id"]):
        yield f"the erased {kind} {name} is not what was signed"
    leaf = hashlib.sha256(jwt.encode()).digest()
    if leaf != row["leaf"] or leaf not in {row["leaf"] for row in rows["leaves"] if row["kind"] == kind}:
        yield f"the erased {kind} {name} has no leaf"
    if row["sealed_disclosures"] != b"":
        yield f"the erased {kind} {name} keeps disclosures"


def _ended(erased: Rows) -> Iterator[str]:
    valid = {(row["list_id"], row["position"]) for row in erased["status_entries"] if row["value"] != INVALID}
    yield from (f"the erased receipt {row['receipt_id']} is still valid" for row in erased["receipts"]
                if (row["status_list"], row["status_index"]) in valid)  # fmt: skip


def _announced(erased: Rows) -> Iterator[str]:
    """Every consent's end by erasure was told, once; so was everything else, but what was given anew."""
    events = [row for row in erased["events"] if row["type"] != "handle-changed"]  # it may change as often as it likes
    told = Counter((row["type"], row["account"], row["client_id"], row["receipt_id"]) for row in events)
    yield from (f"an event was left twice: {event}" for event, number in told.items() if number > 1)
    for row in erased["receipts"]:
        found = {event[0] for event in told if event[1:] == (row["account"], row["client_id"], row["receipt_id"])}
        expected = _ANNOUNCED.get(row["status"])
        if found != expected if expected is not None else not found <= {"consent-withdrawn", "consent-expired"}:
            yield f"of the erased receipt {row['receipt_id']} these were told: {sorted(found)}"


def _found(erased: Rows) -> Iterator[str]:
    """A business finds its receipts still, and nothing else leads to what stays."""
    expected = {(RECEIPT, name_digest(RECEIPT, row["receipt_id"]), row["account"]) for row in erased["receipts"]
                if row["status"] != "refused"}  # fmt: skip
    found = {(row["kind"], row["name"], row["account"]) for row in erased["routes"]}
    if found != expected:
        yield f"{len(found)} names lead to what stays of the erased, and not exactly {len(expected)} receipts"


def _certificate(row: dict[str, Any], rows: Rows, broker: Broker) -> Iterator[str]:
    name = row["erasure_id"]
    verdict = verify_evidence(f"{row['jwt']}~", jwks=broker.keys.jwks())
    said: Any = payload_of(row["jwt"])["erasure"]
    if not verdict.anchored or said["erasure_id"] != name:
        yield f"the certificate {name} is not what was signed"
    if row["leaf"] not in {leaf["leaf"] for leaf in rows["leaves"] if leaf["kind"] == "erasure"}:
        yield f"the certificate {name} has no leaf"
    emptied = [entry for entry in rows["trail"] if entry["erasure_id"] == name]
    if said["trail"] != trail_commitment(sorted(entry["digest"] for entry in emptied)):
        yield f"the certificate {name} commits to other entries than those that lost their salt"
    if any(entry["row_key"] or entry["salt"] for entry in emptied):
        yield f"an entry of the erasure {name} has key or salt"

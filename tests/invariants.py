"""What holds of a broker's rows after every step, whatever the step was.

It reads the tables as they lie there, and opens what is sealed only to know what must not lie there in clear.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from operator import itemgetter
from typing import Any

from invariants_of_erasing import apart, faults_of_erasing
from invariants_of_matching import faults_of_matching
from invariants_of_sheets import faults_of_sheets, with_answers_in_sheets
from invariants_of_terms import Statements, association_routes, faults_of_terms
from raw_rows import Rows, all_rows, in_clear, pairwise_in

from broker.actions.broker import Broker
from broker.core.blinding import name_digest
from broker.core.consent import ConsentStatus
from broker.core.expiry import reminders
from broker.proof.keyring import KeyRing
from broker.proof.sdjwt import payload_of
from broker.proof.verify import Verdict, verify_receipt
from broker.store.consents import details_of, find_consent
from broker.store.database import Database
from broker.store.events import queue_of
from broker.store.people import find_person
from broker.store.receipts import INVALID, SLEEPING, VALID, StoredReceipt, list_receipts
from broker.store.routes import ASSOCIATION, CAPABILITY, CODE, GRANT, RECEIPT, SESSION
from broker.store.sealing import SealBroken
from broker.store.transaction import Transaction

_EVENT_OF = {
    "given": "consent-granted",
    "withdrawn": "consent-withdrawn",
    "revoked": "consent-withdrawn",
    "expired": "consent-expired",
}


_VERDICTS: dict[tuple[str, str], Verdict] = {}
_AHEAD = "consent-expires-soon"
_SAME = ("account", "client_id", "grant_id", "receipt_id")


def assert_sound(database: Database, broker: Broker) -> None:
    """Fail with every fault found in the committed rows of *database*."""
    with Database.transaction(database) as tx:
        faults = faults_in(tx, broker)
    assert [] == faults, "\n".join(faults)


def faults_in(tx: Transaction, broker: Broker) -> list[str]:
    """Name every fault of the rows as *tx* sees them."""
    everything = all_rows(tx)
    rows, erased = apart(with_answers_in_sheets(everything))
    opened, statements = _Opened(tx, broker, rows), Statements(tx, broker, rows)
    return [
        *_associations(rows),
        *_consents(rows),
        *_pairs(rows),
        *_receipts(rows, opened, broker),
        *_logged(rows, opened),
        *_status_entries(rows),
        *_events(rows),
        *_told_ahead(rows),
        *_deliveries(everything),
        *_routes(rows, opened),
        *_decisions(rows),
        *_refusals(rows),
        *_handles(rows),
        *faults_of_sheets(rows),
        *faults_of_terms(rows, statements, broker),
        *faults_of_matching(tx, everything),
        *faults_of_erasing(everything, erased, broker),
        *in_clear(everything, opened.personal | statements.personal),
    ]


class _Opened:
    """What the broker itself can open: receipts, and everybody's values in clear."""

    def __init__(self, tx: Transaction, broker: Broker, rows: Rows) -> None:
        self.receipts: dict[str, StoredReceipt] = {}
        self.personal: set[str] = set()
        self.unreadable: list[str] = []
        for row in rows["people"]:
            try:
                self._open(tx, broker, rows, row["account"])
            except SealBroken as broken:
                self.unreadable.append(broken.detail)

    def _open(self, tx: Transaction, broker: Broker, rows: Rows, account: bytes) -> None:
        person = find_person(tx, broker.sealer, account)
        if person is None:  # spoken of by a client, and never proved
            return
        self.personal |= {person.proven.account.id, person.proven.handle}
        found = list_receipts(tx, account, store=broker.sealer, person=person.sealer)
        self.receipts |= {receipt.receipt_id: receipt for receipt in found}
        for row in rows["consents"]:
            record = find_consent(tx, account, row["grant_id"]) if row["account"] == account else None
            if record is not None:
                details = details_of(tx, record, sealer=person.sealer)
                self.personal |= {details.handle, details.identifier["value"]}


def _associations(rows: Rows) -> Iterator[str]:
    pair = ("account", "client_id", "identifier", "grant_id")
    made = Counter(tuple(row[name] for name in pair) for row in rows["associations"])
    live = Counter(tuple(row[name] for name in pair) for row in rows["consents"] if row["status"] == "given")
    yield from (f"the live consent {key[-1]} has no association" for key in live - made)
    yield from (f"an association stands without a live consent: {key[-1]}" for key in made - live)
    yield from (f"the association {row['grant_id']} rests on {row['basis']}" for row in rows["associations"]
                if row["basis"] != "consent")  # fmt: skip


def _consents(rows: Rows) -> Iterator[str]:
    people = {row["account"] for row in rows["people"]}
    clients = {row["client_id"] for row in rows["clients"]}
    for row in rows["consents"]:
        grant, live = row["grant_id"], row["status"] == "given"
        if row["account"] not in people or row["client_id"] not in clients:
            yield f"the consent {grant} is of nobody, or for nobody"
        if live != (row["ended_at"] is None) or live != (row["ended_by"] is None):
            yield f"the consent {grant} is {row['status']} and ended at {row['ended_at']} by {row['ended_by']}"
        if row["ended_at"] is not None and row["ended_at"] < row["given_at"]:
            yield f"the consent {grant} ended before it was given"
        told = sorted(other["status"] for other in rows["receipts"] if _same(row, other, "account", "grant_id"))
        if told != sorted({"given", row["status"]}):
            yield f"the consent {grant} is {row['status']} and its receipts say {told}"


def _pairs(rows: Rows) -> Iterator[str]:
    """Of one pair one consent stands: an earlier one has ended, or had run out."""
    given = sorted((row for row in rows["consents"] if row["status"] == "given"), key=itemgetter("given_at"))
    for earlier, later in combinations(given, 2):
        same = _same(earlier, later, "account", "client_id", "identifier")
        if same and earlier["valid_until"] > later["given_at"]:
            yield f"two consents of one pair stand: {earlier['grant_id']} and {later['grant_id']}"


def _receipts(rows: Rows, opened: _Opened, broker: Broker) -> Iterator[str]:
    yield from opened.unreadable
    consents = {row["grant_id"]: row for row in rows["consents"]}
    for row in rows["receipts"]:
        receipt = opened.receipts.get(row["receipt_id"])
        if receipt is None:
            yield f"the receipt {row['receipt_id']} is of nobody"
            continue
        verdict = _verified("~".join([receipt.jwt, *receipt.disclosures, ""]), broker.keys)
        if not verdict.anchored:
            yield f"the receipt {row['receipt_id']} fails {verdict.steps[-1]}"
            continue
        said, stored = _said(verdict.payload), _stored(row, rows, broker)
        yield from (f"the receipt {row['receipt_id']} says {name} {said[name]}, its row {stored[name]}"
                    for name in stored if said[name] != stored[name])  # fmt: skip
        consent = consents.get(row["grant_id"])
        if consent is not None and said["purposes"] != consent["purposes"]:
            yield f"the receipt {row['receipt_id']} is for {said['purposes']}, its consent for {consent['purposes']}"
        if consent is None and row["status"] != "refused":
            yield f"the receipt {row['receipt_id']} is of no consent"


def _verified(text: str, keys: KeyRing) -> Verdict:
    # The same bytes under the same key hold for ever: a long history is verified once, not once a step.
    known = keys.receipts.kid, text
    if known not in _VERDICTS:
        _VERDICTS[known] = verify_receipt(text, jwks=keys.jwks())
    return _VERDICTS[known]


def _said(payload: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    record = payload["record"]
    return {
        "jti": payload["jti"],
        "aud": payload["aud"],
        "sub": payload["sub"],
        "iat": payload["iat"],
        "record_id": record["record_id"],
        "state": record["event"]["state"],
        "status": payload["status"]["status_list"],
        "purposes": [entry["purpose_id"] for entry in record["processing"]],
    }


def _stored(row: dict[str, Any], rows: Rows, broker: Broker) -> dict[str, Any]:
    return {
        "jti": row["receipt_id"],
        "aud": row["client_id"],
        "sub": pairwise_in(rows, broker, row),
        "iat": int(row["issued_at"].timestamp()),
        "record_id": row["grant_id"],
        "state": ConsentStatus(row["status"]).dpv,
        "status": {"idx": row["status_index"], "uri": broker.url(f"/status/{row['status_list']}")},
    }


def _logged(rows: Rows, opened: _Opened) -> Iterator[str]:
    expected = Counter(hashlib.sha256(receipt.jwt.encode()).digest() for receipt in opened.receipts.values())
    leaves = Counter(row["leaf"] for row in rows["leaves"] if row["kind"] == "receipt")
    named = Counter(row["leaf"] for row in rows["receipts"])
    yield from (f"a receipt has no leaf: {leaf.hex()}" for leaf in (expected - leaves) | (expected - named))
    yield from (f"a leaf is of no receipt: {leaf.hex()}" for leaf in (leaves - expected) | (named - expected))


def _status_entries(rows: Rows) -> Iterator[str]:
    """An entry is invalid unless a consent stands behind its receipt; then it knows whose, and until when.

    It sleeps exactly as long as the consent's account is gone from the platform.
    """
    gone = {row["account"] for row in rows["presences"] if row["gone_at"]}
    entries = {(row["list_id"], row["position"]): row for row in rows["status_entries"]}
    taken = [(row["status_list"], row["status_index"]) for row in rows["receipts"]]
    if sorted(taken) != sorted(entries):
        yield f"receipts have the status entries {sorted(taken)}, the lists {sorted(entries)}"
    standing = {row["receipt_id"]: row for row in rows["consents"] if row["status"] == "given"}
    for row in rows["receipts"]:
        entry, consent = entries.get((row["status_list"], row["status_index"])), standing.get(row["receipt_id"])
        standing_now = SLEEPING if row["account"] in gone else VALID
        if entry is None or entry["value"] != (standing_now if consent else INVALID):
            yield f"the status entry of the receipt {row['receipt_id']} is {entry}"
        elif consent and any(entry[name] != consent[name] for name in ("client_id", "valid_until")):
            yield f"the status entry of the receipt {row['receipt_id']} stands for another consent"


def _events(rows: Rows) -> Iterator[str]:
    """Every event has its receipt; a refusal has none, nor has the end of a consent that was given anew."""
    key = ("account", "client_id", "grant_id", "receipt_id")
    renewed = {(row["grant_id"], row["status"]) for row in rows["consents"] if row["ended_by"] == "renewal"}
    caused = Counter(
        (_EVENT_OF[row["status"]], *(row[name] for name in key))
        for row in rows["receipts"]
        if row["status"] in _EVENT_OF and (row["grant_id"], row["status"]) not in renewed
    )
    told = [row for row in rows["events"] if row["type"] in {"handle-changed", _AHEAD}]
    left = Counter((row["type"], *(row[name] for name in key)) for row in rows["events"] if row not in told)
    given = {tuple(row[name] for name in key) for row in rows["receipts"] if row["status"] == "given"}
    yield from (
        f"something is told of no consent: {row}" for row in told if tuple(row[name] for name in key) not in given
    )
    yield from (f"no event tells of {entry}" for entry in caused - left)
    yield from (f"an event tells of no receipt: {entry}" for entry in left - caused)


def _told_ahead(rows: Rows) -> Iterator[str]:
    """A client is told ahead as often as it was due, in the name of the receipt there is; what has ended is not due."""
    told = Counter(tuple(row[name] for name in _SAME) for row in rows["events"] if row["type"] == _AHEAD)
    for row in rows["consents"]:
        ahead = reminders(row["given_at"], row["valid_until"])
        count = told.pop(tuple(row[name] for name in _SAME), 0)
        if row["status"] != "given":
            passed, due = len(ahead), None
        else:
            passed = next((number for number, at in enumerate(ahead) if at == row["due_at"]), len(ahead))
            due = (*ahead, row["valid_until"])[passed]
        if row["due_at"] != due:
            yield f"the consent {row['grant_id']} is due at {row['due_at']}, where {due} is next"
        if count > passed:
            yield f"of the consent {row['grant_id']} was told {count} times that it ends, where {passed} are passed"
    yield from (f"was told that no consent of hers ends: {key}" for key in told)


def _deliveries(rows: Rows) -> Iterator[str]:
    """Every event is to be told to its client, in its place; nothing else is told, but of a stream itself."""
    names = ("client_id", "event_id", "number", "occurred_at")
    events = {tuple(row[name] for name in names): row for row in rows["events"]}
    told = {tuple(row[name] for name in names): row for row in rows["deliveries"] if row["kind"] != "verification"}
    yield from (f"nobody is told of the event {key}" for key in events.keys() - told.keys())
    yield from (f"a client is told of no event: {key}" for key in told.keys() - events.keys())
    for key in events.keys() & told.keys():
        event, delivery = events[key], told[key]
        same = {"grant_id": event["grant_id"], "receipt_id": event["receipt_id"]}
        if (event["type"], queue_of(event["account"], event["client_id"])) != (delivery["kind"], delivery["queue"]):
            yield f"the delivery of the event {key} is of another type or account"
        if not same.items() <= delivery["told"].items():
            yield f"the delivery of the event {key} tells of {delivery['told']}"
    causes = {(row["txn"], row["client_id"]) for row in rows["deliveries"]}
    yield from (f"two clients are told of one cause: {txn}" for txn, count in Counter(txn for txn, _ in causes).items()
                if count > 1)  # fmt: skip
    places = Counter((row["account"], row["client_id"], row["number"]) for row in rows["events"])
    yield from (f"two events have the place {number} of one account" for (_, _, number), count in places.items()
                if count > 1)  # fmt: skip


def _routes(rows: Rows, opened: _Opened) -> Iterator[str]:
    """Every name leads to a row, and every row that has a name is found by it."""
    consents = {row["grant_id"]: row for row in rows["consents"]}
    grants, receipts, links = set(), set(), set()
    for grant, row in consents.items():
        grants.add((name_digest(GRANT, grant), row["account"], grant))
        given = opened.receipts.get(row["receipt_id"])
        link = payload_of(given.jwt)["record"]["withdrawal"]["uri"] if given else ""  # type: ignore[call-overload,index]
        links.add((name_digest(CAPABILITY, link.rpartition("/")[2]), row["account"], grant))
    for row in rows["receipts"]:
        target = row["grant_id"] if row["grant_id"] in consents else ""
        receipts.add((name_digest(RECEIPT, row["receipt_id"]), row["account"], target))
    expected = {
        GRANT: grants,
        RECEIPT: receipts,
        CAPABILITY: links,
        CODE: {(row["code"], row["account"], row["grant_id"]) for row in rows["codes"]},
        SESSION: {(row["session"], row["account"], "") for row in rows["person_sessions"]},
        ASSOCIATION: association_routes(rows),
    }
    for kind, names in expected.items():
        found = {(row["name"], row["account"], row["target"]) for row in rows["routes"] if row["kind"] == kind}
        yield from (f"no route of kind {kind} leads to {entry}" for entry in names - found)
        yield from (f"a route of kind {kind} leads nowhere: {entry}" for entry in found - names)


def _decisions(rows: Rows) -> Iterator[str]:
    """A permit names a consent that covered the pair and the purpose at that moment."""
    consents = {row["grant_id"]: row for row in rows["consents"]}
    for row in rows["decisions"]:
        if not row["permitted"]:
            if row["basis"] or row["grant_id"] or row["association_id"] or not row["reason"]:
                yield f"the denial {row['decision_id']} names a basis or gives no reason"
            continue
        if row["basis"] in ("user_provided", "public") and row["act"] != "contact" and not row["grant_id"]:
            continue  # rests on an association: looked at with the terms
        consent = consents.get(row["grant_id"])
        if consent is None or not _same(row, consent, "account", "client_id", "identifier"):
            yield f"the permit {row['decision_id']} rests on no consent of the pair"
            continue
        ends = min(consent["valid_until"], consent["ended_at"] or consent["valid_until"])
        if row["purpose"] not in consent["purposes"] or not consent["given_at"] <= row["decided_at"] <= ends:
            yield f"the permit {row['decision_id']} is not covered by the consent {row['grant_id']}"


def _refusals(rows: Rows) -> Iterator[str]:
    refused = {(row["account"], row["receipt_id"]) for row in rows["receipts"] if row["status"] == "refused"}
    identifiers = {row["identifier"] for row in (*rows["consents"], *rows["decisions"])}
    for row in rows["refusals"]:
        if (row["account"], row["receipt_id"]) not in refused:
            yield f"the refusal {row['receipt_id']} has no receipt"
        if row["pair"] in identifiers:
            yield f"the refusal {row['receipt_id']} keeps the identifier's digest"


def _handles(rows: Rows) -> Iterator[str]:
    people = {row["account"] for row in rows["people"]}
    held = Counter(row["account"] for row in rows["handles"] if row["standing"] == "held")
    yield from (f"an account holds {count} handles" for count in held.values() if count > 1)
    yield from ("a handle is of nobody" for row in rows["handles"] if row["account"] not in people)


def _same(one: dict[str, Any], other: dict[str, Any], *names: str) -> bool:
    return all(one[name] == other[name] for name in names)

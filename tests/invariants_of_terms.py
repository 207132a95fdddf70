"""What holds of the rows of the terms after every step: grounds, objections, standings, use cases, ceilings."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from raw_rows import Rows, pairwise_in

from broker.actions.broker import Broker
from broker.core.blinding import name_digest
from broker.core.client import claims_of
from broker.core.evidence import ORIGINS
from broker.core.identifiers import Identifier, PlatformAccount
from broker.core.names import fold_name
from broker.proof.verify import Verdict, verify_evidence
from broker.store.clients import registration_of
from broker.store.grounds import find_statement
from broker.store.people import sealer_of
from broker.store.routes import ASSOCIATION
from broker.store.sealing import SealBroken
from broker.store.transaction import Transaction

Row = dict[str, Any]
_VERDICTS: dict[tuple[str, str], Verdict] = {}
_MINUTE, _DAY, _MONTH = timedelta(minutes=1), timedelta(days=1), timedelta(days=30)


class Statements:
    """Every provenance statement that the broker can open: what it says, checked against the broker's own keys."""

    def __init__(self, tx: Transaction, broker: Broker, rows: Rows) -> None:
        self.texts: dict[str, str] = {}
        self.said: dict[str, Row] = {}
        self.disclosed: dict[str, Row] = {}
        self.personal: set[str] = set()
        self.unreadable: list[str] = []
        people = {row["account"] for row in rows["people"]}
        for row in rows["statements"]:
            try:
                assert row["account"] in people
                self._open(tx, broker, row)
            except (SealBroken, AssertionError):
                self.unreadable.append(f"the statement {row['statement_id']} does not open")

    def _open(self, tx: Transaction, broker: Broker, row: Row) -> None:
        account, name = row["account"], row["statement_id"]
        person = sealer_of(tx, broker.sealer, account)
        text = find_statement(tx, account, name, store=broker.sealer, person=person)
        assert text is not None
        verdict = _verified(text, broker)
        self.texts[name] = text
        if not verdict.anchored:
            self.unreadable.append(f"the statement {name} fails {verdict.steps[-1]}")
            return
        self.said[name], self.disclosed[name] = dict(verdict.payload), dict(verdict.disclosed)
        self.personal |= set(_personal(self.disclosed[name]))


def _verified(text: str, broker: Broker) -> Verdict:
    known = broker.keys.receipts.kid, text
    if known not in _VERDICTS:
        _VERDICTS[known] = verify_evidence(text, jwks=broker.keys.jwks())
    return _VERDICTS[known]


def _personal(disclosed: Row) -> Iterator[str]:
    """What a statement tells of the person: names on both sides, and the addresses that the tag cites."""
    yield from (disclosed["account"][name] for name in ("id", "handle") if name in disclosed["account"])
    yield disclosed["identifier"]["value"]
    evidence = disclosed["evidence"]
    yield from (evidence[part]["url"] for part in ("source", "disclosure") if (evidence.get(part) or {}).get("url"))


def faults_of_terms(rows: Rows, statements: Statements, broker: Broker) -> Iterator[str]:
    """Name every fault of the rows that the terms need beyond consent."""
    yield from statements.unreadable
    yield from _statements(rows, statements, broker)
    yield from _grounds(rows, statements, broker)
    yield from _permits(rows, statements, broker)
    yield from _taints_and_objections(rows)
    yield from _standings(rows)
    yield from _use_cases(rows)
    yield from _redistributions(rows, broker)
    yield from _contacts(rows, broker)
    yield from _counted(rows, broker)


def association_routes(rows: Rows) -> set[tuple[bytes, bytes, str]]:
    """The names under which grounds are found."""
    return {
        (name_digest(ASSOCIATION, row["association_id"]), row["account"], row["association_id"])
        for row in rows["grounds"]
    }


def _statements(rows: Rows, statements: Statements, broker: Broker) -> Iterator[str]:
    for row in rows["statements"]:
        said = statements.said.get(row["statement_id"])
        told = said and (said["jti"], said["aud"], said["sub"], said["iat"])
        pairwise = pairwise_in(rows, broker, row)
        if told != (row["statement_id"], row["client_id"], pairwise, int(row["issued_at"].timestamp())):
            yield f"the statement {row['statement_id']} says {told}, its row something else"
    signed = Counter(hashlib.sha256(text.partition("~")[0].encode()).digest() for text in statements.texts.values())
    named = Counter(row["leaf"] for row in rows["statements"])
    leaves = Counter(row["leaf"] for row in rows["leaves"] if row["kind"] == "statement")
    if not signed == named == leaves:
        yield f"{len(signed)} statements, and not exactly their leaves: {len(named)} named, {len(leaves)} pending"


def _grounds(rows: Rows, statements: Statements, broker: Broker) -> Iterator[str]:
    environment = {row["client_id"]: row["registration"]["environment"] for row in rows["clients"]}
    bearers = {row["handle"]: row["account"] for row in rows["handles"]}
    shared = Counter(row["statement_id"] for row in rows["grounds"])
    tags = Counter((row["account"], row["client_id"], row["identifier"], row["tag"]) for row in rows["grounds"])
    yield from ("one tag of one pair was kept twice" for count in tags.values() if count > 1)
    yield from (f"two grounds rest on the statement {name}" for name, count in shared.items() if count > 1)
    for row in rows["grounds"]:
        said, name = statements.said.get(row["statement_id"]), row["association_id"]
        if said is None or row["client_id"] not in environment:
            yield f"the ground {name} has no statement, or no client"
            continue
        if not _says(said, statements.disclosed[row["statement_id"]], row):
            yield f"the ground {name} is not what its statement says"
        disclosed = statements.disclosed[row["statement_id"]]
        if row["identifier"] != _identifier(disclosed, row["client_id"], broker):
            yield f"the ground {name} is of another identifier than its statement"
        if row["account"] not in _accounts(disclosed, environment[row["client_id"]], bearers, broker):
            yield f"the ground {name} is of another account than its statement"


def _says(said: Row, disclosed: Row, row: Row) -> bool:
    stated, source = said["statement"], disclosed["evidence"].get("source") or {}
    told = (
        said["aud"], stated["association_id"], stated["tag"], stated["expected_purposes"],
        source.get("kind") == "platform", disclosed["evidence"]["tag"], bool(stated["clauses"]),
    )  # fmt: skip
    return told == (
        row["client_id"], row["association_id"], row["basis"], row["expected_purposes"],
        row["from_platform"], row["basis"], True,
    )  # fmt: skip


def _identifier(disclosed: Row, client_id: str, broker: Broker) -> bytes:
    return broker.blinder.identifier(client_id, Identifier(**disclosed["identifier"]))


def _accounts(disclosed: Row, environment: str, bearers: dict[bytes, bytes], broker: Broker) -> set[bytes]:
    """The digests an account may go by that was named so: a handle's own, or its bearer's."""
    named = disclosed["account"]
    if "id" in named:
        account = PlatformAccount(platform=named["platform"], id=named["id"])
        return {broker.blinder.account(account, environment=environment)}
    handle = broker.blinder.handle(named["platform"], named["handle"], environment=environment)
    return {handle, bearers.get(handle, handle)}


def _permits(rows: Rows, statements: Statements, broker: Broker) -> Iterator[str]:
    """A permit without consent names an association that was stated before, and nobody had said no by then."""
    stated = {said["statement"]["association_id"]: (name, said) for name, said in statements.said.items()}
    issued = {row["statement_id"]: row for row in rows["statements"]}
    noes = list(_noes(rows))
    for row in rows["decisions"]:
        if not row["permitted"] or row["basis"] == "consent":
            continue
        name, said = stated.get(row["association_id"], ("", {}))
        statement = issued.get(name)
        if statement is None or said["statement"]["tag"] != row["basis"]:
            yield f"the permit {row['decision_id']} rests on no association that was stated"
            continue
        same = (statement["account"], statement["client_id"]) == (row["account"], row["client_id"])
        identifier = _identifier(statements.disclosed[name], row["client_id"], broker)
        if not same or identifier != row["identifier"] or statement["issued_at"] > row["decided_at"]:
            yield f"the permit {row['decision_id']} rests on an association of another pair"
        if row["act"] != "associate" and row["purpose"] not in said["statement"]["expected_purposes"]:
            yield f"the permit {row['decision_id']} is for a purpose that nobody expects"
        record = Identifier(**statements.disclosed[name]["identifier"]).folded()
        yield from _defied(row, record, noes, rows, broker)


def _noes(rows: Rows) -> Iterator[tuple[bytes, str, datetime]]:
    """Who said no, to whom, when: objections that stand, refusals, withdrawals."""
    yield from ((row["account"], row["client_id"], row["objected_at"]) for row in rows["objections"])
    yield from ((row["account"], row["client_id"], row["issued_at"]) for row in rows["receipts"]
                if row["status"] in ("refused", "withdrawn"))  # fmt: skip


def _defied(
    row: Row, record: str, noes: list[tuple[bytes, str, datetime]], rows: Rows, broker: Broker
) -> Iterator[str]:
    if row["act"] == "match":
        yield from (
            f"the permit {row['decision_id']} came after a no"
            for account, client_id, since in noes
            if account == row["account"] and client_id in ("*", row["client_id"]) and since < row["decided_at"]
        )
    pair = broker.blinder.tainted_pair(row["client_id"], row["account"], record)
    yield from (
        f"the permit {row['decision_id']} is of a pair from a refused origin"
        for taint in rows["tainted_pairs"]
        if taint["pair"] == pair and taint["offered_at"] < row["decided_at"]
    )


def _taints_and_objections(rows: Rows) -> Iterator[str]:
    known = {row[name] for table in ("consents", "decisions", "grounds") for row in rows[table]
             for name in ("identifier", "account")}  # fmt: skip
    for row in rows["tainted_pairs"]:
        if row["pair"] in {*known, row["account"]} or row["origin"] not in ORIGINS or not row["clause"]:
            yield f"a pair from a refused origin is kept as more than a digest, its origin {row['origin']}"
    people = {row["account"] for row in rows["people"]}
    clients = {"*"} | {row["client_id"] for row in rows["clients"]}
    for row in rows["objections"]:
        if row["account"] not in people or row["client_id"] not in clients:
            yield f"an objection to {row['client_id']} is of nobody, or to nobody"


def _standings(rows: Rows) -> Iterator[str]:
    history: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows["standings"], key=lambda row: row["number"]):
        history[row["client_id"]].append(row)
    clients = {row["client_id"]: row for row in rows["clients"]}
    yield from (f"the standings of {name} are of no client" for name in history.keys() - clients.keys())
    for name, client in clients.items():
        changes = history[name]
        if [row["number"] for row in changes] != list(range(1, len(changes) + 1)) or not changes:
            yield f"the standings of {name} are not numbered 1, 2, 3"
            continue
        last = changes[-1]
        shown = (client["standing_number"], client["standing"], client["standing_why"] or "registered")
        if (last["number"], last["standing"], last["why"]) != shown:
            yield f"the client {name} is {client['standing']}, its last standing {last['standing']}"
        if not all(row["who"] and row["why"] for row in changes):
            yield f"a standing of {name} was set by nobody, or for no reason"


def _use_cases(rows: Rows) -> Iterator[str]:
    registrations = {row["client_id"]: registration_of(row["registration"]) for row in rows["clients"]}
    expected = {
        (fold_name(registration.owner), registration.environment, claim, name)
        for name, registration in registrations.items()
        for claim in claims_of(registration)
    }
    found = {(row["owner"], row["environment"], row["claim"], row["client_id"]) for row in rows["use_cases"]}
    yield from (f"nobody took the use case {entry}" for entry in expected - found)
    yield from (f"the use case {entry} leads to no client that has it" for entry in found - expected)


def _redistributions(rows: Rows, broker: Broker) -> Iterator[str]:
    """What counts and rests on no permission stays under the ceilings in every window."""
    recipients = {row["recipient_id"] for row in rows["recipients"]}
    clients = {row["client_id"] for row in rows["clients"]}
    limits = broker.policies.governing("x").limits
    days: Counter[tuple[str, object]] = Counter()
    for row in rows["redistributions"]:
        if row["recipient_id"] not in recipients or row["client_id"] not in clients or row["count"] < 1:
            yield f"the redistribution {row['redistribution_id']} is to nobody, or of nobody"
        if row["objects"] in ("posts", "users"):
            if row["by"] == "api" or not row["counted"]:
                yield f"whole objects were handed over by {row['by']}, counted: {row['counted']}"
            days[row["recipient_id"], row["handed_at"].date()] += row["count"]
    yield from (f"{count} objects in a day" for count in days.values() if count > limits["hydrated-per-recipient-day"])
    ids = [row for row in rows["redistributions"] if row["objects"] == "post_ids" and row["counted"]]
    for last in (row for row in ids if row["permission"] is None):
        window = [row["count"] for row in ids if row["recipient_id"] == last["recipient_id"] and not row["permission"]
                  and last["handed_at"] - _MONTH < row["handed_at"] <= last["handed_at"]]  # fmt: skip
        if sum(window) > limits["ids-per-recipient-30-days"]:
            yield f"{sum(window)} ids in thirty days"


def _contacts(rows: Rows, broker: Broker) -> Iterator[str]:
    limits = broker.policies.governing("x").limits
    permits = {(row["decision_id"], row["client_id"], row["account"], row["decided_at"]) for row in rows["decisions"]
               if row["permitted"] and row["act"] == "contact"}  # fmt: skip
    for row in rows["contacts"]:
        if (row["check_id"], row["client_id"], row["account"], row["checked_at"]) not in permits:
            yield f"the message {row['check_id']} was not permitted"
        same = [other for other in rows["contacts"] if other["client_id"] == row["client_id"]]
        since = [other for other in same if other["checked_at"] <= row["checked_at"]]
        minute = [other for other in since if row["checked_at"] - other["checked_at"] < _MINUTE]
        reached = {other["account"] for other in since if row["checked_at"] - other["checked_at"] < _DAY}
        if len(minute) > limits["contacts-per-minute"] or len(reached) > limits["contact-accounts-per-day"]:
            yield f"{len(minute)} messages in a minute, {len(reached)} accounts in a day"


def _counted(rows: Rows, broker: Broker) -> Iterator[str]:
    known = {clause.id for policy in broker.policies.by_platform.values() for clause in policy.clauses}
    yield from (f"{row['number']} rulings by {row['clause']!r}" for row in rows["rulings"]
                if row["clause"] not in known or row["number"] < 1)  # fmt: skip
    yield from ("a key is kept without its answer" for row in rows["idempotency"] if not row["sealed_answer"])

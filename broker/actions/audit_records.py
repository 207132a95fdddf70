"""The audit of what rests on signed rows: consents, associations, events, refusals, grounds, decisions, texts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from broker.actions.audit_meaning import by
from broker.actions.broker import Broker
from broker.core.consent import ConsentStatus
from broker.core.notice import words_digest
from broker.store.auditing import LONGEST, Seen, Walk
from broker.store.auditing_evidence import rows_beside, sound_rows
from broker.store.auditing_trail import chained_by
from broker.store.sweeping import COUNTED

_GIVEN = ConsentStatus.GIVEN.value
_CONSENTS, _RECEIPTS, _ASSOCIATIONS = "consents", "receipts", "associations"
#: A link's four columns are its consent's.
_PAIR = ("account", "client_id", "identifier", "grant_id")


def check_records(audit: Walk, broker: Broker) -> None:
    """Hold everything that rests on evidence against it."""
    for chunk in sound_rows(audit, _CONSENTS):
        _check_consents(audit, chunk)
    for chunk in sound_rows(audit, _ASSOCIATIONS):
        _check_associations(audit, chunk)
    for name, column, evidence in _RESTING:
        for chunk in sound_rows(audit, name):
            _check_resting(audit, name, chunk, column, evidence)
    for chunk in sound_rows(audit, "decisions"):
        check_permits(audit, "decisions", chunk)
        _check_contacts(audit, chunk, since=broker.now() - COUNTED + LONGEST)
    _check_texts(audit)


#: Tables whose rows rest on signed ones of the same account, and by which column.
_RESTING = (
    ("events", "receipt_id", _RECEIPTS),
    ("refusals", "receipt_id", _RECEIPTS),
    ("grounds", "statement_id", "statements"),
)


def _accounts(chunk: Iterable[Seen]) -> set[bytes]:
    return {seen.values["account"] for seen in chunk}


def _check_consents(audit: Walk, chunk: list[Seen]) -> None:
    """Each consent has its receipt, the receipt of its end if it ended, and its association if it did not."""
    receipts = by(rows_beside(audit, _RECEIPTS, "account", _accounts(chunk)), "account", "grant_id", "status")
    linked = by(rows_beside(audit, _ASSOCIATIONS, "account", _accounts(chunk)), *_PAIR)
    for consent in chunk:
        row = consent.values
        for status in {_GIVEN, row["status"]}:
            if (row["account"], row["grant_id"], status) not in receipts:
                key = row["receipt_id"] if status == _GIVEN else f"of grant {row['grant_id']}, {status}"
                audit.name(_RECEIPTS, key, f"is missing: {_CONSENTS} {consent.key} has none")
        association = linked.get(tuple(row[name] for name in _PAIR))
        if row["status"] == _GIVEN and association is None:
            audit.name(_ASSOCIATIONS, consent.key, "is missing: its consent is given")
        elif row["status"] != _GIVEN and association is not None and association.sound:
            audit.name(_ASSOCIATIONS, association.key, f"its consent is {row['status']}")


def _check_associations(audit: Walk, chunk: list[Seen]) -> None:
    consents = by(rows_beside(audit, _CONSENTS, "account", _accounts(chunk)), *_PAIR)
    for seen in chunk:
        if tuple(seen.values[name] for name in _PAIR) not in consents:
            audit.name(_ASSOCIATIONS, seen.key, "there is no consent for it")


def _check_resting(audit: Walk, name: str, chunk: list[Seen], column: str, evidence: str) -> None:
    signed = by(rows_beside(audit, evidence, "account", _accounts(chunk)), "account", column)
    for seen in chunk:
        if (seen.values["account"], seen.values[column]) not in signed:
            audit.name(evidence, seen.values[column], f"is missing: {name} {seen.key} rests on it")


def check_permits(audit: Walk, name: str, chunk: list[Seen]) -> None:
    """A permit on consent is of that very pair and purpose, within the consent's time; *name* is where it stands."""
    permits = [seen for seen in chunk if seen.values["permitted"] and seen.values["grant_id"] is not None]
    consents = by(rows_beside(audit, _CONSENTS, "account", _accounts(permits)), *_PAIR)
    for permit in permits:
        consent = consents.get(tuple(permit.values[name] for name in _PAIR))
        if consent is None:
            audit.name(name, permit.key, f"there is no consent {permit.values['grant_id']} of its pair")
        elif consent.sound and not _is_in_time(audit, consent, permit):
            audit.name(name, permit.key, f"the consent {permit.values['grant_id']} does not cover it")


def _covers(consent: Mapping[str, Any], permit: Mapping[str, Any]) -> bool:
    ends: datetime = min(consent["valid_until"], consent["ended_at"] or consent["valid_until"])
    return permit["purpose"] in consent["purposes"] and consent["given_at"] <= permit["decided_at"] <= ends


def _is_in_time(audit: Walk, consent: Seen, permit: Seen) -> bool:
    """Whether a consent covered it then. One that ended just before may have: its end took effect with its commit.

    When that was, nobody wrote down; it was before the batch that chains the end was made.
    """
    row, decided_at = consent.values, permit.values["decided_at"]
    if row["ended_at"] is None or not _covers({**row, "ended_at": None}, permit.values):
        return _covers(row, permit.values)
    if _covers(row, permit.values):
        return True
    chained_at = chained_by(audit, _CONSENTS, row)
    return chained_at is None or bool(decided_at <= chained_at)


def _check_contacts(audit: Walk, chunk: list[Seen], *, since: datetime) -> None:
    """A message that was let go a moment ago is in the ledger, as long as a ceiling counts it."""
    sent: dict[str, dict[str, Seen]] = defaultdict(dict)
    for seen in chunk:
        row = seen.values
        if row["act"] == "contact" and row["permitted"] and row["decided_at"] > since:
            sent[row["client_id"]][row["decision_id"]] = seen
    for client_id, checks in sent.items():
        counted = by(rows_beside(audit, "contacts", "check_id", checks, client_id=client_id), "check_id")
        for check in checks.keys() - {key for (key,) in counted}:
            wrong = f"is missing: decisions {checks[check].key} let the message go"
            audit.name("contacts", f"{client_id}/{check}", wrong)


def _check_texts(audit: Walk) -> None:
    """What is kept by the digest of its text has that digest."""
    for name, column, text in _texts(audit):
        if column != text:
            audit.name(*name, "its text is not that of its digest")


def _texts(audit: Walk) -> Iterator[tuple[tuple[str, str], str, str]]:
    for chunk in sound_rows(audit, "notices"):
        yield from (
            (("notices", found.key), found.values["sha256"], words_digest(found.values["text"])) for found in chunk
        )
    for chunk in sound_rows(audit, "policy_texts"):
        for found in chunk:
            digest = f"sha256:{hashlib.sha256(found.values['text'].encode()).hexdigest()}"
            yield ("policy_texts", found.key), found.values["digest"], digest

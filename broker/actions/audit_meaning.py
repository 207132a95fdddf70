"""The audit of meaning: what receipts and statements say is what consents, routes, events, lists and grounds say.

Here is found out who can write a row with its MAC and its trail: the broker itself in error, or somebody with its keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.actions.audit_evidence import RECEIPTS, STATEMENTS, Claims, check_signed_rows, differing
from broker.actions.broker import Broker
from broker.actions.follow_account import EVENT
from broker.actions.issue_receipt import EVENTS
from broker.actions.withdraw_consent import BY_RENEWAL
from broker.core.blinding import name_digest
from broker.core.consent import ConsentStatus
from broker.core.delivery import EXPIRES_SOON
from broker.core.identifiers import Identifier
from broker.proof.receipt import EVENT_TYPE, IDENTIFIER
from broker.proof.verify import Verdict
from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import OpenedRow, rows_beside
from broker.store.receipts import INVALID, SLEEPING, VALID
from broker.store.routes import ASSOCIATION, CAPABILITY, GRANT, RECEIPT

Opened = tuple[OpenedRow, Verdict]
_GIVEN, _REFUSED = ConsentStatus.GIVEN.value, ConsentStatus.REFUSED.value


def check_meaning(audit: Walk, broker: Broker) -> None:
    """Hold every signed row against what rests on it."""
    for chunk in check_signed_rows(audit, broker, RECEIPTS):
        # Of somebody who was erased, the signed part is all that is left.
        living = [opened for opened in chunk if opened[0].person is not None]
        consents = by(rows_beside(audit, "consents", "account", _accounts(living)), "account", "grant_id")
        _check_consents(audit, broker, living, consents)
        _check_status(audit, living, consents)
        check_routes(audit, (route for opened in living for route in _routes(*opened)))
        _check_events(audit, living)
    for chunk in check_signed_rows(audit, broker, STATEMENTS):
        _check_grounds(audit, [opened for opened in chunk if opened[0].person is not None])


def by(rows: Iterable[Seen], *columns: str) -> Mapping[tuple[Any, ...], Seen]:
    """Rows by what these columns hold."""
    return {tuple(seen.values.get(column) for column in columns): seen for seen in rows}


def _accounts(chunk: Iterable[Opened]) -> set[bytes]:
    return {opened.values["account"] for opened, _verdict in chunk}


def _check_consents(
    audit: Walk, broker: Broker, chunk: Iterable[Opened], consents: Mapping[tuple[Any, ...], Seen]
) -> None:
    for opened, verdict in chunk:
        receipt = opened.values
        if receipt["status"] == _REFUSED:
            continue
        consent = consents.get((receipt["account"], receipt["grant_id"]))
        if consent is None:
            audit.name("consents", f"grant {receipt['grant_id']}", f"is missing: receipts {opened.key} is of it")
        elif consent.sound:
            said = _said_when_given(broker, verdict) if receipt["status"] == _GIVEN else _said_at_the_end(verdict)
            other = differing(consent.values, said)
            if other:
                wrong = f"its receipt {receipt['receipt_id']} says another {', '.join(other)}"
                audit.name("consents", consent.key, wrong)


def _said_when_given(broker: Broker, verdict: Verdict) -> Claims:
    record: Any = verdict.payload["record"]
    identifier: Any = verdict.disclosed[IDENTIFIER]
    client_id = str(verdict.payload["aud"])
    return {
        "client_id": client_id,
        "receipt_id": verdict.payload["jti"],
        "purposes": [entry["purpose_id"] for entry in record["processing"]],
        "brand": record.get("brand"),
        "given_at": verdict.payload["iat"],
        "valid_until": _until(verdict),
        "kind": identifier["kind"],
        "type": identifier["type"],
        "identifier": broker.blinder.identifier(client_id, Identifier(**identifier)),
    }


def _until(verdict: Verdict) -> int:
    record: Any = verdict.payload["record"]
    return int(datetime.fromisoformat(record["event"]["valid_until"]).timestamp())


def _said_at_the_end(verdict: Verdict) -> Claims:
    record: Any = verdict.payload["record"]
    status = next(kind for kind in EVENT_TYPE if kind.dpv == record["event"]["state"])
    return {"status": status.value, "ended_at": verdict.payload["iat"], "ended_by": record["event"]["method"]}


def _check_status(audit: Walk, chunk: Iterable[Opened], consents: Mapping[tuple[Any, ...], Seen]) -> None:
    """An entry stands for a consent as long as that is given, and sleeps while its account is gone from the platform.

    That of a refusal or of an end never stands.
    """
    chunk = list(chunk)
    presences = rows_beside(audit, "presences", "account", _accounts(chunk))
    gone = {seen.values["account"] for seen in presences if seen.values.get("gone_at") is not None}
    lists: dict[int, dict[int, Opened]] = defaultdict(dict)
    for opened, verdict in chunk:
        lists[opened.values["status_list"]][opened.values["status_index"]] = opened, verdict
    for number, places in lists.items():
        stored = by(rows_beside(audit, "status_entries", "position", places, list_id=number), "position")
        for place, (opened, verdict) in places.items():
            entry, consent = stored.get((place,)), consents.get((opened.values["account"], opened.values["grant_id"]))
            if entry is None:
                audit.name("status_entries", f"{number}/{place}", f"is missing: receipts {opened.key} names it")
            elif entry.sound and (consent is None or consent.sound):
                other = differing(entry.values, _entry_of(opened, verdict, consent, gone))
                if other:
                    wrong = f"receipts {opened.key} and its consent say another {', '.join(other)}"
                    audit.name("status_entries", entry.key, wrong)


def _entry_of(opened: OpenedRow, verdict: Verdict, consent: Seen | None, gone: set[bytes]) -> Claims:
    if opened.values["status"] != _GIVEN:
        return {"value": INVALID, "client_id": None, "valid_until": None}
    stands = consent is not None and consent.values["status"] == _GIVEN
    return {
        "value": (SLEEPING if opened.values["account"] in gone else VALID) if stands else INVALID,
        "client_id": opened.values["client_id"],
        "valid_until": _until(verdict),
    }


@dataclass(frozen=True)
class Way:
    """A name that must lead to an account and a target, and what is reached by it."""

    kind: str
    name: str
    account: bytes
    target: str
    reached: str


def _routes(opened: OpenedRow, verdict: Verdict) -> Iterator[Way]:
    row, record = opened.values, verdict.payload["record"]
    assert isinstance(record, dict)  # noqa: S101 - the verdict holds
    target, reached = "" if row["status"] == _REFUSED else row["grant_id"], f"{RECEIPTS} {opened.key}"
    yield Way(RECEIPT, row["receipt_id"], row["account"], target, reached)
    if row["status"] == _GIVEN:
        link = record["withdrawal"]["uri"].rpartition("/")[2]
        yield Way(GRANT, row["grant_id"], row["account"], target, reached)
        yield Way(CAPABILITY, link, row["account"], target, reached)


def check_routes(audit: Walk, ways: Iterable[Way]) -> None:
    """Look whether names lead where they should."""
    kinds: dict[str, dict[bytes, Way]] = defaultdict(dict)
    for way in ways:
        kinds[way.kind][name_digest(way.kind, way.name)] = way
    for kind, named in kinds.items():
        stored = by(rows_beside(audit, "routes", "name", named, kind=kind), "name")
        for digest, way in named.items():
            route = stored.get((digest,))
            if route is None:
                audit.name("routes", f"{kind}/{digest.hex()}", f"is missing: it leads to {way.reached}")
            elif route.sound and (route.values["account"], route.values["target"]) != (way.account, way.target):
                audit.name("routes", route.key, f"it leads elsewhere than to {way.reached}")


def _check_events(audit: Walk, chunk: Iterable[Opened]) -> None:
    """What a client is told of has its event."""
    told = [(opened, verdict) for opened, verdict in chunk if _event_of(verdict)]
    beside = rows_beside(audit, "events", "account", _accounts(told))
    # Who was told ahead of the end, or that the account has changed, was told in the name of the receipt there was.
    caused = [event for event in beside if event.values.get("type") not in {EXPIRES_SOON, EVENT}]
    events = by(caused, "account", "receipt_id")
    for opened, verdict in told:
        receipt, event = opened.values, events.get((opened.values["account"], opened.values["receipt_id"]))
        said = {"type": _event_of(verdict), "occurred_at": verdict.payload["iat"]}
        same = {name: receipt[name] for name in ("client_id", "grant_id")}
        if event is None:
            audit.name("events", f"of receipt {receipt['receipt_id']}", f"is missing: receipts {opened.key} has none")
        elif event.sound and (other := differing(event.values, {**said, **same})):
            audit.name("events", event.key, f"its receipt {receipt['receipt_id']} says another {', '.join(other)}")


def _event_of(verdict: Verdict) -> str | None:
    record: Any = verdict.payload["record"]
    status = next(kind for kind in EVENT_TYPE if kind.dpv == record["event"]["state"])
    return None if record["event"]["method"] == BY_RENEWAL else EVENTS.get(status)


def _check_grounds(audit: Walk, chunk: list[Opened]) -> None:
    """A ground that is still there rests on what its statement says."""
    grounds = by(rows_beside(audit, "grounds", "account", _accounts(chunk)), "account", "statement_id")
    for opened, verdict in chunk:
        ground, stated = (
            grounds.get((opened.values["account"], opened.values["statement_id"])),
            verdict.payload["statement"],
        )
        assert isinstance(stated, dict)  # noqa: S101 - the verdict holds
        if ground is not None and ground.sound:
            said = {"association_id": stated["association_id"], "expected_purposes": stated["expected_purposes"]}
            other = differing(
                ground.values, {**said, "client_id": verdict.payload["aud"], "made_at": verdict.payload["iat"]}
            )
            if other:
                audit.name("grounds", ground.key, f"its statement {opened.key} says another {', '.join(other)}")
            way = Way(
                ASSOCIATION, stated["association_id"], opened.values["account"], stated["association_id"], ground.key
            )
            check_routes(audit, [way])

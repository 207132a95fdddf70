"""What each kind of signed evidence must say: receipt, provenance statement, certificate, receipt of an action."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.core.consent import ConsentStatus
from broker.core.evidence import TAGS
from broker.core.purposes import NARROWER_ID, PURPOSES
from broker.proof import action, erasure, receipt, statement
from broker.proof.action import is_signed
from broker.proof.erasure import OPERATOR, PERSON
from broker.proof.receipt import ACCOUNT, EVENT_TYPE, IDENTIFIER, WORDS
from broker.proof.sdjwt import Disclosure, payload_of
from broker.proof.statement import DATA_SOURCE, EVIDENCE

Claims = Mapping[str, object]
_STATES = {status.dpv: kind for status, kind in EVENT_TYPE.items()}
#: Answers given on a notice carry its words; the end of a consent names the notice it was given on.
_ANSWERS = {ConsentStatus.GIVEN.dpv, ConsentStatus.REFUSED.dpv}
_PARTIES = 2
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_POLICY = ("id", "version", "digest")


class StepFailed(Exception):
    """The check of one step did not hold; the message says what was found."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of evidence: its ``typ``, the names it bears, what may be disclosed, and the checks of its claims."""

    name: str
    typ: str
    names: tuple[str, ...] = ("iss", "jti", "sub", "aud", "vct")
    disclosed: frozenset[str]
    check: Callable[[Claims], str]
    check_disclosures: Callable[[Claims, Sequence[Disclosure]], None]


def _check_receipt(claims: Claims) -> str:
    record = _table(claims, "record")
    event = _table(record, "event")
    _check_event(event, issued=claims.get("iat"))
    _check_record(record)
    uri = _table(_table(claims, "status"), "status_list").get("uri")
    if not isinstance(uri, str) or not uri.startswith(f"{claims['iss']}/"):
        raise StepFailed("the status list is not the issuer's")
    return f"{event['state']} at {event['time']}, valid until {event['valid_until']}"


def _check_words(claims: Claims, disclosures: Sequence[Disclosure]) -> None:
    """The words that are shown are the notice's, and an answer's were signed."""
    signed, record = claims.get("_sd"), _table(claims, "record")
    shown = _table(record, "notice").get("sha256")
    assert isinstance(signed, list)  # noqa: S101 - looked at before
    if _table(record, "event").get("state") in _ANSWERS and shown not in signed:
        raise StepFailed("the notice's words are not among what was signed")
    if any(entry.name == WORDS and entry.digest != shown for entry in disclosures):
        raise StepFailed("the disclosed words are not the notice's")


def _check_statement(claims: Claims) -> str:
    stated, issued = _table(claims, "statement"), claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int):
        raise StepFailed("iat is missing")
    _check_texts(stated, "statement", ("association_id", "platform"))
    _check_texts(_table(stated, "policy"), "statement.policy", _POLICY)
    for party in ("stated_by", "accepted_by"):
        _check_texts(_table(stated, party), f"statement.{party}", ("id", "name"))
    tag = stated.get("tag")
    if tag not in TAGS or stated.get("data_source") != DATA_SOURCE[str(tag)]:
        raise StepFailed("statement.tag must be user_provided or public, and its data_source that tag's")
    for member in ("expected_purposes", "clauses"):
        words = stated.get(member)
        if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
            raise StepFailed(f"statement.{member} must be a list of words")
    return f"{tag}, stated by {_table(stated, 'stated_by')['name']}"


def _check_evidence(claims: Claims, disclosures: Sequence[Disclosure]) -> None:
    """The evidence that is shown is of the tag that was signed."""
    tag = _table(claims, "statement")["tag"]
    for entry in disclosures:
        if entry.name == EVIDENCE and not (isinstance(entry.value, dict) and entry.value.get("tag") == tag):
            raise StepFailed("the disclosed evidence is of another tag")


def _check_erasure(claims: Claims) -> str:
    said, issued = _table(claims, "erasure"), claims.get("iat")
    time = _moment(said.get("time"), "erasure.time")
    if isinstance(issued, bool) or not isinstance(issued, int) or issued != int(time.timestamp()):
        raise StepFailed("iat is not the time of the erasure")
    _check_texts(said, "erasure", ("erasure_id",))
    _check_texts(_table(said, "erased_by"), "erasure.erased_by", ("id", "name"))
    if said.get("operation") != "dpv:Erase" or said.get("by") not in (PERSON, OPERATOR):
        raise StepFailed("erasure.operation must be dpv:Erase, and erasure.by person or operator")
    trail = _table(said, "trail")
    counts = {"trail.entries": trail.get("entries"), "withdrawn": said.get("withdrawn")}
    for table in ("destroyed", "kept"):
        counts |= {f"{table}.{name}": count for name, count in _table(said, table).items()}
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise StepFailed(f"erasure.{name} must be a number")
    _check_texts(trail, "erasure.trail", ("sha256",))
    return f"everything kept of one account was destroyed at {said['time']}, by the {said['by']}"


def _check_action(claims: Claims) -> str:
    """What the receipt says was stated is what was stated, by the key that it names."""
    said, issued = _table(claims, "action"), claims.get("iat")
    _check_texts(said, "action", ("event", "event_type", "action", "statement"))
    for name in ("event_time", "done_at"):
        _moment(said.get(name), f"action.{name}")
    received = _moment(said.get("received_at"), "action.received_at")
    if isinstance(issued, bool) or not isinstance(issued, int) or issued != int(received.timestamp()):
        raise StepFailed("iat is not the time at which the statement was received")
    for party in ("stated_by", "received_by"):
        _check_texts(_table(said, party), f"action.{party}", ("id", "name"))
    text = str(said["statement"])
    stated = payload_of(text)
    if any(stated.get(name) != said[name] for name in ("event", "action")):
        raise StepFailed("action.statement states something else")
    if not is_signed(text, _table(said, "key")):
        raise StepFailed("action.statement is not signed by action.key")
    return f"{_table(said, 'stated_by')['name']} stated at {said['received_at']}: {said['action']}"


def _check_nothing(_claims: Claims, _disclosures: Sequence[Disclosure]) -> None:
    """A certificate's one disclosure is the account, which nothing else in it could contradict; an action has none."""


def _check_texts(table: Claims, where: str, names: Sequence[str]) -> None:
    for name in names:
        if not isinstance(table.get(name), str):
            raise StepFailed(f"{where}.{name} is missing")


def _check_event(event: Mapping[str, object], *, issued: object) -> None:
    """The event's state, type and times, and that they say the same."""
    state, kind = event.get("state"), event.get("type")
    if not isinstance(state, str) or state not in _STATES:
        raise StepFailed("record.event.state must be a status of consent")
    if kind != _STATES[state]:
        raise StepFailed("record.event.type is not that of its state")
    for member in ("by", "method", "txn"):
        if not isinstance(event.get(member), str):
            raise StepFailed(f"record.event.{member} is missing")
    times = {name: _moment(event.get(name), f"record.event.{name}") for name in ("time", "valid_until")}
    if isinstance(issued, bool) or not isinstance(issued, int) or issued != int(times["time"].timestamp()):
        raise StepFailed("iat is not the time of the event")


def _check_record(record: Mapping[str, object]) -> None:
    """What a consent record must say: notice, parties, policy, withdrawal, and each purpose by its own name."""
    members = {
        "notice": ("id", "version", "language", "sha256", "text_sha256"),
        "policy": _POLICY,
        "withdrawal": ("uri", "control"),
    }
    for table, names in members.items():
        _check_texts(_table(record, table), f"record.{table}", names)
    if not isinstance(record.get("record_id"), str) or not isinstance(record.get("platform"), str):
        raise StepFailed("record.record_id and record.platform must be there")
    parties, processing = record.get("parties"), record.get("processing")
    if not isinstance(parties, list) or len(parties) != _PARTIES or not all(isinstance(one, dict) for one in parties):
        raise StepFailed("record.parties must name the business and the broker")
    if not isinstance(processing, list) or not processing:
        raise StepFailed("record.processing must be a list of purposes")
    for entry in processing:
        if not isinstance(entry, dict) or not _is_purpose(entry):
            raise StepFailed("a purpose is not one of the vocabulary, nor one under it")


def _is_purpose(entry: Mapping[str, object]) -> bool:
    """Whether a purpose bears its own concept, or a client's own one that of the purpose it stands under."""
    own, broader = str(entry.get("purpose_id")), entry.get("broader")
    purpose = PURPOSES.get(own if broader is None else str(broader))
    if purpose is None or entry.get("purpose") != purpose.concept:
        return False
    return broader is None or (own not in PURPOSES and NARROWER_ID.fullmatch(own) is not None)


def _moment(value: object, name: str) -> datetime:
    """A time to the second, with its zone (RFC 3339); of the other writings of ISO 8601 each reader takes others."""
    try:
        return datetime.fromisoformat(value if isinstance(value, str) and _TIME.fullmatch(value) else "")
    except ValueError as error:
        raise StepFailed(f"{name} is not a time with its zone, to the second") from error


def _table(claims: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = claims.get(name)
    if not isinstance(value, dict):
        raise StepFailed(f"{name} is missing")
    return value


RECEIPT = Kind(
    name="receipt",
    typ=receipt.TYP,
    disclosed=frozenset({ACCOUNT, IDENTIFIER, WORDS}),
    check=_check_receipt,
    check_disclosures=_check_words,
)
STATEMENT = Kind(
    name="statement",
    typ=statement.TYP,
    disclosed=frozenset({ACCOUNT, IDENTIFIER, EVIDENCE}),
    check=_check_statement,
    check_disclosures=_check_evidence,
)
ERASURE = Kind(
    name="certificate of an erasure",
    typ=erasure.TYP,
    names=("iss", "jti", "vct"),
    disclosed=frozenset({ACCOUNT}),
    check=_check_erasure,
    check_disclosures=_check_nothing,
)
ACTION = Kind(
    name="receipt of an action",
    typ=action.TYP,
    names=("iss", "jti", "aud", "vct"),
    disclosed=frozenset(),
    check=_check_action,
    check_disclosures=_check_nothing,
)
#: Every kind there is.
KINDS = (RECEIPT, STATEMENT, ERASURE, ACTION)

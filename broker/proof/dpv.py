"""What a receipt says, as JSON-LD in the terms of the W3C Data Privacy Vocabulary (DPV 2.3).

The structure is that of the guide "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" (final report
of 2026-02-15), whose sections are named below. Nobody can check it: it says what the signed receipt says, without the
values of account and record, and without the words that were read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from broker.core.consent import ConsentStatus
from broker.errors import MalformedRequest
from broker.proof.receipt import timestamp

MEDIA_TYPE = "application/ld+json"
VERSION = "2.3"
PREFIXES = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
#: The profile of what the guide asks of every record. What GDPR asks besides, the notice says to the person.
_RECORD = "https://w3id.org/dpv/schema/dpv-27560#record"
_EXPLICIT = "dpv:ExplicitlyExpressedConsent"
#: Members whose values are names, of the vocabulary or of anybody's; all others are text.
_NAMES = (
    *("dct:conformsTo", "dct:publisher", "dct:replaces", "skos:broader", "dpv:isExercisedAt", "schema:url"),
    *("dpv:hasPurpose", "dpv:hasPersonalData", "dpv:hasNecessity", "dpv:hasProcessing", "dpv:hasDataSource"),
    *("dpv:hasLocation", "dpv:hasDataController", "dpv:hasDataProcessor", "dpv:hasRecipient", "dpv:hasLegalBasis"),
    *("dpv:hasJurisdiction", "dpv:isIndicatedBy"),
)
_TIMES = ("dct:created", "dpv:isIndicatedAtTime")
_TERM = re.compile(r"(?:dpv|pd|loc|eu-gdpr):[A-Za-z0-9-]+")
_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
#: The right that the receipt's own link exercises; the others are the person's page's.
_WITHDRAWAL = "eu-gdpr:A7-3"
Node = dict[str, object]


def in_dpv(claims: Mapping[str, object]) -> str:
    """The JSON-LD document of a consent receipt's payload, or :class:`MalformedRequest`."""
    return json.dumps(dpv_of(claims), ensure_ascii=False, indent=1) + "\n"


def dpv_of(claims: Mapping[str, object]) -> Node:
    """The same as a value: a ``dpv:ConsentReceipt`` around its ``dpv:ConsentRecord`` (sections 9.1 and 9.2)."""
    if "record" not in claims:
        raise MalformedRequest("only a consent receipt can be told in the terms of the Data Privacy Vocabulary")
    issuer, receipt_id, record = _text(claims, "iss"), _text(claims, "jti"), _table(claims, "record")
    issued = claims.get("iat")
    if not isinstance(issued, int):
        raise MalformedRequest("iat is missing")
    replaces = record.get("replaces")
    return {
        "@context": _context(),
        "@id": _name(f"{issuer}/v1/receipts/{receipt_id}"),
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": _name(_text(claims, "schema_version")),
        "dct:identifier": receipt_id,
        "dpv:hasIdentifier": receipt_id,
        "dct:created": timestamp(datetime.fromtimestamp(issued, UTC)),
        "dct:publisher": _name(issuer),
        **({"dct:replaces": _name(f"{issuer}/v1/receipts/{replaces}")} if isinstance(replaces, str) else {}),
        "dpv:hasRecordOfActivity": _record(record, issuer=issuer, subject=_text(claims, "sub")),
    }


def _context() -> Node:
    names, times = {name: {"@type": "@id"} for name in _NAMES}, {name: {"@type": "xsd:dateTime"} for name in _TIMES}
    return {**PREFIXES, **names, **times}


def _record(record: Mapping[str, object], *, issuer: str, subject: str) -> Node:
    """The record (section 8): what all its processes share stands with it, as in the guide's whole examples."""
    record_id, notice, event = _text(record, "record_id"), _table(record, "notice"), _table(record, "event")
    control, processing = _table(record, "withdrawal"), _tables(record, "processing")
    parties = _tables(record, "parties")
    if len(parties) != 2:  # noqa: PLR2004 - the business and the broker
        raise MalformedRequest("parties must name the business and the broker")
    controller, processor = (_name(_text(party, "id")) for party in parties)
    person, language = _name(f"{issuer}/v1/grants/{record_id}#data-subject"), _text(notice, "language")
    places = {place for entry in processing for place in _texts(entry, "jurisdictions")}
    named = {"dpv:DataSubject": person, "dpv:DataController": controller, "dpv:DataProcessor": processor}
    return {
        "@id": _name(f"{issuer}/v1/grants/{record_id}"),
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": _RECORD,
        "dct:identifier": record_id,
        "dpv:hasIdentifier": record_id,
        "dpv:hasDataSubject": {"@id": person, "@type": "dpv:DataSubject", "dpv:hasIdentifier": subject},
        "dpv:hasNotice": _notice(notice),
        "dct:language": language,
        "dpv:hasDataController": controller,
        "dpv:hasDataProcessor": processor,
        # The kind of consent that was asked for (8.5.1); what became of it is its status.
        "dpv:hasLegalBasis": _EXPLICIT,
        "dpv:hasJurisdiction": [_place(place) for place in sorted(places)],
        "dpv:hasProcess": [_process(entry, language) for entry in processing],
        "dpv:hasConsentControl": {
            "@type": _term(_text(control, "control")),
            "dpv:isExercisedAt": _name(_text(control, "uri")),
        },
        "dpv:hasRight": [
            _right(right, _text(control, "uri"), page=f"{issuer}/consents") for right in _texts(record, "rights")
        ],
        "dpv:hasEntity": [_entity(party) for party in parties],
        "dpv:hasConsentStatus": _status(event, named),
    }


def _notice(notice: Mapping[str, object]) -> Node:
    """Section 8.2: which notice, in which language."""
    notice_id = _text(notice, "id")
    return {
        **({"@id": notice_id} if _ADDRESS.fullmatch(notice_id) else {}),
        "@type": "dpv:ConsentNotice",
        "dpv:hasIdentifier": notice_id,
        "schema:version": _text(notice, "version"),
        "dct:language": _text(notice, "language"),
    }


def _process(entry: Mapping[str, object], language: str) -> Node:
    """Section 8.3: one purpose, with everything that the person was told of it."""
    basis = {"dpv:hasLegalBasis": _term(_text(entry, "lawful_basis"))} if "lawful_basis" in entry else {}
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": "dpv:Purpose",
            "skos:broader": _term(_text(entry, "purpose")),
            "dct:identifier": _text(entry, "purpose_id"),
            "dct:description": {"@value": _text(entry, "purpose_text"), "@language": language},
        },
        "dpv:hasPersonalData": [
            {"@type": "dpv:PersonalData", "skos:broader": _term(data)} for data in _texts(entry, "personal_data")
        ],
        "dpv:hasNecessity": _term(_text(entry, "necessity")),
        "dpv:hasProcessing": [_term(operation) for operation in _texts(entry, "operation")],
        "dpv:hasDataSource": _term(_text(entry, "data_source")),
        "dpv:hasStorageCondition": _storage(entry),
        "dpv:hasRecipient": [_name(recipient) for recipient in _texts(entry, "recipients")],
        **basis,
    }


def _storage(entry: Mapping[str, object]) -> list[Node]:
    """Section 8.3.4.2: where, and until when. Of what was refused nothing is stored, for no time at all."""
    storage = entry.get("storage")
    if not isinstance(storage, dict):
        places, duration = _texts(entry, "jurisdictions"), _lasting("dpv:TemporalDuration", "P0D", "xsd:duration")
    else:
        places = _texts(storage, "locations")
        duration = _lasting("dpv:UntilTimeDuration", _text(storage, "retention"), "xsd:dateTime")
    return [
        {"@type": "dpv:StorageLocation", "dpv:hasLocation": [_place(place) for place in places]},
        {"@type": "dpv:StorageDuration", "dpv:hasDuration": duration},
    ]


def _right(right: str, link: str, *, page: str) -> Node:
    """Section 8.3.10: a right, and where the person exercises it."""
    where = _name(link if right == _WITHDRAWAL else page)
    return {"@type": ["dpv:DataSubjectRight", _term(right)], "dpv:isExercisedAt": where}


def _entity(party: Mapping[str, object]) -> Node:
    """Section 8.4: who they are, what part they have, and how to reach them."""
    address = party.get("address")
    postal = [{"@type": "schema:PostalAddress", "schema:streetAddress": address}] if isinstance(address, str) else []
    return {
        "@id": _name(_text(party, "id")),
        "@type": sorted({_term(_text(party, "role")), _term(_text(party, "type"))}),
        "dpv:hasIdentifier": _text(party, "id"),
        "dpv:hasName": _text(party, "name"),
        "schema:contactPoint": [_contact(_text(party, "contact")), *postal],
    }


def _contact(contact: str) -> Node:
    """Section 8.4.4: an address to open, to write to, or to call."""
    if _ADDRESS.fullmatch(contact):
        return {"@type": "schema:ContactPoint", "schema:url": contact}
    kind = "schema:email" if "@" in contact else "schema:telephone"
    return {"@type": "schema:ContactPoint", kind: contact.removeprefix("mailto:").removeprefix("tel:")}


def _status(event: Mapping[str, object], named: Mapping[str, str]) -> Node:
    """Section 8.5: what happened, when, by whom and how, and for how long it holds. An end has no end of its own."""
    state, by = _text(event, "state"), _text(event, "by")
    given = state == ConsentStatus.GIVEN.dpv
    until = _lasting("dpv:UntilTimeDuration", _text(event, "valid_until"), "xsd:dateTime")
    # A link is in the hands of whoever holds the receipt: nobody can say who used it.
    unknown = {"@type": "dpv:Entity", "dct:description": {"@value": "whoever held the receipt", "@language": "en"}}
    return {
        "@type": [_term(state), _EXPLICIT] if given else _term(state),
        "dpv:isIndicatedAtTime": _text(event, "time"),
        "dpv:isIndicatedBy": named.get(by, unknown),
        "dpv:hasIndicationMethod": _text(event, "method"),
        "dpv:hasDuration": until if given else {"@type": "dpv:EndlessDuration"},
    }


def _lasting(kind: str, value: str, datatype: str) -> Node:
    return {"@type": kind, "rdf:value": {"@value": value, "@type": datatype}}


def _term(text: str) -> str:
    """A term of the vocabulary, as receipts write it; what is none could become anything in JSON-LD."""
    if not _TERM.fullmatch(text):
        raise MalformedRequest(f"{text[:60]!r} is no term of the Data Privacy Vocabulary")
    return text


def _place(text: str) -> str | Node:
    """A location of the vocabulary; one that an operator wrote otherwise keeps its name."""
    return text if _TERM.fullmatch(text) else {"@type": "dpv:Location", "schema:name": text}


def _name(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise MalformedRequest(f"{text[:60]!r} is no address")
    return text


def _text(table: Mapping[str, object], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise MalformedRequest(f"{name} is missing")
    return value


def _texts(table: Mapping[str, object], name: str) -> list[str]:
    value = table.get(name)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise MalformedRequest(f"{name} must be a list of words")
    return value


def _table(table: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = table.get(name)
    if not isinstance(value, dict):
        raise MalformedRequest(f"{name} is missing")
    return value


def _tables(table: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = table.get(name)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise MalformedRequest(f"{name} must be a list of objects")
    return value

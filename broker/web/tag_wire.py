"""What is asked with a provenance tag beside it: a match, an association.

A tag that lacks something, or says something else than it should, is refused by the terms and not by these models;
only members that nobody knows are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.core.addresses import read_address
from broker.core.evidence import DIRECT, Disclosure, Provenance, Source
from broker.errors import MalformedRequest
from broker.web.wire import PairWire, Wire

_WORD, _MOST_PURPOSES = 64, 32
MOST_OF_AN_ADDRESS = 2048
#: A channel and a version are names, not sentences; a post's id is the platform's.
CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,31}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_+-]{0,31}")
POST_ID = re.compile(r"[A-Za-z0-9._:/@-]{1,128}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?")
#: Nobody has an account that is older than the first platform.
_FIRST_YEAR = 2003
_SHA256 = re.compile(r"[0-9a-fA-F]{64}|[A-Za-z0-9_-]{43}=?")


class SourceWire(Wire):
    """Where public data was found."""

    kind: Any = None
    url: Any = None
    retrieved_at: Any = None
    sha256: Any = None
    field: Any = None
    post_id: Any = None

    def to_core(self) -> Source:
        """The source; an address that is none is none."""
        return Source(
            kind=_word(self.kind) or "none",
            retrieved_at=_moment(self.retrieved_at),
            url=_web_address(self.url),
            cited=self.url[:MOST_OF_AN_ADDRESS] if isinstance(self.url, str) else None,
            sha256=_sha256(self.sha256),
            field=_word(self.field),
            post_id=_matching(POST_ID, self.post_id),
        )


class DisclosureWire(Wire):
    """What the person was told when they gave the information."""

    url: Any = None
    version: Any = None
    sha256: Any = None

    def to_core(self, *, loopback: bool) -> Disclosure | None:
        """The disclosure; None when it is not one. A business tried out with *loopback* has its paper there too."""
        url, digest = _web_address(self.url, loopback=loopback), _sha256(self.sha256)
        version = _matching(VERSION, self.version)
        return Disclosure(url=url, version=version, sha256=digest) if url and version and digest else None


class ProvenanceWire(Wire):
    """A client's statement of where it has a handle from."""

    tag: Any = None
    origin: Any = None
    collected_at: Any = None
    channel: Any = None
    relationship: Any = None
    expected_purposes: Any = None
    disclosure: DisclosureWire | None = None
    source: SourceWire | None = None

    def to_core(self, *, loopback: bool) -> Provenance:
        """What the terms look at. What cannot be read as what it should be makes the tag unsound."""
        read = {
            "collected_at": _moment(self.collected_at),
            "channel": _matching(CHANNEL, self.channel),
            "relationship": _word(self.relationship),
        }
        source = self.source.to_core() if self.source else None
        disclosure = self.disclosure.to_core(loopback=loopback) if self.disclosure else None
        return Provenance(
            tag=_word(self.tag) or "none",
            origin=DIRECT if self.origin is None else _word(self.origin) or "other",
            expected_purposes=_purposes(self.expected_purposes),
            disclosure=disclosure,
            source=source,
            sound=self._sound({**read, "disclosure": disclosure})
            and (self.source is None or _source_sound(self.source, source)),
            **read,  # type: ignore[arg-type] # by field name
        )

    def _sound(self, read: Mapping[str, object]) -> bool:
        return all(getattr(self, name) is None or value is not None for name, value in read.items())


def _source_sound(wire: SourceWire, source: Source | None) -> bool:
    """Whether every member that is there was read, and none is of the other kind of source."""
    other = ("url", "sha256") if source and source.kind == "platform" else ("field", "post_id")
    read = all(getattr(wire, name) is None or getattr(source, name) is not None for name in SourceWire.model_fields)
    return read and all(getattr(wire, name) is None for name in other)


class MatchWire(PairWire):
    """``POST /v1/match``."""

    purpose: Annotated[str, Field(max_length=512)]
    provenance: ProvenanceWire | None = None

    def to_core(self, broker: Broker) -> Question:
        """The question that is put to the terms."""
        tag = self.provenance.to_core(loopback=broker.loopback) if self.provenance else None
        return self.question(broker, purpose=self.purpose, provenance=tag)


class AssociationWire(PairWire):
    """``POST /v1/associations``."""

    provenance: ProvenanceWire

    def to_core(self, broker: Broker) -> Question:
        """The pair and its tag; no purpose is asked for yet."""
        return self.question(broker, purpose="", provenance=self.provenance.to_core(loopback=broker.loopback))


def _word(value: object) -> str | None:
    """A short text; None when it is none."""
    return value if isinstance(value, str) and 0 < len(value) <= _WORD else None


def _purposes(value: object) -> tuple[str, ...]:
    """The purposes of a tag; nothing at all when one of them is no word."""
    words = [_word(entry) for entry in value] if isinstance(value, list) and len(value) <= _MOST_PURPOSES else []
    return tuple(word for word in words if word is not None) if None not in words else ()


def _moment(value: object) -> datetime | None:
    """A day or a moment in ISO 8601; None when it is neither, or nobody was there."""
    text = _matching(_DATE, value)
    try:
        moment = datetime.fromisoformat(text or "")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= _FIRST_YEAR else None


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _web_address(value: object, *, loopback: bool = False) -> str | None:
    text = value if isinstance(value, str) and len(value) <= MOST_OF_AN_ADDRESS else ""
    try:
        return read_address(text, what="an address", loopback=loopback).text
    except MalformedRequest:
        return None


def _sha256(value: object) -> str | None:
    """A SHA-256 in hexadecimal or base64url; None when it is neither."""
    return value if isinstance(value, str) and _SHA256.fullmatch(value) else None

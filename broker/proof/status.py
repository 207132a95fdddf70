"""The Token Status List (draft-ietf-oauth-status-list, as a JWT): which consents stand, told to everybody alike.

Many receipts share one list, so that whoever fetches it does not say whose entry they are going to read.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum

from broker.core.consent import ConsentStatus
from broker.errors import MalformedRequest, RequestTooLarge
from broker.proof.claims import StepFailed
from broker.proof.keys import JwsSigner
from broker.proof.receipt import timestamp
from broker.proof.sdjwt import decode, encode, payload_of
from broker.proof.signatures import check_signature
from broker.proof.verify import Step, Verdict

TYP = "statuslist+jwt"
MEDIA_TYPE = f"application/{TYP}"
#: The number and the name of the step in a verdict.
NUMBER, NAME = 9, "status"
#: Two bits an entry: three values are told apart.
BITS = 2
_BYTE = 8
_WIDTHS = (1, 2, 4, 8)
#: The year 10000, which no calendar of Python's reaches.
_END_OF_TIME = 253_402_300_800
#: Packed bytes that are read at most; ours have 32,768. A small file could unpack to gigabytes.
_MOST = 2**21


class Status(IntEnum):
    """What an entry says (draft section 7.1)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


@dataclass(frozen=True, kw_only=True)
class StatusList:
    """One list as it was at one moment. Times are seconds since 1970; ``packed`` holds ``bits`` an entry."""

    uri: str
    issued_at: int
    expires_at: int | None
    ttl: int | None
    bits: int = BITS
    packed: bytes = field(repr=False)

    def value_of(self, index: int) -> int:
        """The value of one entry, or :class:`StepFailed` when the list has none of that index."""
        byte, place = divmod(index, _BYTE // self.bits)
        if index < 0 or byte >= len(self.packed):
            raise StepFailed(f"the status list has no entry {index}")
        return self.packed[byte] >> place * self.bits & (1 << self.bits) - 1


def pack(values: Mapping[int, int], *, size: int, bits: int = BITS) -> bytes:
    """Pack the entries of a list of *size*, from the lowest bit of each byte up (section 4.1); the others are 0."""
    packed = bytearray(size * bits // _BYTE)
    for index, value in values.items():
        byte, place = divmod(index, _BYTE // bits)
        packed[byte] |= value << place * bits
    return bytes(packed)


def sign_status_list(listed: StatusList, key: JwsSigner) -> str:
    """The status list token (section 5.1)."""
    payload = {
        "sub": listed.uri,
        "iat": listed.issued_at,
        "exp": listed.expires_at,
        "ttl": listed.ttl,
        "status_list": {"bits": listed.bits, "lst": encode(zlib.compress(listed.packed, level=9))},
    }
    return key.sign(json.dumps(payload, separators=(",", ":")).encode(), typ=TYP)


def parse_status_list(token: str) -> StatusList:
    """Read a token's claims without checking its signature, or raise :class:`StepFailed`."""
    claims = payload_of(token)
    uri, listed = claims.get("sub"), claims.get("status_list")
    if not isinstance(uri, str) or not isinstance(listed, dict):
        raise StepFailed("the status list's token must have sub and status_list")
    bits, lst = listed.get("bits"), listed.get("lst")
    if type(bits) is not int or bits not in _WIDTHS or not isinstance(lst, str):
        raise StepFailed("a status list is bits, of 1, 2, 4 or 8, and lst")
    times = {name: _seconds(claims.get(name), name) for name in ("iat", "exp", "ttl")}
    issued_at = times["iat"]
    if issued_at is None:
        raise StepFailed("the status list does not say as of when it is")
    return StatusList(
        uri=uri,
        issued_at=issued_at,
        expires_at=times["exp"],
        ttl=times["ttl"],
        bits=bits,
        packed=_unpacked(decode(lst)),
    )


def with_status(verdict: Verdict, token: str, *, jwks: Mapping[str, object] | None, now: datetime) -> Verdict:
    """A verdict on a receipt, taken on by one step: whether its consent stands by a status list token."""
    if not verdict.holds:
        return verdict
    ok, detail = check_status(token, verdict.payload, jwks=jwks, now=now)
    steps = (*verdict.steps, Step(NUMBER, NAME, ok=ok, detail=detail))
    return replace(verdict, steps=steps) if ok is not False else Verdict(steps, {}, {})


def check_status(
    token: str, evidence: Mapping[str, object], *, jwks: Mapping[str, object] | None, now: datetime
) -> tuple[bool | None, str]:
    """Say whether the consent of a receipt stands, by a status list token, and in what words.

    *evidence* is the payload of a receipt that was checked before. None: the list does not answer, for lack of keys,
    or because it is older than the receipt or has expired at *now*. An end does not expire: nobody takes it back.
    """
    try:
        entry = _entry(evidence)
        if entry is None:
            return None, "this evidence has no entry in a status list"
        if jwks is None:
            return None, "no keys were given"
        # A list lies in no log: nothing shows that it was signed before its key was lost.
        check_signature(token.strip(), typ=TYP, jwks=jwks, index=None)
        return _answer(parse_status_list(token.strip()), evidence, *entry, now=now)
    except (StepFailed, MalformedRequest, RequestTooLarge) as failure:
        return False, str(failure)


def _answer(
    listed: StatusList, evidence: Mapping[str, object], uri: str, index: int, *, now: datetime
) -> tuple[bool | None, str]:
    if listed.uri != uri:
        raise StepFailed(f"this is the status list {listed.uri}; the receipt's is {uri}")
    value, as_of = listed.value_of(index), timestamp(datetime.fromtimestamp(listed.issued_at, UTC))
    issued = evidence.get("iat")
    if not isinstance(issued, int) or listed.issued_at < issued:
        return None, f"the list is of {as_of}, older than the receipt: fetch a newer one"
    if _state(evidence) != ConsentStatus.GIVEN.dpv:
        # A refusal and an end permit nothing, and their entries say so from the first second.
        if value != Status.INVALID:
            raise StepFailed(f"the list of {as_of} does not say what the receipt says: that there is no consent")
        return True, f"the list of {as_of} agrees: there is no consent"
    if value == Status.INVALID:
        raise StepFailed(f"the consent does not stand any more: withdrawn, given up or expired, as of {as_of}")
    if listed.expires_at is not None and listed.expires_at <= now.timestamp():
        return None, f"the list is of {as_of} and has expired since: fetch a newer one"
    if value != Status.VALID:
        raise StepFailed(f"the consent is suspended as of {as_of}: the business may not use it for now")
    return True, f"the consent stands as of {as_of}"


def _entry(evidence: Mapping[str, object]) -> tuple[str, int] | None:
    """Where evidence has its entry; None for a kind that has none."""
    if "status" not in evidence:
        return None
    status = evidence["status"]
    listed = status.get("status_list") if isinstance(status, dict) else None
    uri, index = (listed.get("uri"), listed.get("idx")) if isinstance(listed, dict) else (None, None)
    if not isinstance(uri, str) or isinstance(index, bool) or not isinstance(index, int):
        raise StepFailed("the receipt does not name its entry in a status list")
    return uri, index


def _state(evidence: Mapping[str, object]) -> object:
    record = evidence.get("record")
    event = record.get("event") if isinstance(record, dict) else None
    return event.get("state") if isinstance(event, dict) else None


def _seconds(value: object, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _END_OF_TIME:
        raise StepFailed(f"the status list's {name} is not a number of seconds")
    return value


def _unpacked(compressed: bytes) -> bytes:
    reader = zlib.decompressobj()
    try:
        packed = reader.decompress(compressed, _MOST)
    except zlib.error as error:
        raise StepFailed("the status list is not compressed as it must be") from error
    if not reader.eof or reader.unused_data:
        raise StepFailed("the status list is cut short, or longer than lists are")
    return packed

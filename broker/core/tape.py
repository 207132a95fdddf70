"""A tape: what one worker answered, one record behind the other, until it is filed. Pure forms.

A record is the length of its content and a CRC-32 of it, four bytes each, then the content: a JSON object that gives a
client its sheet or says what several answers have in common, each numbered from 0 by where it stands among its kind; or
an answer, packed. Numbers are big-endian.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from broker.core.sheet import MAX_ENTRIES, Outcome

_HEAD = Struct(">II")
#: Number of client and of outcome, place on the client's sheet, microseconds since 1970, account, identifier.
_ANSWER = Struct(">cHHHq16s16s")
_KIND_OF_ANSWER, _JSON_BEGINS = b"a", b"{"
_JSON = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
#: Answers to one client on one tape: a sheet has no more.
MOST = MAX_ENTRIES


class OnTape(NamedTuple):
    """One answer: to whom, on which sheet and where, when, about whom, and what; the ground of a permit."""

    client_id: str
    sheet_id: str
    place: int
    at: int
    account: bytes
    identifier: bytes
    outcome: Outcome
    ground: str | None


@dataclass(frozen=True)
class Content:
    """What a tape held; *damaged* says from which byte on it is no record, None where all of it is."""

    answers: list[OnTape]
    damaged: int | None


def client_record(client_id: str, sheet_id: str) -> bytes:
    """The record that gives a client a sheet of its own on this tape."""
    return _record(_JSON.encode({"client_id": client_id, "sheet_id": sheet_id}).encode())


def outcome_record(outcome: Outcome) -> bytes:
    """The record that says what answers have in common."""
    return _record(_JSON.encode({"outcome": {**asdict(outcome), "clauses": list(outcome.clauses)}}).encode())


def answer_record(
    client: int, outcome: int, place: int, *, at: int, account: bytes, identifier: bytes, ground: str | None
) -> bytes:
    """The record of one answer; *client* and *outcome* are the numbers of their own records."""
    fixed = _ANSWER.pack(_KIND_OF_ANSWER, client, outcome, place, at, account, identifier)
    return _record(fixed + ground.encode("ascii") if ground else fixed)


def read_tape(raw: bytes) -> Content:
    """What a tape holds. Where it ends in the middle of a record, whoever wrote it was killed before it answered."""
    clients: list[tuple[str, str]] = []
    outcomes: list[Outcome] = []
    answers: list[OnTape] = []
    end = 0
    for content, its_end in _contents(raw):
        end = its_end
        if content.startswith(_JSON_BEGINS):
            _define(json.loads(content), clients, outcomes)
        else:
            _kind, client, outcome, place, at, account, identifier = _ANSWER.unpack_from(content)
            ground = content[_ANSWER.size :].decode("ascii") or None
            client_id, sheet_id = clients[client]
            answers.append(OnTape(client_id, sheet_id, place, at, account, identifier, outcomes[outcome], ground))
    return Content(answers, end if _is_damaged(raw, end) else None)


def _define(said: dict[str, object], clients: list[tuple[str, str]], outcomes: list[Outcome]) -> None:
    if "outcome" in said:
        outcome: dict[str, object] = said["outcome"]  # type: ignore[assignment] # as outcome_record wrote it
        outcomes.append(Outcome(**{**outcome, "clauses": tuple(outcome["clauses"])}))  # type: ignore[arg-type] # likewise
    else:
        clients.append((str(said["client_id"]), str(said["sheet_id"])))


def _record(content: bytes) -> bytes:
    return _HEAD.pack(len(content), crc32(content)) + content


def _contents(raw: bytes) -> Iterator[tuple[bytes, int]]:
    """Each whole record's content, and where it ends, up to the first that is none."""
    at = 0
    while at + _HEAD.size <= len(raw):
        length, check = _HEAD.unpack_from(raw, at)
        content = raw[at + _HEAD.size : at + _HEAD.size + length]
        if not length or len(content) < length or crc32(content) != check:
            return
        at += _HEAD.size + length
        yield content, at


def _is_damaged(raw: bytes, end: int) -> bool:
    """Whether what follows the last whole record is more than the beginning of the next one, or nothing yet."""
    rest = raw[end:]
    if not rest.strip(b"\0"):
        return False
    return len(rest) >= _HEAD.size and len(rest) >= _HEAD.size + _HEAD.unpack_from(rest)[0]

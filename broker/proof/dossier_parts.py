"""The answers in a dossier: each a row of its own, or an entry of a sheet that is shown with the group it lies in.

A group holds what a few dozen were answered together, as keyed digests. It shows everything that the sheet has about an
account: none of it can be kept back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.core.sheet import HASH_SIZE, decision_row, digest_of, group_of, unpack
from broker.proof.claims import StepFailed
from broker.proof.sdjwt import decode, encode


@dataclass(frozen=True, kw_only=True)
class DecisionPart:
    """A decision or a sheet: its row as it was written, its entry's salt, and its place in the batch of that leaf."""

    row: Mapping[str, Any]
    salt: bytes
    batch: bytes
    index: int
    hashes: Sequence[bytes]

    @property
    def content(self) -> bytes:
        """The row in the one writing that was digested."""
        return json.dumps(self.row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def digest(self) -> bytes:
        """What the batch holds of it."""
        return hashlib.sha256(self.salt + self.content).digest()


@dataclass(frozen=True)
class GroupPart:
    """One group of a sheet: its number, its salt, and its entries as core/sheet has them."""

    number: int
    salt: bytes
    entries: bytes


@dataclass(frozen=True)
class SheetPart:
    """One sheet: its row, and the groups in which the accounts that were asked about lie, by number."""

    chained: DecisionPart
    groups: Sequence[GroupPart]


def answers_of(part: SheetPart, accounts: Sequence[str], identifier: str | None) -> list[Mapping[str, Any]]:
    """What a sheet says about these accounts, as rows of decisions; StepFailed unless it shows all of that."""
    row = part.chained.row["row"]
    digests, groups, width = decode(row["digests"]), row["groups"], row["width"]
    if [group.number for group in part.groups] != sorted({group_of(decode(one), groups) for one in accounts}):
        raise StepFailed(f"sheet {row['sheet_id']} is not shown where the account lies in it, and nowhere else")
    for group in part.groups:
        digest = digests[group.number * HASH_SIZE : (group.number + 1) * HASH_SIZE]
        if len(digests) != groups * HASH_SIZE or digest_of(group.salt, group.entries) != digest:
            raise StepFailed(f"a group is not the one that sheet {row['sheet_id']} has")
    told = list(_told(part, row, width))
    return [one for one in told if one["account"] in accounts and identifier in {None, one["identifier"]}]


def _told(part: SheetPart, row: Mapping[str, Any], width: int) -> Iterator[Mapping[str, Any]]:
    for entry in (entry for group in part.groups for entry in unpack(group.entries, width)):
        if entry.outcome >= len(row["outcomes"]):
            raise StepFailed(f"an entry of sheet {row['sheet_id']} has an outcome that there is not")
        if not entry.led:
            found = decision_row(_timed(row), entry)
            yield {
                **found,
                "decided_at": found["decided_at"].isoformat(),
                "account": encode(entry.account),
                "identifier": encode(entry.identifier),
            }


def _timed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sheet's row with its times as times."""
    moments = decode(row["moments"]) if row["moments"] else None
    return {**row, "decided_at": datetime.fromisoformat(row["decided_at"]), "moments": moments}


def decision_json(part: DecisionPart) -> dict[str, object]:
    """A decision as a file has it."""
    return {
        "row": dict(part.row),
        "salt": encode(part.salt),
        "batch": encode(part.batch),
        "index": part.index,
        "hashes": [encode(step) for step in part.hashes],
    }


def sheet_json(part: SheetPart) -> dict[str, object]:
    """A sheet as a file has it."""
    groups = [
        {"number": group.number, "salt": encode(group.salt), "entries": encode(group.entries)} for group in part.groups
    ]
    return {**decision_json(part.chained), "groups": groups}


def read_decision(part: Any) -> DecisionPart:  # noqa: ANN401 - a file's content
    """Read a decision, or raise KeyError, TypeError or ValueError."""
    row, index = part["row"], part["index"]
    if set(part) != {"row", "salt", "batch", "index", "hashes"} or not isinstance(row, dict) or type(index) is not int:
        raise TypeError("a decision holds its row, salt, batch, index and hashes")
    hashes = [_bytes(step) for step in part["hashes"]]
    return DecisionPart(row=row, salt=_bytes(part["salt"]), batch=_bytes(part["batch"]), index=index, hashes=hashes)


def read_sheet(part: Any) -> SheetPart:  # noqa: ANN401 - a file's content
    """Read a sheet, or raise KeyError, TypeError or ValueError."""
    rest = {name: value for name, value in part.items() if name != "groups"}
    return SheetPart(read_decision(rest), [_group(group) for group in part["groups"]])


def _group(part: Any) -> GroupPart:  # noqa: ANN401 - a file's content
    if set(part) != {"number", "salt", "entries"} or type(part["number"]) is not int:
        raise TypeError("a group holds its number, salt and entries")
    return GroupPart(part["number"], _bytes(part["salt"]), _bytes(part["entries"]))


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return decode(value)

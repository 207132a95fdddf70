"""The audit of sheets: each has all its groups, by their digests; what they hold is in its place, and adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from broker.actions.audit_records import check_permits
from broker.core.sheet import HASH_SIZE, Entry, decision_row, digest_of, group_of, unpack
from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import rows_beside, sound_rows

_SHEETS, _GROUPS = "sheets", "sheet_entries"
#: Permits that are held against their consents at a time.
_AT_ONCE = 1000


def check_sheets(audit: Walk) -> None:
    """Look into every sheet whose row is sound."""
    for chunk in sound_rows(audit, _SHEETS):
        for sheet in chunk:
            audit.walked[_SHEETS] += 1
            _check_sheet(audit, sheet)


def _check_sheet(audit: Walk, sheet: Seen) -> None:
    row = sheet.values
    beside = {seen.values.get("number"): seen for seen in rows_beside(audit, _GROUPS, "sheet_id", [row["sheet_id"]])}
    digests = [row["digests"][at : at + HASH_SIZE] for at in range(0, len(row["digests"]), HASH_SIZE)]
    entries: list[Entry] = []
    for number, digest in enumerate(digests):
        group, key = beside.pop(number, None), f"{row['sheet_id']}/{number}"
        if group is None:
            audit.name(_GROUPS, key, f"is missing: {_SHEETS} {sheet.key} has its digest")
        elif group.sound and digest_of(group.values["salt"], group.values["entries"]) != digest:
            audit.name(_GROUPS, group.key, f"it is not the group whose digest {_SHEETS} {sheet.key} has")
        elif group.sound:
            entries += _entries(audit, row, group)
    for other in beside.values():
        audit.name(_GROUPS, other.key, f"{_SHEETS} {sheet.key} knows nothing of it")
    if not any(audit.knows(_GROUPS, f"{row['sheet_id']}/{number}") for number in range(len(digests))):
        _check_numbers(audit, sheet, entries)
    _check_permits(audit, sheet, entries)
    audit.walked["answers in sheets"] += len(entries)


def _entries(audit: Walk, row: Mapping[str, Any], group: Seen) -> Sequence[Entry]:
    """What a group holds, where all of it is in its place."""
    number = group.values["number"]
    try:
        entries = list(unpack(group.values["entries"], row["width"]))
    except ValueError as fault:
        audit.name(_GROUPS, group.key, f"it cannot be read: {fault}")
        return []
    if not entries or _fit(row, entries, number):
        return entries
    audit.name(_GROUPS, group.key, "an entry is not where it belongs")
    return []


def _fit(row: Mapping[str, Any], entries: Sequence[Entry], number: int) -> bool:
    accounts = [entry.account for entry in entries]
    # Which group it is grows with the account.
    own = {group_of(account, row["groups"]) for account in (min(accounts), max(accounts))} == {number}
    places, outcomes = max(entry.place for entry in entries), max(entry.outcome for entry in entries)
    return own and places < row["answers"] and outcomes < len(row["outcomes"])


def _check_numbers(audit: Walk, sheet: Seen, entries: Iterable[Entry]) -> None:
    """What a sheet says of its answers is what its entries say, but for those that erasures took out."""
    row = sheet.values
    answers = [entry for entry in entries if not entry.led]
    said, found = [outcome["answers"] for outcome in row["outcomes"]], Counter(entry.outcome for entry in answers)
    lacking = [number - found[place] for place, number in enumerate(said)]
    once = len({entry.place for entry in answers}) == len(answers)
    whole = sum(said) == row["answers"] and len(row["digests"]) == row["groups"] * HASH_SIZE
    whole &= len(row["moments"] or b"") in {0, 4 * row["answers"]}
    if not once or not whole or min(lacking) < 0 or sum(lacking) > row["blanked"]:
        audit.name(_SHEETS, sheet.key, "it counts its answers otherwise than its entries do")


def _check_permits(audit: Walk, sheet: Seen, entries: Iterable[Entry]) -> None:
    permits = list(_permits(sheet, entries))
    for begin in range(0, len(permits), _AT_ONCE):
        check_permits(audit, _SHEETS, permits[begin : begin + _AT_ONCE])


def _permits(sheet: Seen, entries: Iterable[Entry]) -> Iterator[Seen]:
    """Permits on a consent, each as the row of a decision has it; under its sheet's name if something is wrong."""
    for entry in entries:
        if not entry.led and sheet.values["outcomes"][entry.outcome]["basis"] == "consent":
            found = decision_row(sheet.values, entry)
            yield Seen(found["decision_id"], found, sound=True)

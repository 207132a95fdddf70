"""What holds of sheets: their answers are decisions like any other, and each group is where its sheet's row says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raw_rows import Rows

from broker.core.sheet import decision_row, digest_of, group_of, unpack


def with_answers_in_sheets(rows: Rows) -> Rows:
    """The rows as they would be if every answer were a row of its own."""
    sheets = {row["sheet_id"]: row for row in rows["sheets"]}
    told: list[dict[str, Any]] = [
        decision_row(sheets[group["sheet_id"]], entry)
        for group in rows["sheet_entries"]
        for entry in unpack(group["entries"], sheets[group["sheet_id"]]["width"])
        if not entry.led
    ]
    return {**rows, "decisions": [*rows["decisions"], *told]}


def faults_of_sheets(rows: Rows) -> Iterator[str]:
    """Name every fault of sheets and their groups."""
    groups = {(row["sheet_id"], row["number"]): row for row in rows["sheet_entries"]}
    for sheet in rows["sheets"]:
        own = [groups.pop((sheet["sheet_id"], number), None) for number in range(sheet["groups"])]
        digests = b"".join(digest_of(group["salt"], group["entries"]) for group in own if group)
        if digests != sheet["digests"] or sheet["answers"] != sum(said["answers"] for said in sheet["outcomes"]):
            yield f"the sheet {sheet['sheet_id']} is not over its groups"
        for group in filter(None, own):
            entries = list(unpack(group["entries"], sheet["width"]))
            if any(group_of(entry.account, sheet["groups"]) != group["number"] for entry in entries):
                yield f"an entry of sheet {sheet['sheet_id']} lies in another group than it leads to"
    yield from (f"a group {number} is of no sheet" for number in groups)

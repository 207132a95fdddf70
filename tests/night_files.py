"""A business's nightly file: rows and items that ask the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

COLUMNS = ("platform", "account_id", "kind", "type", "value", "purpose")


def a_row(number: int, **changes: str) -> dict[str, str]:
    """Whether one account may be tied to one record; number 0 may."""
    row = dict(zip(COLUMNS, ("x", str(1000 + number), "person", "email", f"{number}@mailbox.example", "customer-care"),
                   strict=True))  # fmt: skip
    return {**row, **changes}


def as_csv(rows: Sequence[dict[str, str]]) -> str:
    """Rows that have the same columns."""
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows), ""])


def as_item(row: dict[str, str], **members: object) -> dict[str, Any]:
    """A row as an item of a batch."""
    record = {name: row[name] for name in ("kind", "type", "value")}
    account = {"platform": row["platform"], "id": row["account_id"]}
    return {"account": account, "identifier": record, "purpose": row["purpose"], **members}


def as_ndjson(items: Sequence[object]) -> str:
    """Items, a line each."""
    return "".join(f"{json.dumps(item)}\n" for item in items)

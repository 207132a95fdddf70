"""A MAC over every row, under a key that the database does not hold: who edits rows behind the broker leaves a mark.

A row in another's place breaks as well: its key is among its columns. What a MAC cannot show is that a row is gone,
or an old one back; that is what the trail is for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import Table

MAC = "mac"
ABOUT_SIZE = 16


def canonical(table: Table, row: Mapping[str, object]) -> bytes:
    """One writing of a row's content, its MAC left out: JSON, sorted, bytes as base64url, times in UTC.

    No two contents of one table are written alike, since a column holds one type of value.
    """
    return _JSON.encode({"row": {name: row[name] for name in content_of(table)}, "table": table.name}).encode()


def row_mac(key: bytes, content: bytes) -> bytes:
    """The MAC of a row's canonical *content*."""
    return hmac.digest(key, content, hashlib.sha256)


def is_marked(row: Mapping[str, object], mac: bytes) -> bool:
    """Whether a row, given whole, bears that MAC."""
    found = row[MAC]
    return isinstance(found, bytes) and hmac.compare_digest(found, mac)


def row_key_digest(key: bytes, table: Table, row: Mapping[str, object]) -> bytes:
    """What stands for a row's primary key where the key itself must not be read: 32 bytes.

    Half of them are its account's, or its table's where it has none: what was ever written about one account lies
    together, and an erasure finds all of it, what was dropped long ago too.
    """
    names, account = [row[name] for name in primary_key_of(table)], row.get("account")
    place = about(key, account) if isinstance(account, bytes) else hmac.digest(key, table.name.encode(), hashlib.sha256)
    own = hmac.digest(key, _JSON.encode([table.name, names]).encode(), hashlib.sha256)
    return place[:ABOUT_SIZE] + own[:ABOUT_SIZE]


def about(key: bytes, account: bytes) -> bytes:
    """How the keys begin of all rows about an account: 16 bytes."""
    return hmac.digest(key, b"about\x00" + account, hashlib.sha256)[:ABOUT_SIZE]


@cache
def content_of(table: Table) -> tuple[str, ...]:
    """The columns that a MAC covers."""
    return tuple(column.name for column in table.columns if column.name != MAC)


@cache
def primary_key_of(table: Table) -> tuple[str, ...]:
    """The columns of the primary key, in its order."""
    return tuple(column.name for column in table.primary_key)


def _plain(value: object) -> str:
    """What JSON has no form for."""
    if isinstance(value, bytes | memoryview):
        return urlsafe_b64encode(value).rstrip(b"=").decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"a row holds no {type(value).__name__}")


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)

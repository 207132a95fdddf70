"""A MAC over every row, under a key that the database does not hold: who edits rows behind the broker leaves a mark.

A row in another's place breaks as well: its key is among its columns. What a MAC cannot show is that a row is gone,
or an old one back; that is what the trail is for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import Table

MAC = "mac"
ABOUT_SIZE = 16
#: Marks a column whose values are long: their SHA-256 is written in their place.
AS_DIGEST = "as_digest"


def canonical(table: Table, row: Mapping[str, object]) -> bytes:
    """One writing of a row's content, its MAC left out: JSON, sorted, bytes as base64url, times in UTC.

    No two contents of one table are written alike, since a column holds one type of value.
    """
    content = {
        name: value if (kind := type(value := row[name])) in _PLAIN else _FORMS.get(kind, _other)(value)
        for name in content_of(table)
    }
    for name in _long(table):
        content[name] = _base64url(hashlib.sha256(row[name]).digest())  # type: ignore[arg-type] # such a column holds bytes
    return _SORTED.encode({"row": content, "table": str(table.name)})


def row_mac(key: bytes, content: bytes) -> bytes:
    """The MAC of a row's canonical *content*."""
    return _hmac(key, content)


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
    place = about(key, account) if isinstance(account, bytes) else _hmac(key, table.name.encode())
    own = _hmac(key, _JSON.encode([table.name, names]).encode())
    return place[:ABOUT_SIZE] + own[:ABOUT_SIZE]


def about(key: bytes, account: bytes) -> bytes:
    """How the keys begin of all rows about an account: 16 bytes."""
    return _hmac(key, b"about\x00" + account)[:ABOUT_SIZE]


@cache
def content_of(table: Table) -> tuple[str, ...]:
    """The columns that a MAC covers."""
    return tuple(str(column.name) for column in table.columns if column.name != MAC)


@cache
def _long(table: Table) -> tuple[str, ...]:
    return tuple(str(column.name) for column in table.columns if column.info.get(AS_DIGEST))


@cache
def primary_key_of(table: Table) -> tuple[str, ...]:
    """The columns of the primary key, in its order."""
    return tuple(column.name for column in table.primary_key)


def _hmac(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256. Of a key that was set up before it takes half as long, and a row takes four of them."""
    begun = _set_up(key).copy()
    begun.update(content)
    return begun.digest()


@lru_cache(maxsize=8)
def _set_up(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod=hashlib.sha256)


def _plain(value: object) -> str:
    """What JSON has no form for."""
    if isinstance(value, bytes | memoryview):
        return _base64url(value)
    if isinstance(value, datetime):
        return _in_utc(value)
    raise TypeError(f"a row holds no {type(value).__name__}")


def _base64url(value: bytes | memoryview) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _in_utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _other(value: object) -> Raw:
    """What columns of JSON hold; in them numbers are written as Python writes them."""
    return Raw(_JSON.encode(value).encode())


#: What :data:`_SORTED` writes as :data:`_JSON` would, in half the time: as it is, or in these forms.
_PLAIN = frozenset({str, int, bool, type(None)})
_FORMS: Mapping[type, Callable[[Any], object]] = {bytes: _base64url, datetime: _in_utc}
_SORTED = msgspec.json.Encoder(order="sorted")
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)

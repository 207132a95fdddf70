"""Many items read at once, in the form that nearly all of them have; whatever has another goes the strict way.

Nothing is read here that the strict reader (``core/reading``) and the wire models would not read, and read so: an
escape and a key that stands twice are left to the one, a member that nobody knows and a tag to the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from broker.actions.broker import Broker
from broker.core.reading import read_json
from broker.errors import BrokerError
from broker.web.batch_columns import Asked, Columns, sort_columns
from broker.web.batch_wire import LONGEST_PURPOSE, read_item, read_line
from broker.web.spool import MAX_LINE


class Account(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """An account by its id or by a handle."""

    platform: str
    id: str | None = None
    handle: str | None = None


class Record(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """An identifier."""

    kind: str
    type: str
    value: str
    name: str | None = None


class Item(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One question."""

    account: Account
    identifier: Record
    purpose: str | None = None


class Batch(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The whole body."""

    items: list[Item]
    purpose: str | None = None


_BATCH, _LINES = msgspec.json.Decoder(Batch), msgspec.json.Decoder(list[Item])
_ITEM = msgspec.json.Decoder(Item)
_UNREAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
#: In place of an item that must be read the strict way: there is no platform without a name.
_ODD = Item(account=Account(platform=""), identifier=Record(kind="", type="", value=""))
#: The texts in an item, keys and values: what must stand in it, and what each other member adds.
_LEAST, _MEMBER = 10, 2


def read_batch(broker: Broker, raw: bytes, *, most: int) -> Asked | None:
    """What a body asks; None where it must be read the strict way, and its items by :func:`read_items`."""
    try:
        batch = _BATCH.decode(raw)
    except _UNREAD:
        return None
    items, purpose = batch.items, batch.purpose
    outside = 1 + (_MEMBER if purpose is not None else 0)
    if not 1 <= len(items) <= most or len(purpose or "") > LONGEST_PURPOSE or not _is_plain(raw, items, outside):
        return None
    return sort_columns(
        broker,
        _columns(items),
        purpose,
        strictly=lambda place: read_item(broker, msgspec.to_builtins(items[place]), purpose=purpose),
    )


def read_items(broker: Broker, items: Sequence[object], purpose: str | None) -> Asked:
    """What 1 or more items ask, each as the strict reader gave it."""
    return sort_columns(
        broker,
        _columns([_converted(item) for item in items]),
        purpose,
        strictly=lambda place: read_item(broker, items[place], purpose=purpose),
    )


def read_lines(broker: Broker, lines: Sequence[bytes], purpose: str | None = None) -> Asked:
    """What 1 or more lines of a stream ask, each an item with its own purpose, or *purpose*."""
    items = _items_of(lines) or [_item_of(line) for line in lines]
    return sort_columns(
        broker, _columns(items), purpose, strictly=lambda place: read_line(broker, lines[place], purpose)
    )


def _items_of(lines: Sequence[bytes]) -> list[Item] | None:
    """The items of lines, in one go; None where any of them must be looked at by itself."""
    raw = b",".join(lines)
    try:
        items = _LINES.decode(b"[%b]" % raw)
    except _UNREAD:
        return None
    # No object stands in an item but behind the name of a member. So lines that begin and end with a brace, as many as
    # there are items, hold an item each.
    whole = len(items) == len(lines) and all(line[:1] == b"{" and line[-1:] == b"}" for line in lines)
    return items if whole and max(map(len, lines)) <= MAX_LINE and _is_plain(raw, items, 0) else None


def _item_of(line: bytes) -> Item:
    try:
        if b"\\" in line or len(line) > MAX_LINE:
            return _converted(read_json(line, max_bytes=MAX_LINE))
        item = _ITEM.decode(line)
    except (*_UNREAD, BrokerError):
        return _ODD
    return item if _is_plain(line, [item], 0) else _ODD


def _converted(value: object) -> Item:
    try:
        return msgspec.convert(value, Item)
    except msgspec.ValidationError:
        return _ODD


def read_plain(raw: bytes) -> Item | None:
    """The one question of a body, an account by its id and a record without a name; None where it may be another."""
    try:
        item = _ITEM.decode(raw)
    except _UNREAD:
        return None
    account = item.account
    if account.id is None or item.purpose is None or account.handle is not None or item.identifier.name is not None:
        return None
    # Beside what must be there, the id and the purpose are.
    return item if b"\\" not in raw and raw.count(b'"') == 2 * (_LEAST + 2 * _MEMBER) else None


def _columns(items: Sequence[Item]) -> Columns:
    accounts, records = [item.account for item in items], [item.identifier for item in items]
    return Columns(
        platforms=[account.platform for account in accounts],
        ids=[account.id for account in accounts],
        handles=[account.handle for account in accounts],
        kinds=[record.kind for record in records],
        types=[record.type for record in records],
        values=[record.value for record in records],
        names=[record.name for record in records],
        purposes=[item.purpose for item in items],
    )


def _is_plain(raw: bytes, items: Sequence[Item], outside: int) -> bool:
    """Whether *raw* holds the texts that were read, *outside* of items and in them, and no other.

    Without an escape, each text has two quotation marks. A key that stood twice would have two more than were read, and
    nothing that was read has fewer, which could make up for them.
    """
    lacking = (
        [item.purpose for item in items].count(None)
        + [item.account.id for item in items].count(None)
        + [item.account.handle for item in items].count(None)
        + [item.identifier.name for item in items].count(None)
    )
    texts = outside + (_LEAST + 4 * _MEMBER) * len(items) - _MEMBER * lacking
    return b"\\" not in raw and raw.count(b'"') == 2 * texts

"""Rows of columns: questions as a spreadsheet or a database exports them. An empty cell says nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from broker.actions.broker import Broker
from broker.errors import BrokerError, CommandRefused, MalformedRequest
from broker.files.lines import MAX_LINE, split_lines
from broker.web.batch_columns import Asked, Columns, sort_columns
from broker.web.batch_wire import read_item

#: Every column that is read.
COLUMNS = ("platform", "account_id", "handle", "kind", "type", "value", "name", "purpose")
_NEEDED, _MAY_LACK = ("platform", "kind", "type", "value"), ("account_id", "handle", "name", "purpose")
_BOM = b"\xef\xbb\xbf"
#: What a line may hold that is not simply cells and commas.
_CLOSER = re.compile(rb'["\0]|\r(?!\n)')
#: What no cell may hold.
_UNFIT = re.compile(r"[\0\r\n]")
#: Bytes of a letter in UTF-8, at most.
_LONGEST_LETTER = 4
Row = Sequence[str]


def read_header(line: bytes) -> tuple[str, ...]:
    """The names in the first line of a CSV file, or :class:`CommandRefused` saying what would be right."""
    try:
        (names,) = filter(None, csv.reader([line.removeprefix(_BOM).decode().rstrip("\r\n")], strict=True))
    except (UnicodeDecodeError, csv.Error, ValueError):
        raise CommandRefused(f"the first line must name the columns, in UTF-8: {','.join(COLUMNS)}") from None
    if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
        raise CommandRefused("columns must be divided by commas; this file divides them by something else")
    return tuple(name.strip() for name in names)


def check_columns(names: Sequence[str], *, purpose: str | None) -> None:
    """Refuse a file whose columns are not enough to ask, or that holds some which nobody would read."""
    for name in names:
        if name not in COLUMNS:
            meant = get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
            hint = f"; {meant[0]!r} is" if meant else ""
            raise CommandRefused(
                f"the column {name[:40]!r} is not one that is read{hint}. Leave it out: answers come in the order of"
                f" the lines. Columns are {', '.join(COLUMNS)}"
            )
        if names.count(name) > 1:
            raise CommandRefused(f"the column {name!r} stands twice")
    missing = [name for name in _NEEDED if name not in names]
    if not {"account_id", "handle"} & set(names):
        missing.append("account_id (or handle)")
    if missing:
        raise CommandRefused(f"these columns are missing: {', '.join(missing)}")
    if "purpose" not in names and purpose is None:
        raise CommandRefused("what is asked for must be said: in a column 'purpose', or for all lines by --purpose")


class RowReader:
    """Reads rows of such columns; *purpose* is asked where a row has none."""

    def __init__(self, broker: Broker, names: Sequence[str], *, purpose: str | None) -> None:
        self._broker, self._names, self._purpose = broker, names, purpose

    def lines(self, raw: bytes) -> Asked:
        """What 1 or more lines of CSV ask."""
        columns = _plain_columns(raw, len(self._names))
        return self._columns(columns) if columns else self._singly([_cells(line) for line in split_lines(raw)])

    def table(self, columns: Sequence[Sequence[str]]) -> Asked:
        """The same of columns as they are named, all of one length."""
        if not any(_UNFIT.search("".join(column)) for column in columns):
            return self._columns(columns)
        return self._singly(list(zip(*columns, strict=True)))

    def _columns(self, columns: Sequence[Sequence[str]]) -> Asked:
        named = dict(zip(self._names, columns, strict=True))
        count = len(columns[0])
        cells = [_or_none(named[name]) if name in named else [None] * count for name in _MAY_LACK]
        needed = [named[name] for name in _NEEDED]
        whole = [named[name] for name in self._names]
        return sort_columns(
            self._broker,
            _as_columns(needed, cells),
            self._purpose,
            strictly=lambda at: read_item(self._broker, self._item(whole, at), purpose=self._purpose),
        )

    def _item(self, columns: Sequence[Sequence[str]], at: int) -> object:
        """The row at a place as an item of a batch."""
        cells = {name: column[at] for name, column in zip(self._names, columns, strict=True)}
        account = {"id": cells.get("account_id"), "handle": cells.get("handle")}
        record = {name: cells[name] for name in ("kind", "type", "value")}
        item: dict[str, Any] = {
            "account": {"platform": cells["platform"], **{name: it for name, it in account.items() if it}},
            "identifier": {**record, **({"name": cells["name"]} if cells.get("name") else {})},
        }
        return {**item, "purpose": cells["purpose"]} if cells.get("purpose") else item

    def _singly(self, rows: Sequence[Row | BrokerError]) -> Asked:
        """What rows ask some of which may not be read at all."""
        checked = [self._checked(row) for row in rows]
        errors = {place: row for place, row in enumerate(checked) if isinstance(row, BrokerError)}
        good = [place for place in range(len(rows)) if place not in errors]
        if not good:
            return Asked([], errors)
        asked = self._columns(list(zip(*(row for row in checked if not isinstance(row, BrokerError)), strict=True)))
        return Asked(asked.questions, errors | {good[place]: error for place, error in asked.errors.items()})

    def _checked(self, row: Row | BrokerError) -> Row | BrokerError:
        if isinstance(row, BrokerError):
            return row
        if not any(row):
            return MalformedRequest("the line is empty")
        if len(row) != len(self._names):
            return MalformedRequest(f"the line has {len(row)} fields, and the first line has {len(self._names)}")
        if any(_UNFIT.search(cell) for cell in row):
            return MalformedRequest("text must not hold NUL or a line break")
        return row


def _as_columns(needed: Sequence[Sequence[str]], cells: Sequence[Sequence[str | None]]) -> Columns:
    platforms, kinds, types, values = needed
    ids, handles, names, purposes = cells
    return Columns(platforms, ids, handles, kinds, types, values, names, purposes)


def _or_none(column: Sequence[str]) -> Sequence[str | None]:
    return [cell or None for cell in column] if "" in column else column


def _plain_columns(raw: bytes, width: int) -> Sequence[Sequence[str]] | None:
    """The columns of lines of which none needs a closer look; None if one does."""
    if _CLOSER.search(raw):
        return None
    try:
        text = raw.decode().replace("\r\n", "\n").removesuffix("\n")
    except UnicodeDecodeError:
        return None
    lines = text.split("\n")
    if {line.count(",") for line in lines} != {width - 1} or max(map(len, lines)) > MAX_LINE // _LONGEST_LETTER:
        return None
    cells = text.replace("\n", ",").split(",")
    return [cells[place::width] for place in range(width)]


def _cells(line: bytes) -> Row | BrokerError:
    """The cells of one line, or what is wrong with it."""
    if len(line) > MAX_LINE:
        return MalformedRequest(f"a line has {MAX_LINE} bytes at most")
    try:
        text = line.decode().removesuffix("\r")
    except UnicodeDecodeError as error:
        return MalformedRequest(f"the text must be UTF-8; byte {error.start} of the line is not")
    if '"' not in text:
        return text.split(",")
    try:
        (row,) = csv.reader([text.replace("\r", "\0")], strict=True)  # which would take it for the end of the line
    except (csv.Error, ValueError):
        return MalformedRequest("a quoted field must end on its line, and a quotation mark within one is written twice")
    return row

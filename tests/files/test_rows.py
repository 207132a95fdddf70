"""Columns: a row asks what an item of a batch would; what cannot be read is said, and spoils no other row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from functools import cache

import pytest
from builders import a_broker, a_pen
from hypothesis import example, given
from hypothesis import strategies as st

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Questions
from broker.errors import BrokerError, CommandRefused
from broker.files.lines import MAX_LINE
from broker.files.rows import COLUMNS, RowReader, check_columns, read_header
from broker.store.database import Database
from broker.web.batch_columns import Asked
from broker.web.batch_wire import read_item

GOOD = {"platform": "x", "account_id": "7", "handle": "", "kind": "person", "type": "email", "value": "a@b.example",
        "name": "", "purpose": "customer-care"}  # fmt: skip
CELLS = {
    "platform": ["x", "", "y", "x\0"],
    "account_id": ["7", "", "0", "jane", "7\r", "٣"],
    "handle": ["", "jane", "@Jane", "j" * 65, "a b"],
    "kind": ["person", "other", "device", ""],
    "type": ["email", "phone", "customer_id", "other", ""],
    "value": [
        "a@b.example",
        "A@B.Example",
        " a@b.example",
        "",
        "\uff41@b.example",
        "C-1",
        'say "C"',
        "x" * 513,
        "a,b",
        "x\0",
    ],
    "name": ["", "card", "Card"],
    "purpose": ["customer-care", "", "made up", "surveillance", "p" * 513, "p\0", "background check, and more"],
}
rows = st.fixed_dictionaries({name: st.sampled_from([GOOD[name]] * 4 + cells) for name, cells in CELLS.items()})


@cache
def opened() -> Broker:
    """A broker that is asked nothing: to read needs no database."""
    return a_broker(Database("sqlite:///nowhere.db", pen=a_pen()))


def written(rows: Sequence[dict[str, str]], *, quoted: bool = False) -> bytes:
    """Rows as a program writes them."""
    text = io.StringIO()
    how = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator="\n", quoting=how).writerows([row[name] for name in COLUMNS] for row in rows)
    return text.getvalue().encode()


def read(raw: bytes, purpose: str | None = None, names: Sequence[str] = COLUMNS) -> list[object]:
    """What is read of lines with all columns."""
    return [told(one) for one in one_by_one(RowReader(opened(), names, purpose=purpose).lines(raw))]


def one_by_one(asked: Asked) -> list[Question | BrokerError]:
    """What was read in columns, row by row."""
    questions = asked.questions
    if isinstance(questions, Questions):
        whole = dict(questions.others)
        for some in questions.alike:
            whole |= {place: some.question(at) for at, place in enumerate(some.places)}
        questions = [whole[place] for place in range(len(whole))]
    rest = iter(questions)
    return [asked.errors[place] if place in asked.errors else next(rest) for place in range(len(asked))]


def told(found: Question | BrokerError) -> object:
    """A question, or what is wrong and by which clauses."""
    return found if isinstance(found, Question) else (found.detail, found.clauses)


def strictly(row: dict[str, str], purpose: str | None) -> object:
    """The same row read as the item of a batch that says what it says."""
    if any("\0" in cell or "\r" in cell for cell in row.values()):
        return "text must not hold NUL or a line break", ()
    cells = {name: cell for name, cell in row.items() if cell or name in {"platform", "kind", "type", "value"}}
    account = {"platform": cells["platform"]}
    account |= {to: cells[name] for name, to in (("account_id", "id"), ("handle", "handle")) if name in cells}
    record = {name: cells[name] for name in ("kind", "type", "value", "name") if name in cells}
    item = {"account": account, "identifier": record} | {name: cells[name] for name in ("purpose",) if name in cells}
    return told(read_item(opened(), item, purpose=purpose))


@example(asked=[{**GOOD, "kind": "other", "type": "other"}], purpose=None, quoted=False)
@given(
    asked=st.lists(rows, min_size=1, max_size=5), purpose=st.sampled_from([None, "newsletter"]), quoted=st.booleans()
)
def test_a_row_asks_what_an_item_of_a_batch_would(
    asked: list[dict[str, str]], purpose: str | None, *, quoted: bool
) -> None:
    raw = written(asked, quoted=quoted)
    assert [strictly(row, purpose) for row in asked] == read(raw, purpose)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_may_end_as_on_any_system(end: bytes) -> None:
    raw = written([GOOD] * 3)
    assert read(raw) == read(raw.replace(b"\n", end)) == read(raw.replace(b"\n", end)[: -len(end)])


SPOILT = {
    b"": "the line is empty",
    b"x,7": "the line has 2 fields, and the first line has 8",
    b"x,7,,person,email,a@b.example,,customer-care,more": "the line has 9 fields, and the first line has 8",
    b"x,7,,person,email,\xff,,customer-care": "the text must be UTF-8; byte 18 of the line is not",
    b'x,7,,person,email,"a@b.example,,customer-care': "a quoted field must end on its line",
    b'x,7,,person,email,"a"b,,customer-care': "a quotation mark within one is written twice",
    b"x,7,,person,email," + b"a" * MAX_LINE + b",,customer-care": "a line has 65536 bytes at most",
}


@pytest.mark.parametrize(("line", "said"), SPOILT.items(), ids=SPOILT.values())
def test_a_line_that_cannot_be_read_says_why_and_spoils_no_other(line: bytes, said: str) -> None:
    good = written([GOOD])
    (asked,) = read(good)
    first, (wrong, clauses), last = read(good + line + b"\n" + good)  # type: ignore[misc] # one that is wrong
    assert (asked, asked, ()) == (first, last, clauses)
    assert said in wrong


HEADERS = {
    "platform,account_id,kind,type,value": "column 'purpose', or for all lines by --purpose",
    "platform,kind,type,value,purpose": "missing: account_id (or handle)",
    "platform,account_id,kind,purpose": "missing: type, value",
    "platform,acount_id,kind,type,value,purpose": "'acount_id' is not one that is read; 'account_id' is",
    "platform,account_id,kind,type,value,purpose,shoe size": "'shoe size' is not one that is read. Leave it out",
    "platform,account_id,kind,type,value,value,purpose": "'value' stands twice",
    "platform;account_id;kind;type;value;purpose": "divided by commas",
    "": "the first line must name the columns",
    'platform,"account_id': "the first line must name the columns",
}


@pytest.mark.parametrize(("line", "said"), HEADERS.items(), ids=HEADERS.values())
def test_columns_that_cannot_be_asked_are_refused_with_what_would_be_right(line: str, said: str) -> None:
    with pytest.raises(CommandRefused, match=re.escape(said)):
        check_columns(read_header(line.encode()), purpose=None)


@pytest.mark.parametrize(
    "line", [b"\xef\xbb\xbfhandle,platform,kind,type,value\r\n", b'"handle", platform ,kind,type,value\n']
)
def test_columns_may_be_written_as_a_spreadsheet_does(line: bytes) -> None:
    names = read_header(line)
    check_columns(names, purpose="customer-care")
    (asked,) = read(b"@jane,x,person,email,a@b.example\n", "customer-care", names)
    assert ("jane", "customer-care") == (asked.handle, asked.purpose)  # type: ignore[attr-defined] # a question

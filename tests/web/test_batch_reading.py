"""Whatever is read quickly is read as the strict reader reads it; what that refuses is never read quickly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import a_broker
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Questions
from broker.core.reading import read_json_object
from broker.errors import BrokerError
from broker.store.database import Database
from broker.web.batch_columns import Asked
from broker.web.batch_reading import read_batch, read_items, read_lines
from broker.web.batch_wire import MOST, BatchWire, read_line
from broker.web.wire import parse


@pytest.fixture(scope="module")
def opened(migrated: Database) -> Broker:
    """Give a whole broker; nothing is written in it here."""
    return a_broker(migrated)


ITEM: dict[str, Any] = {
    "account": {"platform": "x", "id": "2244994945"},
    "identifier": {"kind": "person", "type": "email", "value": "Jane@Example.com"},
    "purpose": "customer-care",
}
values = st.one_of(
    st.sampled_from(["x", "5", "jane", "person", "email", "jane@example.com", "phone", "+49 30 123456", "other", "id"]),
    st.sampled_from([None, 7, True, [], {}, "", "\u0000", "Ж@example.com", "a" * 600, "ﬁ", '"', "\\", "a\tb"]),
    st.text(max_size=8),
)
paths = st.sampled_from(
    [("account", "platform"), ("account", "id"), ("account", "handle"), ("identifier", "kind"), ("identifier", "type"),
     ("identifier", "value"), ("identifier", "name"), ("purpose",), ("provenance",), ("more",), ("account",)]
)  # fmt: skip
#: What may be done to the bytes of a body.
spoils = st.sampled_from([
    (b'"platform":"x"', b'"platform":"x","platform":"x"'), (b'"id":', b'"id":"5","id":'), (b'"kind"', b'"k\\u0069nd"'),
    (b'"purpose":', b'"purpose":"newsletter","purpose":'), (b"}", b"},"), (b"Jane", b"J\xffne"), (b"Jane", b"J\x01ne"),
    (b"Jane", b"J\xed\xa0\x80ne"), (b"{", b"\xef\xbb\xbf{"), (b":", b" : "), (b"customer-care", b"customer-care\x00"),
    (b'"value"', b'"value":"a@b.example","value"'), (b"[", b"[["), (b"},", b"},\n"),
    (b"Jane", b"Jane" + b" " * 70_000), (b"}", b"}}"), (b"{", b"/**/{"), (b"", b""),
])  # fmt: skip


def changed(item: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """The item with another value there."""
    copy = json.loads(json.dumps(item))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return copy  # type: ignore[no-any-return] # JSON


TAGGED = ITEM | {"provenance": {"tag": "public", "source": {"kind": "platform", "field": "bio",
                 "retrieved_at": "2026-11-01T00:00:00Z"}, "expected_purposes": ["customer-care"]}}  # fmt: skip
NAMED = ITEM | {"account": {"platform": "x", "handle": "Jane"}}
items = st.one_of(
    st.sampled_from([ITEM, TAGGED, NAMED]), st.builds(lambda path, value: changed(ITEM, path, value), paths, values)
)


def told(found: Question | BrokerError) -> object:
    """A question, or what is said instead."""
    return found if isinstance(found, Question) else (type(found), found.detail, found.clauses)


def each(asked: Asked) -> list[Question | BrokerError]:
    """Every item in its order: a question, or what is wrong with it."""
    questions = asked.questions
    if isinstance(questions, Questions):
        whole = dict(questions.others)
        for alike in questions.alike:
            whole |= {place: alike.question(at) for at, place in enumerate(alike.places)}
        questions = [whole[place] for place in range(len(questions))]
    rest = iter(questions)
    return [asked.errors[place] if place in asked.errors else next(rest) for place in range(len(asked))]


def strictly(broker: Broker, raw: bytes) -> list[object] | None:
    """What the strict reader makes of a body; None when it refuses it."""
    try:
        return [told(one) for one in parse(BatchWire, read_json_object(raw)).questions(broker)]
    except BrokerError:
        return None


@given(asked=st.lists(items, max_size=4), purpose=st.one_of(st.none(), values), spoilt=spoils, escaped=st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_body_is_read_quickly_as_strictly_or_not_at_all_and_its_items_always(
    opened: Broker,
    asked: list[Any],
    purpose: object,
    spoilt: tuple[bytes, bytes],
    escaped: bool,  # noqa: FBT001 - Hypothesis hands it over by name
) -> None:
    body = {"items": asked} | ({} if purpose is None else {"purpose": purpose})
    raw = json.dumps(body, separators=(",", ":"), ensure_ascii=escaped).encode().replace(*spoilt, 1)
    found, strict = read_batch(opened, raw, most=MOST), strictly(opened, raw)
    if found is not None:
        assert strict == [told(one) for one in each(found)]
    if strict is not None:
        members: dict[str, Any] = read_json_object(raw)
        anew = read_items(opened, members["items"], members.get("purpose"))
        assert strict == [told(one) for one in each(anew)]


@given(asked=st.lists(items, min_size=1, max_size=4), spoilt=spoils, at=st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_lines_are_read_quickly_as_strictly(
    opened: Broker, asked: list[Any], spoilt: tuple[bytes, bytes], at: int
) -> None:
    lines = [json.dumps(item, separators=(",", ":")).encode() for item in asked]
    lines[at % len(lines)] = lines[at % len(lines)].replace(*spoilt, 1)
    assert [told(read_line(opened, line)) for line in lines] == [told(one) for one in each(read_lines(opened, lines))]


@pytest.mark.parametrize("purpose", [None, "customer-care"])
def test_what_is_as_usual_is_read_quickly(opened: Broker, purpose: str | None) -> None:
    body = {"items": [ITEM] * 3, **({} if purpose is None else {"purpose": purpose})}
    for found in (
        read_batch(opened, json.dumps(body).encode(), most=MOST),
        read_lines(opened, [json.dumps(ITEM).encode()] * 3),
    ):
        assert found
        assert [Question] * 3 == [type(one) for one in each(found)]


def test_a_line_with_two_items_is_no_item_and_moves_no_other(opened: Broker) -> None:
    one = json.dumps(ITEM).encode()
    first, second = each(read_lines(opened, [one + b"," + one, one]))
    assert isinstance(first, BrokerError)
    assert isinstance(second, Question)

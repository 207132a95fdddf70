"""The one reader of JSON: what two parsers could read differently is refused, and nothing breaks it."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.core.reading import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read_json, read_json_object
from broker.errors import MalformedRequest, RequestTooLarge

READ = {
    "an object": (b'{"a": 1}', {"a": 1}),
    "an empty object": (b"{}", {}),
    "a list": (b"[1, 2.5, null, true, false]", [1, 2.5, None, True, False]),
    "text alone": (b'"a"', "a"),
    "blanks around": (b" \t\r\n{}\n", {}),
    "UTF-8": ('{"n": "J\u00e4ne"}'.encode(), {"n": "J\u00e4ne"}),
    "an escaped letter": (b'"\\u00e4"', "\u00e4"),
    "an escaped pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "brackets in text": (b'"' + b"[" * 100 + b'"', "[" * 100),
    "commas in text": (b'"' + b"," * (MAX_VALUES + 1) + b'"', "," * (MAX_VALUES + 1)),
    "quotes in text": (b'["\\"[[\\\\", "\\\\"]', ['"[[\\', "\\"]),
    "the largest integer": (b"9007199254740992", 2**53),
    "the smallest integer": (b"-9007199254740992", -(2**53)),
    "the same name in two objects": (b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    "as deep as it may be": (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    "as many as may be": (b"[" + b"1," * (MAX_VALUES) + b"1]", None),
}


@pytest.mark.parametrize(("raw", "expected"), READ.values(), ids=READ.keys())
def test_plain_json_is_read(raw: bytes, expected: object) -> None:
    assert (json.loads(raw) if expected is None else expected) == read_json(raw)


TRAPS = {
    "nothing": (b"", "not JSON"),
    "blanks only": (b"  ", "not JSON"),
    "no JSON": (b"hello", "not JSON"),
    "half an object": (b'{"a": 1', "not JSON"),
    "text without an end": (b'"abc', "not JSON"),
    "text that ends in a backslash": (b'"abc\\', "not JSON"),
    "something after the end": (b"{} {}", "not JSON"),
    "a comma too many": (b"[1,]", "not JSON"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "a comment": (b"{} // {}", "not JSON"),
    "a line break in text": (b'"a\nb"', "not JSON"),
    "a leading zero": (b"01", "not JSON"),
    "a plus sign": (b"+1", "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "UTF-16": ("{}".encode("utf-16"), "byte order mark"),
    "UTF-16 of the other end": (b"\xfe\xff\x00{\x00}", "byte order mark"),
    "UTF-16 without a mark": ("{}".encode("utf-16-le"), "not JSON"),
    "UTF-32 without a mark": ("{}".encode("utf-32-be"), "not JSON"),
    "Latin-1": ('{"n": "J\u00e4ne"}'.encode("latin-1"), "UTF-8; byte 8"),
    "UTF-8 too long": (b'"\xc0\xaf"', "UTF-8"),
    "a surrogate in UTF-8": (b'"\xed\xa0\x80"', "UTF-8"),
    "a byte order mark as a letter": ("[\ufeff]".encode(), "not JSON"),
    "a name twice": (b'{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
    "a name twice, once escaped": (b'{"a": 1, "\\u0061": 2}', "'a' stands twice"),
    "a name twice further in": (b'[{"x": {"a": 1, "a": 1}}]', "'a' stands twice"),
    "an empty name twice": (b'{"": 1, "": 2}', "'' stands twice"),
    "NaN": (b"[NaN]", "NaN is not JSON"),
    "Infinity": (b"[Infinity]", "Infinity is not JSON"),
    "minus Infinity": (b"-Infinity", "-Infinity is not JSON"),
    "a number without an end": (b"1e999", "finite"),
    "an integer too large": (b"9007199254740993", "2\\^53"),
    "an integer too small": (b"-9007199254740993", "2\\^53"),
    "an integer of int8's size": (b"18446744073709551616", "2\\^53"),
    "a million digits": (b"1" * 1_000_000, "2\\^53"),
    "NUL": (b'"a\\u0000b"', "NUL"),
    "NUL in a name": (b'{"a\\u0000": 1}', "NUL"),
    "NUL in a list in an object": (b'{"a": ["\\u0000"]}', "NUL"),
    "a lone surrogate": (b'"\\ud800"', "surrogate"),
    "a lone low surrogate": (b'"\\udc00a"', "surrogate"),
    "a lone surrogate in a name": (b'{"\\ud800": 1}', "surrogate"),
    "surrogates the wrong way round": (b'"\\ude00\\ud83d"', "surrogate"),
    "one level too deep": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "32 levels"),
    "a hundred thousand levels": (b"[" * 100_000, "32 levels"),
    "a hundred thousand objects": (b'{"a":' * 100_000, "32 levels"),
    "deep behind a quote that ends nowhere": (b'"' + b"[" * 100_000, "not JSON"),
    "too many values": (b"[" + b"1," * (MAX_VALUES + 1) + b"1]", "values"),
    "too many names": (b"[" + b'{"":1},' * (MAX_VALUES // 2 + 1) + b"1]", "values"),
}


@pytest.mark.parametrize(("raw", "named"), TRAPS.values(), ids=TRAPS.keys())
def test_what_could_be_read_differently_is_refused(raw: bytes, named: str) -> None:
    with pytest.raises(MalformedRequest, match=named):
        read_json(raw)


def test_a_body_over_the_cap_is_too_large() -> None:
    assert "a" * (MAX_BYTES - 2) == read_json(b'"' + b"a" * (MAX_BYTES - 2) + b'"')
    with pytest.raises(RequestTooLarge, match="1048576"):
        read_json(b'"' + b"a" * (MAX_BYTES - 1) + b'"')


def test_a_caller_may_set_a_lower_cap() -> None:
    with pytest.raises(RequestTooLarge, match="at most 4 bytes"):
        read_json_object(b'{"a": 1}', max_bytes=4)


@pytest.mark.parametrize("raw", [b"[]", b'"{}"', b"1", b"null", b"true"])
def test_an_object_is_an_object(raw: bytes) -> None:
    with pytest.raises(MalformedRequest, match="object"):
        read_json_object(raw)
    assert {"a": [1]} == read_json_object(b'{"a": [1]}')


def test_a_long_name_is_not_repeated_whole() -> None:
    name = "n" * 1_000
    with pytest.raises(MalformedRequest) as refused:
        read_json(f'{{"{name}": 1, "{name}": 2}}'.encode())
    assert len(refused.value.detail) < 100


SLOW = {
    "quotes escaped without an end": b'"' + b'\\"' * 20_000,
    "backslashes without an end": b'"' + b"\\" * 40_001,
    "quotes escaped and a backslash at the end": b'"' + b'\\"' * 20_000 + b"\\",
    "many texts": b"[" + b'"",' * 60_000 + b'""]',
    "many names and the last one twice": (
        b"{" + b",".join(b'"%d":1' % number for number in range(20_000)) + b',"z":1,"z":1}'
    ),
}


@pytest.mark.parametrize("raw", SLOW.values(), ids=SLOW.keys())
def test_no_text_keeps_the_reader_busy(raw: bytes) -> None:
    """Time grows with the length and not with its square, which would take minutes here."""
    begun = time.perf_counter()
    with suppress(MalformedRequest):
        read_json(raw)
    assert time.perf_counter() - begun < 1


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
NEARLY_JSON = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            "\\",
            "1",
            "-0",
            "0",
            "1e3",
            "1E999",
            "1.5",
            "NaN",
            "Infinity",
            "true",
            "null",
            '"a"',
            '"a":',
            "\\u0000",
            "\\ud800",
            "\\udc00",
            "\n",
        ]
    ),
    max_size=12,
).map("".join)
BYTES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    NEARLY_JSON.map(str.encode),
    VALUE.map(lambda value: json.dumps(value).encode()),
    VALUE.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")),
)


@given(raw=BYTES)
@example(b"\xff\xfe")
@example(b'{"a":1,"a":1}')
def test_every_byte_string_is_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        value = read_json(raw, max_bytes=50)
    except (MalformedRequest, RequestTooLarge):
        return
    assert json.dumps(value) == json.dumps(json.loads(raw))


@given(value=VALUE)
def test_what_a_plain_writer_writes_is_read_as_it_was_meant(value: object) -> None:
    written = json.dumps(value)
    try:
        assert written == json.dumps(read_json(written.encode()))
    except MalformedRequest as refused:
        assert refused.detail.split()[0] in {"integers", "text", "NaN", "Infinity", "-Infinity"}, written  # noqa: PT017 - a property

"""The strict reader stands before the newer endpoints too: what is not exactly their JSON is a 400, and never a 500."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness import tags, wire
from harness.business import AGREEMENTS, Business, person_email

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

PAIR = {"account": {"platform": "x", "id": "7000000012"}, "identifier": person_email("jane@example.com")}
#: Path, scope, a good body, and the members that stand for a tag: what is wrong in those is refused by the terms.
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "match": ("match", {**PAIR, "purpose": "customer-care", "provenance": tags.user_provided()}),
    "associations": ("match", {**PAIR, "provenance": tags.in_directory()}),
    "contact/check": ("contact", {**PAIR, "content_sha256": "c" * 64, "content_simhash": "0" * 16}),
    "recipients": ("redistribute", {
        "name": "Institute of the strict", "agreements": dict(AGREEMENTS),
        "academic": {"institution": "Northern University", "statement": "Not commercial."},
        "permission": {"reference": "letter 7", "until": "2099-01-01"}}),
    "redistributions": ("redistribute", {"recipient": "a" * 26, "kind": "post_ids", "count": 1}),
}  # fmt: skip
#: What stands in place of a member; the reader itself refuses the last three wherever they stand.
WRONG: dict[str, object] = {
    "true": True, "a number": 7, "a fraction": 0.5, "a list": ["a"], "an object": {"a": "b"}, "null": None,
    "nothing": "", "a long text": "a" * 70_000, "a fullwidth letter": "\uff21", "a line break": "a\n",
}  # fmt: skip
UNREADABLE: dict[str, str] = {
    "a NUL": '"a\\u0000b"', "half a surrogate": '"\\ud800"', "NaN": "NaN", "an endless number": "1e999",
    "a number over 2^53": "9007199254740993", "a number of 5000 digits": "9" * 5000, "a deep nest": "[" * 40 + "]" * 40,
}  # fmt: skip
#: Members of a body that may be null or left out.
OPTIONAL = {"provenance", "content_sha256", "content_simhash", "academic", "permission"}
HERE = "@here@"


def send(business: Business, path: str, body: bytes) -> Any:  # noqa: ANN401 (a requests answer)
    """POST bytes as JSON."""
    return business.api("POST", path, scope=GOOD[path][0], data=body, headers={"Content-Type": "application/json"})


def places(value: object, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to every member of a body."""
    if isinstance(value, dict):
        for name, within in value.items():
            yield (*at, name)
            yield from places(within, (*at, name))


def put(body: dict[str, Any], at: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return a body with another value in one place."""
    changed = copy.deepcopy(body)
    inner = changed
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = value
    return changed


EVERYWHERE = [(path, at) for path, (_, body) in GOOD.items() for at in places(body)]
IN_BODIES = [(path, at) for path, at in EVERYWHERE if "provenance" not in at[:-1] and at[0] != "agreements"]
IN_TAGS = [(path, at) for path, at in EVERYWHERE if "provenance" in at[:-1]]


def named(place: tuple[str, tuple[str, ...]]) -> str:
    """Name a place."""
    return f"{place[0]} {'.'.join(place[1])}"


@pytest.mark.parametrize("path", GOOD)
def test_the_good_bodies_are_good(business: Business, path: str) -> None:
    answer = send(business, path, json.dumps(GOOD[path][1]).encode())
    assert answer.status_code in ({404} if path == "redistributions" else {200, 201}), answer.text


@pytest.mark.parametrize("place", EVERYWHERE, ids=named)
def test_what_no_reader_may_let_in_is_refused_wherever_it_stands(
    business: Business, place: tuple[str, tuple[str, ...]]
) -> None:
    path, at = place
    text = json.dumps(put(GOOD[path][1], at, HERE))
    for what, written in UNREADABLE.items():
        answer = send(business, path, text.replace(f'"{HERE}"', written).encode())
        assert (what, 400, True) == (what, answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("place", EVERYWHERE, ids=named)
def test_no_member_stands_twice_and_none_has_an_unknown_neighbour(
    business: Business, place: tuple[str, tuple[str, ...]]
) -> None:
    path, at = place
    text = json.dumps(put(GOOD[path][1], at, HERE))
    member = f'"{at[-1]}": "{HERE}"'
    assert 1 == text.count(member)
    value = GOOD[path][1]
    for name in at:
        value = value[name]
    good = f'"{at[-1]}": {json.dumps(value)}'
    for what, written in (("twice", f"{good}, {good}"), ("a neighbour", f'{good}, "tenant": "other"')):
        answer = send(business, path, text.replace(member, written).encode())
        assert (what, 400, True) == (what, answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("place", IN_BODIES, ids=named)
def test_a_member_of_another_type_is_a_problem_and_no_failure(
    business: Business, place: tuple[str, tuple[str, ...]]
) -> None:
    path, at = place
    for what, value in WRONG.items():
        if _fits(at, value):
            continue
        answer = send(business, path, json.dumps(put(GOOD[path][1], at, value)).encode())
        assert (what, 400, True) == (what, answer.status_code, wire.is_problem(answer)), answer.text


def _fits(at: tuple[str, ...], value: object) -> bool:
    """Tell whether a value is another good one in that place, or a no of another kind."""
    if value is None:
        return at[-1] in OPTIONAL or at[0] == "academic"
    if isinstance(value, str) and len(value) < 10:
        # Text where text belongs, and a purpose that nobody declared, are read.
        return (value == "\uff21" and at[-1] in {"value", "name", "institution", "statement", "reference"}) or (
            at[-1] in {"purpose", "institution", "statement", "reference", "value", "recipient"}
        )
    return at == ("count",) and value == 7 and value is not True


@pytest.mark.parametrize("place", IN_TAGS, ids=named)
def test_a_tag_with_a_member_of_another_type_is_refused_by_its_clause(
    business: Business, place: tuple[str, tuple[str, ...]]
) -> None:
    path, at = place
    for what, value in WRONG.items():
        if at[-1] in {"source", "disclosure"} and value is not None:
            continue  # the shape of an object
        answer = send(business, path, json.dumps(put(GOOD[path][1], at, value)).encode())
        body = answer.json()
        if path == "match":
            fine = answer.status_code == 200 and bool(body["context"]["clauses"])
        else:
            fine = answer.status_code == 201 or (answer.status_code == 422 and bool(body["clauses"]))
        assert fine, (what, answer.text)


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_a_body_of_another_kind_is_a_problem(business: Business, path: str, kind: str) -> None:
    body = json.dumps(GOOD[path][1]).encode()
    answer = business.api("POST", path, scope=GOOD[path][0], data=body, headers={"Content-Type": kind})
    assert (400, True) == (answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b"{", b"{}", b'"a"', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"[" * 100_000]
)
def test_what_is_no_object_is_a_problem(business: Business, path: str, body: bytes) -> None:
    answer = send(business, path, body)
    assert (400, True) == (answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("path", GOOD)
def test_only_size_is_413(business: Business, path: str) -> None:
    answer = send(business, path, b'{"account":"' + b"x" * (1024 * 1024) + b'"}')
    assert (413, True) == (answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("count", [0, -1, 10**12 + 1, 2**53 + 1, 1.0, "1", 10**30, True, [1]])
def test_a_count_is_a_whole_number_from_one(business: Business, count: object) -> None:
    answer = business.hand_over("a" * 26, count)
    assert (400, True) == (answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("day", ["2026-02-30", "2026-1-1", "yesterday", "20260110", "2026-01-10T00:00:00Z", "", 7])
@pytest.mark.parametrize("member", ["agreements", "permission"])
def test_a_day_is_a_day(business: Business, day: object, member: str) -> None:
    papers: dict[str, object] = {"agreements": {**AGREEMENTS, "privacy_policy": day}}
    if member == "permission":
        papers = {"permission": {"reference": "letter 7", "until": day}}
    answer = business.add_recipient(**papers)
    assert (400, True) == (answer.status_code, wire.is_problem(answer))

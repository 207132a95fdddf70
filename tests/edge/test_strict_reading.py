"""One strict reader for every body: what other JSON parsers swallow is a problem here, never a failure."""

import json
import socket
import time

import pytest
import requests
from harness import wire
from harness.business import Business
from harness.running import RunningBroker

#: What is looked at here happens before any row is, or after: one kind of database is enough.
pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

GOOD = (
    '{"account":{"platform":"x","id":"12"},'
    '"identifier":{"kind":"person","type":"email","value":"jane@example.com"},"purpose":"customer-care"}'
)
DEEP = 100_000


def put(old: str, new: str) -> bytes:
    """Return the good body with one part in another shape."""
    assert GOOD.count(old) >= 1
    return GOOD.replace(old, new, 1).encode()


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b"   ",
    "null": b"null",
    "true": b"true",
    "a number": b"7",
    "text": b'"hello"',
    "a list": b"[]",
    "a list of requests": f"[{GOOD}]".encode(),
    "an empty object": b"{}",
    "cut short": GOOD[:-1].encode(),
    "two documents": (GOOD + GOOD).encode(),
    "rubbish after it": (GOOD + "x").encode(),
    "a comment": b"/* hello */" + GOOD.encode(),
    "a trailing comma": put('"customer-care"}', '"customer-care",}'),
    "single quotes": GOOD.replace('"', "'").encode(),
    "a NUL, escaped": put("jane", "ja\\u0000ne"),
    "a NUL, raw": put("jane", "ja\x00ne"),
    "a NUL in the id": put('"12"', '"1\\u00002"'),
    "a NUL in the purpose": put("customer-care", "customer\\u0000care"),
    "a NUL in a name": put('"purpose"', '"purp\\u0000ose"'),
    "a lone high surrogate": put("jane", "\\ud800jane"),
    "a lone low surrogate": put("jane", "jane\\udc00"),
    "a surrogate in the purpose": put("customer-care", "\\udfff"),
    "a surrogate in a name": put('"purpose"', '"\\ud800":1,"purpose"'),
    "surrogates in the wrong order": put("jane", "\\udc00\\ud800"),
    "lists without end": b"[" * DEEP,
    "lists within lists": b"[" * DEEP + b"]" * DEEP,
    "objects within objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a nest as the account": put('{"platform":"x","id":"12"}', "[" * DEEP + "]" * DEEP),
    "thirty-three deep": put('{"platform":"x","id":"12"}', "[" * 33 + "]" * 33),
    "an integer over 64 bits": put('"12"', "18446744073709551616"),
    "an integer over 2^53": put('"12"', "9007199254740993"),
    "an integer of 5000 digits": put('"12"', "1" * 5000),
    "an integer of a million digits": put('"12"', "1" * 900_000),
    "a float for the id": put('"12"', "12.0"),
    "an exponent": put('"12"', "1e999"),
    "an exponent of many digits": put('"12"', "1e" + "9" * 500),
    "NaN": put('"12"', "NaN"),
    "Infinity": put('"12"', "Infinity"),
    "minus Infinity": put('"12"', "-Infinity"),
    "true for the id": put('"12"', "true"),
    "null for the id": put('"12"', "null"),
    "a list for the id": put('"12"', '["12"]'),
    "an object for the id": put('"12"', '{"$gt":""}'),
    "a key twice": put('"purpose":"customer-care"', '"purpose":"background-check","purpose":"customer-care"'),
    "an id twice": put('"id":"12"', '"id":"12","id":"13"'),
    "a key twice by escape": put('"id":"12"', '"id":"12","\\u0069d":"13"'),
    "an unknown field": put('"purpose"', '"extra":1,"purpose"'),
    "an unknown field within": put('"platform"', '"extra":1,"platform"'),
    "a prototype": put('"purpose"', '"__proto__":{"admin":true},"purpose"'),
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-16 without a mark": GOOD.encode("utf-16-le"),
    "UTF-32": GOOD.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "Latin-1": GOOD.replace("jane", "j\u00e4ne").encode("latin-1"),
    "overlong UTF-8": GOOD.encode().replace(b"jane", b"j\xc0\x80ne"),
    "UTF-8 of a surrogate": GOOD.encode().replace(b"jane", b"j\xed\xa0\x80ne"),
    "UTF-8 past the end": GOOD.encode().replace(b"jane", b"j\xf4\x90\x80\x80"),
    "half a letter": GOOD.encode().replace(b"jane", b"j\xc3"),
    "a tab in text": put("jane", "ja\tne"),
    "a line break in text": put("jane", "ja\nne"),
    "a million members": b'{"a":[' + b"0," * 400_000 + b"0]}",
    "a purpose of a megabyte": put("customer-care", "c" * 900_000),
}


def send(business: Business, body: object, kind: str | None = "application/json", **headers: str) -> requests.Response:
    """Send bytes to the match endpoint."""
    sent = {**wire.bearer(business.client_token()), **headers}
    if kind is not None:
        sent["Content-Type"] = kind
    return wire.post(f"{business.issuer}/v1/match", data=body, headers=sent)


def test_the_good_body_is_good(business: Business) -> None:
    answer = send(business, GOOD.encode())
    assert (200, False) == (answer.status_code, answer.json()["decision"])


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_is_not_exactly_json_is_a_problem(business: Business, body: bytes) -> None:
    answer = send(business, body)
    assert (400, True) == (answer.status_code, wire.is_problem(answer)), answer.text


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonp", "", None,
     "text/json", "multipart/form-data; boundary=x"],
)  # fmt: skip
def test_a_body_of_another_type_is_a_problem(business: Business, kind: str | None) -> None:
    answer = send(business, GOOD.encode(), kind)
    assert (400, True) == (answer.status_code, wire.is_problem(answer)), answer.text


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
)
def test_json_may_say_that_it_is_utf_8(business: Business, kind: str) -> None:
    assert 200 == send(business, GOOD.encode(), kind).status_code


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_packed_body_is_not_unpacked(business: Business, encoding: str) -> None:
    answer = send(business, GOOD.encode(), **{"Content-Encoding": encoding})
    assert answer.status_code in {400, 415}


def test_only_size_is_413(business: Business) -> None:
    answer = send(business, b'{"account":"' + b"x" * (1024 * 1024) + b'"}')
    assert (413, True) == (answer.status_code, wire.is_problem(answer))


def test_size_is_counted_not_believed(business: Business) -> None:
    chunks = (b" " * 65_536 for _ in range(40))
    assert 413 == send(business, chunks).status_code


MANY = 20_000
SLOW: dict[str, bytes] = {
    "quotes, each escaped, and no end": b'"' + b'\\"' * MANY,
    "quotes without end in a member": b'{"account":"' + b'\\"' * MANY,
    "names, of which the last stands twice": b"{"
    + b",".join(b'"%d":1' % n for n in range(MANY))
    + b',"%d":1}' % (MANY - 1),
    "empty objects": b"[" + b"{}," * MANY + b"{}]",
    "digits": b'{"purpose":' + b"9" * MANY + b"}",
    "spaces": b'{"purpose":"' + b" " * MANY + b'"}',
    "backslashes": b'{"purpose":"' + b"\\" * MANY + b'"}',
}


@pytest.mark.parametrize("body", SLOW.values(), ids=SLOW.keys())
def test_no_body_is_slow_to_refuse(business: Business, body: bytes) -> None:
    business.client_token()
    started = time.monotonic()
    answer = send(business, body)
    assert answer.status_code in {200, 400}
    assert time.monotonic() - started < 1.5


def test_who_is_not_known_learns_nothing_about_the_body(broker: RunningBroker) -> None:
    for body in (b"{}", BODIES["lists within lists"], GOOD.encode()):
        answer = broker.post("/v1/match", data=body, headers={"Content-Type": "application/json"})
        assert 401 == answer.status_code


def test_letters_beyond_the_basic_plane_are_letters(business: Business) -> None:
    body = json.loads(GOOD)
    body["identifier"] = {"kind": "person", "type": "customer_id", "value": "\U0001f33b-1009"}
    assert 200 == business.ask_match(body).status_code


@pytest.mark.parametrize("given", ["abc-123", "a" * 64, "0193b8f0-6c7a-7d2e-9b1a-5f0c2e4d8a91"])
def test_a_request_id_comes_back(broker: RunningBroker, business: Business, given: str) -> None:
    answers = [
        broker.get("/health/live", headers={"X-Request-ID": given}),
        business.ask_match(json.loads(GOOD), **{"X-Request-ID": given}),
        broker.post("/v1/match", headers={"X-Request-ID": given}),
    ]
    assert [given] * 3 == [answer.headers.get("X-Request-ID") for answer in answers]


@pytest.mark.parametrize(
    "given",
    ["a b", "<script>", "a" * 5000, "a;b=c", '"', "\u00e9", "a\tb", "../..", "%0d%0aSet-Cookie:a=b", "{}"],
)
def test_a_hostile_request_id_does_not_come_back(broker: RunningBroker, given: str) -> None:
    answer = broker.get("/health/live", headers={"X-Request-ID": given.encode("latin-1")})
    assert answer.status_code < 500
    assert given not in (answer.headers.get("X-Request-ID") or "")


def raw(broker: RunningBroker, request: bytes) -> bytes:
    """Send bytes on a connection of their own and return the beginning of the answer."""
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/match HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/match HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/match HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET /consents/%ff%fe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /consents/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /consents?a=%ff%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /consents HTTP/1.1\r\nHost: a\r\nCookie: \xff\xfe=\x01\r\nConnection: close\r\n\r\n",
        b"GET /consents HTTP/1.1\r\nHost: a\r\nCookie: =x; __Host-a\r\nConnection: close\r\n\r\n",
        b"GET http://attacker.example/consents HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
    ids=[
        "two lengths of two kinds",
        "two lengths",
        "a negative length",
        "an unknown coding",
        "bad UTF-8 in the path",
        "NUL in the path",
        "bad UTF-8 in the query",
        "a cookie of bytes",
        "a nameless cookie",
        "another authority",
    ],
)
def test_bytes_that_are_no_good_request_never_fail_the_server(broker: RunningBroker, request_bytes: bytes) -> None:
    answer = raw(broker, request_bytes)
    assert b" 5" != answer[8:10]
    assert 200 == broker.get("/health/live").status_code

"""What may be asked of a person: one object of authorization_details (RFC 9396), read to the letter."""

import json
from typing import Any

import pytest
from harness import wire
from harness.business import Business

#: What is looked at here happens before any row is, or after: one kind of database is enough.
pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

ID = {"kind": "person", "type": "email", "value": "jane@example.com"}


def identifier(**changes: object) -> dict[str, object]:
    """Return a details change whose identifier is changed; None leaves a member out."""
    whole = {**ID, **changes}
    return {"identifier": {name: value for name, value in whole.items() if value is not None}}


WRONG_DETAILS: dict[str, dict[str, Any]] = {
    "an unknown member": {"note": "hello"},
    "a text of the client's own": {"message": "Click Allow to win"},
    "another type": {"type": "openid_connect"},
    "no type": {"type": None},
    "an unknown platform": {"platform": "myspace"},
    "no platform": {"platform": None},
    "a platform that is a number": {"platform": 7},
    "a platform with a NUL": {"platform": "x\x00"},
    "an unknown purpose": {"purposes": ["world-domination"]},
    "a purpose that was not declared": {"purposes": ["fraud-prevention"]},
    "a prohibited purpose": {"purposes": ["background-check"]},
    "one good and one prohibited purpose": {"purposes": ["customer-care", "profiling"]},
    "no purposes": {"purposes": []},
    "purposes left out": {"purposes": None},
    "purposes as text": {"purposes": "customer-care"},
    "a purpose that is a number": {"purposes": [1]},
    "a purpose twice": {"purposes": ["customer-care", "customer-care"]},
    "no identifier": {"identifier": None},
    "an identifier as text": {"identifier": "jane@example.com"},
    "an unknown kind": identifier(kind="soul"),
    "an unknown identifier type": identifier(type="passport"),
    "a type of another kind": identifier(kind="household"),
    "no address": identifier(value=""),
    "half an address": identifier(value="jane"),
    "an address with a line break": identifier(value="jane@example.com\n"),
    "an address with a NUL": identifier(value="ja\x00ne@example.com"),
    "a lone surrogate": identifier(value="\ud800@example.com"),
    "a value that is a number": identifier(value=1009),
    "a value too long": identifier(value="j" * 400 + "@example.com"),
    "a phone without a country": identifier(type="phone", value="0301234567"),
    "a phone of letters": identifier(type="phone", value="+49CALLME"),
    "an unknown identifier member": identifier(label="VIP"),
    "a name where none belongs": identifier(name="loyalty-card"),
    "other without a name": identifier(kind="other", type="other"),
    "valid_for in words": {"valid_for": "one year"},
    "valid_for of nothing": {"valid_for": "P0D"},
    "valid_for backwards": {"valid_for": "-P1Y"},
    "valid_for of a century": {"valid_for": "P100Y"},
    "valid_for as a number": {"valid_for": 365},
    "valid_for with a line break": {"valid_for": "P1Y\n"},
    "valid_for empty": {"valid_for": ""},
    "valid_for of endless digits": {"valid_for": "P" + "9" * 400 + "D"},
    "a handle with a line break": {"handle": "johndoe\n"},
    "a handle too long": {"handle": "a" * 16},
    "a handle with a Kelvin sign": {"handle": "\u212aelvin"},
    "a Cyrillic handle": {"handle": "j\u043ehndoe"},
    "a fullwidth handle": {"handle": "\uff4aohn"},
    "an empty handle": {"handle": ""},
    "a handle that is a number": {"handle": 12},
    "a locale that is a number": {"locale": 7},
    "a locale that is a path": {"locale": "../../etc/passwd"},
    "a brand that was not registered": {"brand": "Contoso"},
}


@pytest.mark.parametrize("changes", WRONG_DETAILS.values(), ids=WRONG_DETAILS.keys())
def test_details_that_are_not_exactly_right_are_refused(business: Business, changes: dict[str, Any]) -> None:
    answer = business.par(details=business.details(**changes)).answer
    assert (400, "invalid_authorization_details") == wire.error_of(answer)
    assert "Location" not in answer.headers


GOOD = json.dumps(
    {
        "type": "off_platform_match",
        "platform": "x",
        "identifier": ID,
        "purposes": ["customer-care"],
        "valid_for": "P1Y",
        "locale": "en",
    }
)

WRONG_TEXTS = {
    "two objects": f"[{GOOD},{GOOD}]",
    "no object": "[]",
    "an object in place of a list": GOOD,
    "a list in a list": f"[[{GOOD}]]",
    "text": '"off_platform_match"',
    "null": "null",
    "no JSON": "off_platform_match",
    "nothing": "",
    "JSON cut short": f"[{GOOD}",
    "a duplicate key": '[{"platform": "x", ' + GOOD[1:] + "]",
    "a duplicate key within": f"[{GOOD.replace(chr(34) + 'kind' + chr(34), chr(34) + 'type' + chr(34), 1)}]",
    "NaN": f"[{GOOD.replace(chr(34) + 'P1Y' + chr(34), 'NaN')}]",
    "Infinity": f"[{GOOD.replace(chr(34) + 'P1Y' + chr(34), '-Infinity')}]",
    "an endless number": f"[{GOOD.replace(chr(34) + 'P1Y' + chr(34), '1' * 5000)}]",
    "a deep nest": "[" * 2000 + "]" * 2000,
    "a byte order mark": "\ufeff" + f"[{GOOD}]",
    "an escaped NUL": f"[{GOOD.replace('jane', 'ja' + chr(92) + 'u0000ne')}]",
    "an escaped surrogate": f"[{GOOD.replace('jane', 'ja' + chr(92) + 'ud800ne')}]",
}


@pytest.mark.parametrize("text", WRONG_TEXTS.values(), ids=WRONG_TEXTS.keys())
def test_details_are_read_strictly(business: Business, text: str) -> None:
    answer = business.par(details=text).answer
    assert 400 == answer.status_code
    assert answer.json()["error"] in {"invalid_authorization_details", "invalid_request"}


def test_a_nest_of_a_hundred_thousand_is_a_refusal(business: Business) -> None:
    answer = business.par(details="[" * 100_000).answer
    assert answer.status_code in {400, 413}


def test_a_request_without_details_is_refused(business: Business) -> None:
    answer = business.par(authorization_details=None).answer
    assert 400 == answer.status_code


@pytest.mark.parametrize(
    "details",
    [
        {"valid_for": "P30D"},
        {"valid_for": "P6M"},
        {"locale": "de"},
        {"handle": "JohnDoe"},
        {"identifier": {"kind": "person", "type": "phone", "value": "+4930123456"}},
        {"identifier": {"kind": "person", "type": "customer_id", "value": "C-1009"}},
        {"identifier": {"kind": "household", "type": "household_id", "value": "H-7"}},
        {"identifier": {"kind": "device", "type": "device_id", "value": "D-7"}},
        {"identifier": {"kind": "browser", "type": "browser_id", "value": "B-7"}},
        {"identifier": {"kind": "other", "type": "other", "name": "loyalty-card", "value": "L-7"}},
    ],
    ids=[
        "days",
        "months",
        "German",
        "handle",
        "phone",
        "customer",
        "household",
        "device",
        "browser",
        "other",
    ],
)
def test_every_kind_of_identifier_may_be_asked_for(business: Business, details: dict[str, Any]) -> None:
    assert 201 == business.par(details=business.details(**details)).answer.status_code

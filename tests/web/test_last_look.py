"""What a person reads and takes home of how their account was last seen at its platform."""

from __future__ import annotations

import json
from typing import Any

import pytest
from acts_of_platforms import seen
from builders import Clock, consented, proved, registered
from contract import faults
from flask.testing import FlaskClient
from web.test_actions import shown, visit
from web.test_records import JANE, ROOT

from broker.actions.broker import Broker
from broker.core.consent import ConsentRecord

NAMED = "This account was last seen at X on {day}, named @{handle}."
GONE = "On 26 November 2026 this account was not to be found at X: nothing is matched until it is seen again."
PROTECTED = "Since 26 November 2026 it is known to be protected: no business may match it on what it found in public."
PAGES = ("/consents", "/consents/everything")


@pytest.fixture
def record(broker: Broker) -> ConsentRecord:
    """Give Jane's consent, of 23 November 2026."""
    return consented(broker, registered(broker))


def account_of(http: FlaskClient) -> dict[str, Any]:
    """What the export says of the account."""
    found = json.loads(shown(http, "/consents/export"))
    assert [] == list(faults(found, json.loads((ROOT / "schemas" / "person-export.json").read_text())))
    account: dict[str, Any] = found["account"]
    return account


def test_an_account_that_nobody_asked_about_is_as_it_was_proved(
    broker: Broker, http: FlaskClient, record: ConsentRecord
) -> None:
    visitor = visit(broker, http, record)
    assert "last seen at" not in shown(visitor), "who they are signed in as is said there already"
    assert NAMED.format(day="23 November 2026", handle="JaneCanary") in shown(visitor, "/consents/everything")
    account = account_of(visitor)
    assert ("JaneCanary", None, None, None) == (
        account["seen_as"],
        account["checked_at"],
        account["gone_at"],
        account["protected_at"],
    )


def test_a_renamed_account_is_shown_under_both_of_its_names(
    broker: Broker, http: FlaskClient, clock: Clock, record: ConsentRecord
) -> None:
    clock.passes(days=3)
    seen(broker, handle="JaneMoved")
    visitor = visit(broker, http, record)
    for path in PAGES:
        page = shown(visitor, path)
        assert NAMED.format(day="26 November 2026", handle="JaneMoved") in page
        assert ("@JaneCanary" in page, "protected" in page) == (True, False)
    account = account_of(visitor)
    assert ("JaneCanary", "JaneMoved") == (account["handle"], account["seen_as"])
    assert ("2026-11-23", "2026-11-26") == (account["proved_at"][:10], account["checked_at"][:10])


def test_one_that_is_gone_is_said_to_be_until_it_is_seen_again(
    broker: Broker, http: FlaskClient, clock: Clock, record: ConsentRecord
) -> None:
    clock.passes(days=3)
    seen(broker, gone=True, protected=True)
    visitor = visit(broker, http, record)
    for path in PAGES:
        page = shown(visitor, path)
        assert (GONE in page, "last seen at" in page) == (True, False)
        assert "protected" not in page, "nothing is matched at all"
    assert "2026-11-26" == account_of(visitor)["gone_at"][:10]
    clock.passes(days=1)
    proved(broker, JANE, None)
    visitor = visit(broker, http, record)
    assert all("not to be found" not in shown(visitor, path) for path in PAGES)
    account = account_of(visitor)
    assert (None, "2026-11-26", "2026-11-27") == (
        account["gone_at"],
        account["checked_at"][:10],
        account["proved_at"][:10],
    )


def test_one_that_is_protected_is_said_to_be_also_after_a_proof_that_says_nothing_of_it(
    broker: Broker, http: FlaskClient, clock: Clock, record: ConsentRecord
) -> None:
    clock.passes(days=3)
    seen(broker, protected=True)
    clock.passes(days=1)
    proved(broker, JANE, None)
    visitor = visit(broker, http, record)
    for path in PAGES:
        page = shown(visitor, path)
        assert (NAMED.format(day="27 November 2026", handle="JaneCanary") in page, PROTECTED in page) == (True, True)
    assert "2026-11-26" == account_of(visitor)["protected_at"][:10]


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "war dieses Konto bei X nicht zu finden"), ("ar", "لم يُعثر على هذا الحساب على \u2068X\u2069")],
)
def test_it_is_said_in_the_persons_language(
    broker: Broker, http: FlaskClient, record: ConsentRecord, language: str, words: str
) -> None:
    seen(broker, gone=True)
    visitor = visit(broker, http, record)
    assert all(words in shown(visitor, path, language) for path in PAGES)

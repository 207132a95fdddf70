"""Global Privacy Control as it comes, and as the broker says that it heeds it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from broker.actions.broker import Broker
from broker.app import create_app
from broker.policies import Policies
from broker.web.signals import signalled

SENT = {
    "1": True,
    "1, 1": True,  # a proxy that joins what was sent twice
    "1,1": True,
    "0": False,
    "": False,
    "true": False,
    "01": False,
    "1.0": False,
    '"1"': False,
    "1;q=1": False,
    "1, 0": False,
    "1,": False,
    "\u0661": False,
}


@pytest.mark.parametrize(("value", "expected"), SENT.items())
def test_one_counts_and_nothing_else_does(value: str, expected: bool) -> None:  # noqa: FBT001 - a table
    with Flask(__name__).test_request_context(environ_overrides={"HTTP_SEC_GPC": value.encode().decode("latin-1")}):
        assert request.headers["Sec-GPC"] or not value
        assert expected is signalled()


def test_a_browser_that_says_nothing_signals_nothing() -> None:
    with Flask(__name__).test_request_context():
        assert not signalled()


def test_the_broker_says_that_it_heeds_the_signal(http: FlaskClient) -> None:
    answer = http.get("/.well-known/gpc.json")
    assert (200, "application/json") == (answer.status_code, answer.mimetype)
    assert {"gpc": True, "lastUpdate": "2026-11-23"} == answer.json


def test_under_terms_that_do_not_heed_it_the_broker_says_that_too(broker: Broker) -> None:
    terms = broker.policies.governing("x")
    deaf = replace(terms, clauses=tuple(clause for clause in terms.clauses if clause.id != "SIGNAL-1"))
    http = create_app(replace(broker, policies=Policies({**broker.policies.by_platform, "x": deaf}))).test_client()
    assert {"gpc": False, "lastUpdate": "2026-11-23"} == http.get("/.well-known/gpc.json").json


def test_terms_whose_only_ground_is_consent_heed_it_without_a_clause(broker: Broker) -> None:
    assert broker.policies.by_platform["x"].signalled == {"direct-marketing"}
    others = [policy for name, policy in broker.policies.by_platform.items() if name != "x"]
    assert others
    assert all(policy.heeds_signal and not policy.signalled for policy in others)

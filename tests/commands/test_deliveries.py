"""``broker deliveries``: what waits, what was given up and why, and letting it go again; the doctor names it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from builders import NOON
from desk import refusal

from broker.actions.broker import Broker
from broker.actions.manage_stream import Wish, create_stream
from broker.app import create_app
from broker.cli import main
from broker.core.delivery import State
from broker.doctor import examine
from broker.store.deliveries import bury, find_deliveries, mark_tried
from broker.store.events import save_event


@pytest.fixture
def given_up(broker: Broker, client_id: str) -> str:
    """Give an event that was given up, beside one that waits; return its id."""
    event_id = broker.new_id()
    with broker.database.transaction() as tx:
        for name, account in ((event_id, b"a" * 16), (broker.new_id(), b"b" * 16)):
            save_event(
                tx, event_id=name, account=account, client_id=client_id, kind="consent-withdrawn", grant_id="g",
                receipt_id="r", given_id="r", txn="t", now=NOON,
            )  # fmt: skip
        problem = "the receiver refused it: invalid_key"
        mark_tried(tx, client_id, event_id, now=NOON, again_at=NOON, problem=problem)
        bury(tx, [(client_id, event_id)], now=NOON + timedelta(hours=72), problem="not acknowledged")
    return event_id


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What a command says, line by line."""
    capsys.readouterr()
    assert 0 == main(["deliveries", *arguments])
    return capsys.readouterr().out.splitlines()


def test_each_client_that_is_behind_has_its_line(
    broker: Broker, client_id: str, given_up: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given_up
    lines = [line for line in said(capsys, "list") if client_id in line]
    assert [f"{client_id}  no stream: 1 waiting since 2026-11-23T12:00:00Z, 1 given up"] == lines
    with broker.database.transaction() as tx:
        create_stream(tx, broker, client_id=client_id, wish=Wish())
    assert any(line.startswith(f"{client_id}  enabled, polled: 1 waiting") for line in said(capsys, "list"))


def test_what_was_given_up_is_listed_with_what_went_wrong(
    client_id: str, given_up: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = (
        f"{client_id}  {given_up}  consent-withdrawn  2026-11-23T12:00:00Z  dead after 1 attempts:"
        " the receiver refused it: invalid_key"
    )
    assert [line] == said(capsys, "list", "--dead", "--client", client_id)
    assert 2 == len(said(capsys, "list", "--client", client_id))


def test_one_event_is_shown_whole(client_id: str, given_up: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads("\n".join(said(capsys, "show", given_up)))
    assert (client_id, "dead", 1, "2026-11-26T12:00:00Z", {"grant_id": "g", "receipt_id": "r"}) == tuple(
        shown[name] for name in ("client_id", "state", "attempts", "ended_at", "told")
    )
    assert 1 == main(["deliveries", "show", "another"])
    assert "no delivery of an event of that id" in refusal(capsys)


@pytest.mark.parametrize("named", ["--event", "--client"])
def test_what_was_given_up_goes_again_when_an_operator_says_so(
    broker: Broker, client_id: str, given_up: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ["1 go out again"] == said(capsys, "retry", named, given_up if named == "--event" else client_id)
    with broker.database.reading() as tx:
        (delivery,) = find_deliveries(tx, client_id=client_id, event_id=given_up, limit=2)
    assert (State.PENDING, 0, None, None) == (
        delivery.state, delivery.attempts, delivery.first_attempt_at, delivery.ended_at
    )  # fmt: skip
    assert 1 == main(["deliveries", "retry", "--event", given_up])


def test_the_doctor_names_what_was_given_up_until_it_goes_again(
    given_up: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given_up
    (found,) = [finding for finding in examine() if finding.name == "deliveries"]
    assert not found.ok
    assert "were given up; see `broker deliveries list --dead`" in found.detail
    said(capsys, "retry")
    (found,) = [finding for finding in examine() if finding.name == "deliveries"]
    assert (True, True) == (found.ok, "waiting" in found.detail)


def test_readiness_asks_for_attention_and_is_no_less_ready(
    broker: Broker, given_up: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given_up
    http = create_app(broker).test_client()
    before = http.get("/health/ready")
    said(capsys, "retry")
    after = http.get("/health/ready")
    assert ["deliveries"] == before.json["attention"]  # type: ignore[index]
    assert "attention" not in after.json  # type: ignore[operator]
    assert (before.status_code, before.json["checks"]) == (after.status_code, after.json["checks"])  # type: ignore[index]
    assert "deliveries" not in before.json["checks"]  # type: ignore[index]

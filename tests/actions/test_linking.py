from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import BROWSER, NOON, Clock, a_request, all_at_once, an_account, asked, consented, proved
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.linking import (
    ConsentRequest,
    begin_link,
    claim_callback,
    new_attempt,
    open_proved,
    record_proof,
)
from broker.core.client import Client
from broker.core.identifiers import ProvenAccount
from broker.errors import FlowBroken, HandleMismatch
from broker.platforms import Attempt
from broker.store.flows import Link
from broker.store.people import Bearer, bearer_of


def begin(broker: Broker, request: ConsentRequest | None) -> tuple[str, Attempt]:
    """Send a browser on its way to the platform."""
    attempt = new_attempt(broker, "x")
    with broker.database.transaction() as tx:
        return begin_link(tx, broker, platform="x", attempt=attempt, request=request, browser=BROWSER), attempt


def come_back(broker: Broker, state: str, *, browser: str = BROWSER, platform: str = "x") -> tuple[Link, Attempt]:
    """Take the way back in a transaction of its own."""
    with broker.database.transaction() as tx:
        return claim_callback(tx, broker, platform=platform, state=state, browser=browser)


def prove(broker: Broker, link: Link, account: ProvenAccount) -> None:
    """Record a proof in a transaction of its own."""
    with broker.database.transaction() as tx:
        record_proof(tx, broker, link, account, browser=BROWSER)


def written(broker: Broker) -> dict[str, int]:
    """Count the rows of every table that has one."""
    with broker.database.transaction() as tx:
        return {name: len(rows) for name, rows in all_rows(tx).items() if rows}


def test_every_attempt_has_secrets_of_its_own_and_one_way_back(broker: Broker) -> None:
    attempts = [new_attempt(broker, "x") for _ in range(10)]
    secrets = {secret for attempt in attempts for secret in (attempt.state, attempt.verifier, attempt.nonce)}
    assert 30 == len(secrets)
    assert {"https://consent.example/link/x/callback"} == {attempt.redirect_uri for attempt in attempts}
    assert 43 <= min(len(attempt.verifier) for attempt in attempts) <= 128


def test_the_way_back_brings_what_was_begun(broker: Broker, client: Client, clock: Clock) -> None:
    request = a_request(client, handle="JaneCanary", brand="Northwind Kids", locale="de")
    link_id, attempt = begin(broker, request)
    clock.passes(minutes=1)
    link, same = come_back(broker, attempt.state)
    assert link.request is not None
    assert (link_id, request) == (link.link_id, ConsentRequest.from_sealed(link.request))
    assert replace(attempt, now=clock.now) == same


@pytest.mark.parametrize(
    "changes", [{"state": "made up"}, {"browser": "another"}, {"platform": "another"}],
    ids=["with another state", "in another browser", "from another platform"],
)  # fmt: skip
def test_a_way_back_that_was_not_begun_is_refused_and_spends_nothing(
    broker: Broker, client: Client, changes: dict[str, str]
) -> None:
    _, attempt = begin(broker, a_request(client))
    with pytest.raises(FlowBroken):
        come_back(broker, **{"state": attempt.state, **changes})
    come_back(broker, attempt.state)


def test_a_way_back_is_taken_once(broker: Broker, client: Client) -> None:
    _, attempt = begin(broker, a_request(client))
    come_back(broker, attempt.state)
    with pytest.raises(FlowBroken):
        come_back(broker, attempt.state)


def test_of_many_ways_back_at_once_one_is_taken(broker: Broker, client: Client) -> None:
    _, attempt = begin(broker, a_request(client))
    outcomes = all_at_once(8, lambda _: come_back(broker, attempt.state))
    assert 7 == sum(isinstance(outcome, FlowBroken) for outcome in outcomes)


@pytest.mark.parametrize(("minutes", "in_time"), [(9.9, True), (10, False), (600, False)])
def test_the_platform_may_take_ten_minutes(
    broker: Broker, client: Client, clock: Clock, minutes: float, *, in_time: bool
) -> None:
    _, attempt = begin(broker, a_request(client))
    clock.passes(minutes=minutes)
    if in_time:
        come_back(broker, attempt.state)
        return
    with pytest.raises(FlowBroken):
        come_back(broker, attempt.state)


@pytest.mark.parametrize(("minutes", "in_time"), [(9.9, True), (10, False)])
def test_reading_may_take_ten_minutes_more(
    broker: Broker, client: Client, clock: Clock, minutes: float, *, in_time: bool
) -> None:
    link_id, attempt = begin(broker, a_request(client))
    clock.passes(minutes=9)
    prove(broker, come_back(broker, attempt.state)[0], an_account())
    clock.passes(minutes=minutes)
    if in_time:
        with broker.database.transaction() as tx:
            open_proved(tx, broker, link_id, browser=BROWSER)
        return
    with pytest.raises(FlowBroken), broker.database.transaction() as tx:
        open_proved(tx, broker, link_id, browser=BROWSER)


def test_what_was_proved_is_all_that_the_notice_needs(broker: Broker, client: Client, clock: Clock) -> None:
    request = a_request(client, valid_for="P90D")
    link_id, attempt = begin(broker, request)
    clock.passes(minutes=2)
    prove(broker, come_back(broker, attempt.state)[0], an_account())
    with broker.database.transaction() as tx:
        seen = open_proved(tx, broker, link_id, browser=BROWSER)
    moment = NOON + timedelta(minutes=2)
    assert (link_id, request, an_account(), moment, moment + timedelta(days=90)) == (
        seen.link_id, seen.request, seen.proven, seen.proved_at, seen.valid_until,
    )  # fmt: skip


def test_another_browser_reads_nothing_of_it(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), a_request(client))
    with pytest.raises(FlowBroken), broker.database.transaction() as tx:
        open_proved(tx, broker, seen.link_id, browser="another")


def test_nothing_is_read_before_the_proof(broker: Broker, client: Client) -> None:
    link_id, attempt = begin(broker, a_request(client))
    come_back(broker, attempt.state)
    with pytest.raises(FlowBroken), broker.database.transaction() as tx:
        open_proved(tx, broker, link_id, browser=BROWSER)


def test_a_sign_in_of_ones_own_has_no_request_and_no_end(broker: Broker) -> None:
    seen = proved(broker, an_account(), None)
    assert (None, None, an_account()) == (seen.request, seen.valid_until, seen.proven)


@pytest.mark.parametrize("named", ["JaneCanary", "janecanary", "JANECANARY"])
def test_the_handle_of_the_form_may_be_written_in_any_case(broker: Broker, client: Client, named: str) -> None:
    assert an_account() == proved(broker, an_account(), a_request(client, handle=named)).proven


@pytest.mark.parametrize("named", ["JaneCanary2", "JaneCanar", "Jane_Canary", "BobCanary"])
def test_a_proof_of_another_handle_than_the_forms_leaves_nothing(broker: Broker, client: Client, named: str) -> None:
    link_id, attempt = begin(broker, a_request(client, handle=named))
    link, _ = come_back(broker, attempt.state)
    before = written(broker)
    with pytest.raises(HandleMismatch) as caught:
        prove(broker, link, an_account())
    assert {"proved": "JaneCanary", "named": named} == caught.value.values
    assert before == written(broker)
    with pytest.raises(FlowBroken), broker.database.transaction() as tx:
        open_proved(tx, broker, link_id, browser=BROWSER)


def test_a_proof_alone_leaves_no_row_about_the_pair(broker: Broker, client: Client) -> None:
    before = written(broker)
    proved(broker, an_account(), a_request(client))
    assert {"people": 1, "handles": 1, "links": 1} == {
        name: count for name, count in written(broker).items() if count != before.get(name) and name != "trail"
    }


def test_a_later_proof_brings_the_new_handle_and_the_id_stays(broker: Broker, client: Client) -> None:
    first = consented(broker, client)
    second = consented(broker, client, an_account(handle="moved_on"))
    assert first.account == second.account
    assert asked(broker, client).decision.permitted


def test_proofs_of_one_account_at_once_leave_it_one_handle(broker: Broker) -> None:
    proved(broker, an_account(handle="zero"), None)
    links = [come_back(broker, begin(broker, None)[1].state)[0] for _ in range(4)]
    outcomes = all_at_once(4, lambda number: prove(broker, links[number], an_account(handle=f"name{number}")))
    assert [None] * 4 == outcomes
    account = broker.blinder.account(an_account().account)
    with broker.database.transaction() as tx:
        names = [broker.blinder.handle("x", name) for name in ("zero", "name0", "name1", "name2", "name3")]
        assert [Bearer(account, held=True)] == [
            bearer for name in names if (bearer := bearer_of(tx, name)) and bearer.held
        ]

"""A withdrawal against a second grant of the same pair: whoever comes first, nothing survives that came before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from acts_of_terms import offered
from builders import (
    Clock,
    a_choice,
    a_question,
    a_request,
    a_tag,
    all_at_once,
    an_account,
    asked,
    consented,
    proved,
)
from events import deliveries, pushed, states, streamed
from lives import erased, with_marks
from raw_rows import all_rows
from receivers import Receiver
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.expire_consents import expire_consents
from broker.actions.push_events import push_events
from broker.actions.record_consent import record_consent
from broker.actions.withdraw_consent import relinquish_grant, withdraw_all, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.core.post import PostAnswer
from broker.errors import NotFound
from broker.proof.sdjwt import SdJwt
from broker.store.deliveries import find_deliveries

ROUNDS = 8
Withdraw = Callable[[Broker, ConsentRecord], None]


def one(broker: Broker, record: ConsentRecord) -> None:
    """Press the button beside the consent that the page shows."""
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


def everything(broker: Broker, record: ConsentRecord) -> None:
    """Press the button below all of them."""
    with broker.database.transaction() as tx:
        withdraw_all(tx, broker, account=record.account)


def withdrawals(broker: Broker, record: ConsentRecord) -> int:
    """How many consents of the person were withdrawn, by their receipts."""
    with broker.database.transaction() as tx:
        rows = all_rows(tx)["receipts"]
    return sum((row["account"], row["status"]) == (record.account, "withdrawn") for row in rows)


def unwatched(broker: Broker) -> None:
    """Let rows be looked at in the end, and not after every step: of many rounds that is most of the time."""
    assert isinstance(broker.database, WatchedDatabase)
    broker.database.broker = None


@pytest.mark.parametrize("withdraw", [one, everything])
def test_a_withdrawal_that_comes_after_the_second_yes_ends_it(
    broker: Broker, client: Client, withdraw: Withdraw
) -> None:
    """The page that the button is on was shown before the second yes, and names the first grant."""
    first = consented(broker, client)
    consented(broker, client)
    withdraw(broker, first)
    assert "withdrawn" == asked(broker, client).decision.reason
    assert ["consent-granted", "consent-granted", "consent-withdrawn"] == [it.kind for it in deliveries(broker, client)]


@pytest.mark.parametrize("withdraw", [one, everything])
def test_of_a_withdrawal_and_a_second_yes_at_once_the_later_stands(
    broker: Broker, client: Client, withdraw: Withdraw
) -> None:
    """In either order one consent is withdrawn: the first, or the one in its place. None would be one that survived."""
    unwatched(broker)
    for number in range(ROUNDS):
        account = an_account(f"60000000{number}", f"Twice_{number}")
        first = consented(broker, client, account)
        choice = a_choice(proved(broker, account, a_request(client)), "customer-care")

        def act(racer: int, first: ConsentRecord = first, choice: object = choice) -> None:
            if racer:
                withdraw(broker, first)
                return
            with broker.database.transaction() as tx:
                record_consent(tx, broker, client, choice)  # type: ignore[arg-type]

        assert [None, None] == all_at_once(2, act)
        assert 1 == withdrawals(broker, first)
        with broker.database.transaction() as tx:
            rows = [row for row in all_rows(tx)["consents"] if row["account"] == first.account]
        last = max((row for row in rows), key=lambda row: row["grant_id"] != first.grant_id)
        expected = {("revoked", "withdrawn"), ("withdrawn", "given")}
        assert (next(row["status"] for row in rows if row["grant_id"] == first.grant_id), last["status"]) in expected


def test_a_client_that_gave_up_what_was_renewed_gives_up_no_more(broker: Broker, client: Client) -> None:
    """Only the person's own word reaches further than the grant that it names."""
    first = consented(broker, client)
    consented(broker, client)
    with broker.database.transaction() as tx:
        relinquish_grant(tx, broker, client_id=client.client_id, grant_id=first.grant_id)
    assert asked(broker, client).decision.permitted
    assert 0 == expire_consents(broker)


@pytest.mark.parametrize("ended", ["given up", "over"])
def test_who_takes_back_what_was_renewed_is_heard_though_the_renewal_ended_without_them(
    broker: Broker, client: Client, clock: Clock, ended: str
) -> None:
    first = consented(broker, client)
    second = consented(broker, client, valid_for="P1D")
    offered(broker, client, a_tag())
    if ended == "given up":
        with broker.database.transaction() as tx:
            relinquish_grant(tx, broker, client_id=client.client_id, grant_id=second.grant_id)
    clock.passes(days=1)
    assert "user_provided" == asked(broker, client).decision.basis
    one(broker, first)
    assert not asked(broker, client).decision.permitted


# --- and against what else may be under way -----------------------------------------------------------------------


def kinds_told(broker: Broker, record: ConsentRecord) -> list[str]:
    """What a business is told about one grant, the earliest first."""
    with broker.database.reading() as tx:
        found = find_deliveries(tx, client_id=record.client_id, limit=100_000)
    return [it.kind for it in found if it.told["grant_id"] == record.grant_id]


@pytest.mark.parametrize("withdraw", [one, everything])
def test_of_a_withdrawal_and_an_erasure_at_once_nothing_survives(
    broker: Broker, client: Client, tmp_path: Path, withdraw: Withdraw
) -> None:
    """Who withdraws second finds nobody any more; either way the business is told that it ended, once."""
    broker = with_marks(broker, tmp_path)
    unwatched(broker)
    for number in range(4):
        account = an_account(f"61000000{number}", f"Gone_{number}")
        record = consented(broker, client, account)
        acts = (partial(withdraw, broker, record), partial(erased, broker, account))
        done = all_at_once(2, lambda racer, acts=acts: acts[racer]())
        assert done[0] is None or isinstance(done[0], NotFound)
        assert isinstance(done[1], SdJwt)
        assert not asked(broker, client, a_question(account)).decision.permitted
        assert kinds_told(broker, record) == ["consent-granted", "consent-withdrawn", "account-erased"]


def test_of_an_end_of_every_kind_at_once_the_business_is_told_of_one(
    broker: Broker, client: Client, clock: Clock
) -> None:
    """The last moment of a consent: the person, their link's holder, the business, and its date."""
    unwatched(broker)
    for number in range(4):
        account = an_account(f"62000000{number}", f"Last_{number}")
        record = consented(broker, client, account, valid_for="P1D")
        clock.passes(days=1)
        early = replace(broker, now=lambda: clock() - timedelta(seconds=1))
        by_business = {"client_id": client.client_id, "grant_id": record.grant_id}
        acts: list[Callable[[], object]] = [
            partial(one, early, record),
            partial(everything, early, record),
            partial(in_a_transaction, early, partial(relinquish_grant, **by_business)),
            partial(expire_consents, broker),
        ]
        done = all_at_once(4, lambda racer, acts=acts: acts[racer]())
        assert not [failure for failure in done if isinstance(failure, Exception)]
        assert not asked(broker, client, a_question(account)).decision.permitted
        granted, ended = kinds_told(broker, record)
        assert "consent-granted" == granted
        assert ended in {"consent-withdrawn", "consent-expired"}


def in_a_transaction(broker: Broker, act: Callable[..., object]) -> None:
    """Do it."""
    with broker.database.transaction() as tx:
        act(tx, broker)


class WithdrawsMeanwhile(Receiver):
    """A receiver to whom a consent is being told while its person takes it back."""

    meanwhile: Callable[[], None]

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        """Be sent a SET; it is not acknowledged before the withdrawal has committed."""
        if not self.received:
            self.meanwhile()
        return super().post(url, body, headers=headers)


def test_a_withdrawal_while_the_grant_is_being_told_is_told_after_it(broker: Broker, client: Client) -> None:
    """The deliverer holds no lock that a withdrawal would wait for, and loses nothing that came meanwhile."""
    receiver = WithdrawsMeanwhile(keys=broker.keys.jwks())
    broker = replace(broker, courier=receiver)
    streamed(broker, client)
    record = consented(broker, client)
    receiver.meanwhile = partial(one, broker, record)
    pushed(broker, client)
    assert ["consent-granted", "consent-withdrawn"] == receiver.kinds()
    assert {"delivered"} == set(states(broker, client))


def test_withdrawals_while_events_are_delivered_reach_the_receiver_once_and_in_order(
    broker: Broker, client: Client
) -> None:
    receiver = Receiver(keys=broker.keys.jwks())
    broker = replace(broker, courier=receiver)
    streamed(broker, client)
    records = [consented(broker, client, an_account(f"63000000{it}", f"Told_{it}")) for it in range(6)]

    def act(racer: int) -> None:
        if racer < 2:
            for _ in range(len(records)):
                push_events(broker, client.client_id, holder=f"worker {racer}")
            return
        for record in records[racer % 2 :: 2]:
            one(broker, record)

    assert [None] * 4 == all_at_once(4, act)
    pushed(broker, client)
    told = [(it["sub_id"]["jti"], next(iter(it["events"])).rpartition("/")[2]) for it in receiver.received]
    for record in records:
        mine = dict.fromkeys(kind for about, kind in told if about == record.receipt_id)
        assert ["consent-granted", "consent-withdrawn"] == list(mine)
    assert 2 * len(records) == len(receiver.taken)

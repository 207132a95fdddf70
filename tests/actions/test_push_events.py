"""Pushing: at least once, an account's events in order, and nobody waits for another; a dead letter after 72 hours."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from builders import Clock, a_broker, all_at_once, an_account, consented, registered
from events import PUSH, a_person, deliveries, pushed, states, streamed, withdrawn
from invariants import assert_sound
from receivers import ACCEPTED, Answering, Receiver, a_receiver, fails, is_gone, refuses
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.actions.erase_person import Order, erase_person
from broker.actions.find_traces import traces_of_account
from broker.actions.manage_stream import ask_verification, give_up_stream, set_status, update_stream
from broker.actions.push_events import IN_A_ROW, LEASE, give_up, push_events
from broker.core.client import Client
from broker.core.delivery import StreamStatus
from broker.core.post import PostAnswer
from broker.proof.journal import create_journal
from broker.store.streams import Work, lease_stream


@pytest.fixture
def receiver(broker: Broker) -> Receiver:
    """Give the business's end of the line."""
    return a_receiver(broker)


@pytest.fixture
def pushing(broker: Broker, receiver: Receiver) -> Broker:
    """Give a broker that can reach it."""
    return replace(broker, courier=receiver)


def test_a_set_names_the_grant_and_the_receipt_it_was_given_with_and_nobody(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    record = consented(pushing, client)
    stream = streamed(pushing, client)
    clock.passes(minutes=1)
    withdrawn(pushing, record)
    assert 2 == pushed(pushing, client)
    granted, ended = receiver.received
    uri = "https://consent.example/secevent/consent/event-type/consent-{}".format
    told = deliveries(pushing, client)
    assert {
        "iss": "https://consent.example", "aud": client.client_id, "jti": told[1].event_id, "txn": told[1].txn,
        "iat": int(clock.now.timestamp()),
        "sub_id": {"format": "jwt_id", "iss": "https://consent.example", "jti": record.receipt_id},
        "events": {uri("withdrawn"): {"event_timestamp": int(clock.now.timestamp()), "grant_id": record.grant_id,
                                      "receipt_id": told[1].told["receipt_id"]}},
    } == ended  # fmt: skip
    assert granted["events"][uri("granted")]["receipt_id"] == record.receipt_id != told[1].told["receipt_id"]
    assert "Bearer of the receiver's own" == receiver.headers["Authorization"]
    assert not {str(value) for value in (an_account().account.id, an_account().handle, stream.stream_id)} & set(
        str(receiver.received)
    )


def test_what_happened_before_there_was_a_stream_waits_for_it(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    withdrawn(pushing, consented(pushing, client))
    clock.passes(days=100)
    assert (0, 0) == (pushed(pushing, client), give_up(pushing))
    streamed(pushing, client)
    assert (2, ["consent-granted", "consent-withdrawn"]) == (pushed(pushing, client), receiver.kinds())


def test_only_a_202_says_that_an_event_is_there(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    consented(pushing, client)
    streamed(pushing, client)
    for answer in (200, 204, 302, 401, 404, 429, 500, 503):
        receiver.answers = lambda _claims, answer=answer: PostAnswer(answer, b"")
        assert 1 == pushed(pushing, client)
        assert (
            f"the receiver answered {answer}, where 202 says that it has it" == deliveries(pushing, client)[0].problem
        )
        clock.passes(hours=1)
    assert ["pending"] == states(pushing, client)
    receiver.answers = lambda _claims: ACCEPTED
    assert (1, ["delivered"]) == (pushed(pushing, client), states(pushing, client))


def test_what_a_receiver_refuses_stays_visible_without_what_it_says_besides(
    pushing: Broker, receiver: Receiver, client: Client
) -> None:
    consented(pushing, client)
    streamed(pushing, client)
    receiver.answers = refuses
    pushed(pushing, client)
    assert "the receiver refused it: invalid_audience" == deliveries(pushing, client)[0].problem


NO_CODE = (b"", b"no JSON", b"[]", b'{"err": 1}', b'{"err": "a\\nb"}', b'{"err": "' + b"x" * 99 + b'"}')


@pytest.mark.parametrize("body", NO_CODE)
def test_a_refusal_in_no_form_is_one_all_the_same(
    pushing: Broker, receiver: Receiver, client: Client, body: bytes
) -> None:
    consented(pushing, client)
    streamed(pushing, client)
    receiver.answers = lambda _claims: PostAnswer(400, body)
    pushed(pushing, client)
    assert "the receiver refused it: without an error code" == deliveries(pushing, client)[0].problem


def only(kind: str, otherwise: Answering) -> Answering:
    """Take events of one kind, and do with others what is said."""
    return lambda claims: ACCEPTED if next(iter(claims["events"])).endswith(kind) else otherwise(claims)


def test_the_next_event_of_an_account_waits_for_the_one_before_and_other_accounts_do_not(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    withdrawn(pushing, consented(pushing, client))
    streamed(pushing, client)
    first = deliveries(pushing, client)[0].event_id
    receiver.answers = lambda claims: fails(claims) if claims["jti"] == first else ACCEPTED
    clock.passes(seconds=1)
    for number in range(3):
        consented(pushing, client, a_person(number))
    pushed(pushing, client)
    assert ["pending", "pending", "delivered", "delivered", "delivered"] == states(pushing, client)
    receiver.answers = lambda _claims: ACCEPTED
    clock.passes(seconds=2)
    pushed(pushing, client)
    assert ["delivered"] * 5 == states(pushing, client)
    assert receiver.taken.index(first) < receiver.taken.index(deliveries(pushing, client)[1].event_id)


def test_an_event_that_was_lost_on_the_way_back_comes_again_and_says_the_same(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    consented(pushing, client)
    streamed(pushing, client)
    receiver.answers = is_gone
    pushed(pushing, client)
    receiver.answers = lambda _claims: ACCEPTED
    clock.passes(minutes=10)
    pushed(pushing, client)
    assert receiver.received[0] == receiver.received[1]
    assert 1 == len(receiver.taken)


def test_a_receiver_that_is_gone_is_asked_after_one_event_and_then_left_alone(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    for number in range(5):
        consented(pushing, client, a_person(number))
    streamed(pushing, client)
    receiver.answers = is_gone
    rounds = []
    for _ in range(12):
        rounds.append(pushed(pushing, client))
        clock.passes(minutes=5)
    assert [1] * 12 == rounds
    receiver.answers = lambda _claims: ACCEPTED
    assert 5 == pushed(pushing, client)


def test_a_receiver_that_fails_three_times_in_a_row_is_left_alone(
    pushing: Broker, receiver: Receiver, client: Client
) -> None:
    for number in range(5):
        consented(pushing, client, a_person(number))
    streamed(pushing, client)
    receiver.answers = fails
    assert (IN_A_ROW, 0) == (pushed(pushing, client), pushed(pushing, client))


def test_what_fails_for_72_hours_is_given_up_with_an_alarm_and_the_next_one_goes(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    withdrawn(pushing, consented(pushing, client))
    streamed(pushing, client)
    pushing.database.broker = None  # type: ignore[attr-defined] # three days: looked at before and after
    receiver.answers = only("consent-withdrawn", fails)
    for _ in range(72):
        assert (1, 0) == (pushed(pushing, client), give_up(pushing))
        clock.passes(hours=1)
    assert 1 == give_up(pushing)
    alarms = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert [f"1 events for client {client.client_id} were given up: see `broker deliveries list --dead`"] == alarms
    pushed(pushing, client)
    assert ["dead", "delivered"] == states(pushing, client)


def test_a_receiver_that_is_gone_for_72_hours_has_lost_what_happened_before(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    for number in range(3):
        consented(pushing, client, a_person(number))
    streamed(pushing, client)
    receiver.answers = is_gone
    pushing.database.broker = None  # type: ignore[attr-defined] # three days: looked at before and after
    for hour in range(74):
        pushed(pushing, client)
        if hour == 40:
            consented(pushing, client, a_person(9))
        clock.passes(hours=1)
    assert 3 == give_up(pushing)
    assert ["dead", "dead", "dead", "pending"] == states(pushing, client)


def test_a_receiver_that_is_gone_is_looked_for_every_few_minutes_where_one_event_is_all_that_waits(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    consented(pushing, client)
    streamed(pushing, client)
    receiver.answers = is_gone
    for _ in range(20):
        assert 1 == pushed(pushing, client)
        clock.passes(minutes=5)


def test_what_waits_behind_an_event_that_a_receiver_refuses_is_not_given_up_with_it(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    withdrawn(pushing, consented(pushing, client))
    streamed(pushing, client)
    pushing.database.broker = None  # type: ignore[attr-defined] # three days: looked at before and after
    receiver.answers = is_gone
    pushed(pushing, client)
    receiver.answers = only("consent-withdrawn", refuses)
    for _ in range(72):
        clock.passes(hours=1)
        pushed(pushing, client)
    assert (1, 1) == (give_up(pushing), pushed(pushing, client))
    assert ["dead", "delivered"] == states(pushing, client)


def test_a_paused_stream_keeps_its_events_and_a_disabled_one_gives_them_up(
    pushing: Broker, receiver: Receiver, client: Client
) -> None:
    record, stream = consented(pushing, client), streamed(pushing, client)

    def turned(status: StreamStatus) -> None:
        with pushing.database.transaction() as tx:
            set_status(tx, pushing, client_id=client.client_id, stream_id=stream.stream_id, status=status, reason=None)

    turned(StreamStatus.PAUSED)
    assert (0, 0, []) == (pushed(pushing, client), give_up(pushing), receiver.received)
    turned(StreamStatus.ENABLED)
    assert 1 == pushed(pushing, client)
    turned(StreamStatus.DISABLED)
    withdrawn(pushing, record)
    assert (0, 1) == (pushed(pushing, client), give_up(pushing))
    assert "the stream is disabled" == deliveries(pushing, client)[1].problem
    turned(StreamStatus.ENABLED)
    assert (0, ["delivered", "dead"]) == (pushed(pushing, client), states(pushing, client))


def test_what_failed_once_is_kept_by_a_stream_that_pauses_and_then_has_all_its_time_again(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    consented(pushing, client)
    same = {"client_id": client.client_id, "stream_id": streamed(pushing, client).stream_id}
    receiver.answers = fails
    pushing.database.broker = None  # type: ignore[attr-defined] # days: looked at before and after
    for status in (StreamStatus.PAUSED, StreamStatus.ENABLED):
        pushed(pushing, client)
        with pushing.database.transaction() as tx:
            set_status(tx, pushing, **same, status=status, reason=None)
        clock.passes(hours=71 if status is StreamStatus.ENABLED else 100)
        assert (0, ["pending"]) == (give_up(pushing), states(pushing, client))


def test_what_failed_once_waits_for_the_next_stream_and_then_has_all_its_time_again(
    pushing: Broker, receiver: Receiver, client: Client, clock: Clock
) -> None:
    consented(pushing, client)
    stream = streamed(pushing, client)
    receiver.answers = fails
    pushed(pushing, client)
    with pushing.database.transaction() as tx:
        give_up_stream(tx, pushing, client_id=client.client_id, stream_id=stream.stream_id)
    pushing.database.broker = None  # type: ignore[attr-defined] # days: looked at before and after
    clock.passes(hours=100)
    assert (0, ["pending"]) == (give_up(pushing), states(pushing, client))
    streamed(pushing, client)
    assert (0, 1, ["pending"]) == (give_up(pushing), pushed(pushing, client), states(pushing, client))


def test_what_a_stream_does_not_ask_for_is_passed_over_in_its_turn(
    pushing: Broker, receiver: Receiver, client: Client
) -> None:
    wanted = "https://consent.example/secevent/consent/event-type/consent-withdrawn"
    withdrawn(pushing, consented(pushing, client))
    streamed(pushing, client, PUSH, wanted, "https://another.example/event")
    pushed(pushing, client)
    assert (["unwanted", "delivered"], ["consent-withdrawn"]) == (states(pushing, client), receiver.kinds())


def test_a_verification_says_what_it_was_asked_to_and_waits_for_no_account(
    pushing: Broker, receiver: Receiver, client: Client
) -> None:
    consented(pushing, client)
    stream = streamed(pushing, client)
    receiver.answers = only("verification", fails)
    with pushing.database.transaction() as tx:
        ask_verification(tx, pushing, client_id=client.client_id, stream_id=stream.stream_id, state="as asked")
    pushed(pushing, client)
    taken = next(claims for claims in receiver.received if claims["jti"] in receiver.taken)
    assert {"format": "opaque", "id": stream.stream_id} == taken["sub_id"]
    assert {"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "as asked"}} == taken["events"]


def test_a_new_address_is_tried_at_once(pushing: Broker, receiver: Receiver, client: Client) -> None:
    consented(pushing, client)
    stream = streamed(pushing, client)
    receiver.answers = is_gone
    pushed(pushing, client)
    receiver.answers = lambda _claims: ACCEPTED
    assert 0 == pushed(pushing, client)
    with pushing.database.transaction() as tx:
        same = {"client_id": client.client_id, "stream_id": stream.stream_id}
        update_stream(tx, pushing, **same, wish=PUSH, whole=False, said={})
    assert 1 == pushed(pushing, client)


def test_of_an_erased_person_every_business_is_told_and_no_two_see_that_it_is_one(
    database: WatchedDatabase,
    clock: Clock,
    tmp_path: Any,  # noqa: ANN401
) -> None:
    broker = a_broker(database, clock=clock)
    broker = replace(broker, log=replace(broker.log, marks=tmp_path))
    create_journal(tmp_path)
    clients = [registered(broker, owner=name) for name in ("Northwind", "Contoso")]
    shops = {client.client_id: a_receiver(broker) for client in clients}
    for client in clients:
        consented(broker, client)
    with broker.database.transaction() as tx:
        traces = traces_of_account(tx, broker, an_account().account)
        erase_person(tx, broker, traces, Order(erasure_id=broker.new_id()))
    assert_sound(database, broker)
    for client in clients:
        streamed(replace(broker, courier=shops[client.client_id]), client)
        pushed(replace(broker, courier=shops[client.client_id]), client)
        assert ["consent-granted", "consent-withdrawn", "account-erased"] == shops[client.client_id].kinds()
    seen = [{str(value) for claims in shop.received for value in words(claims)} for shop in shops.values()]
    common = {value for value in seen[0] & seen[1] if "consent.example" not in value and not value.isdigit()}
    assert {"jwt_id"} == common


def words(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Every value in a claim set."""
    if isinstance(value, dict):
        return [word for entry in value.values() for word in words(entry)]
    return [value]


def test_two_workers_at_once_send_nothing_twice(pushing: Broker, receiver: Receiver, client: Client) -> None:
    for number in range(6):
        consented(pushing, client, a_person(number))
    streamed(pushing, client)
    sent = all_at_once(4, lambda number: push_events(pushing, client.client_id, holder=f"worker {number}"))
    assert ([0, 0, 0, 6], 6) == (sorted(sent), len(receiver.received))


def test_a_worker_that_died_leaves_its_streams_to_others_after_a_while(
    pushing: Broker, client: Client, clock: Clock
) -> None:
    consented(pushing, client)
    streamed(pushing, client)
    with pushing.database.transaction() as tx:
        assert lease_stream(tx, client.client_id, "the dead", now=clock.now, until=clock.now + LEASE)
    assert (0, 0) == (pushed(pushing, client), push_events(pushing, client.client_id, holder="another"))
    clock.passes(seconds=LEASE.seconds)
    assert 1 == pushed(pushing, client)


def test_a_client_sees_its_own_events_only(
    pushing: Broker, receiver: Receiver, client: Client, other_client: Client
) -> None:
    consented(pushing, other_client)
    streamed(pushing, client)
    assert (0, []) == (pushed(pushing, client), receiver.received)


def test_a_round_ends_and_leaves_the_rest_to_the_next(pushing: Broker, client: Client) -> None:
    for number in range(4):
        consented(pushing, client, a_person(number))
    streamed(pushing, client)
    asked = iter([True, True, False])
    assert 2 == push_events(pushing, client.client_id, holder="a worker", wanted=lambda: next(asked))
    assert 2 == pushed(pushing, client)


@pytest.mark.parametrize("answer", [ACCEPTED, PostAnswer(500, b"")], ids=["taken", "failed"])
@pytest.mark.parametrize("change", ["paused", "disabled", "changed", "given up"])
def test_a_round_stops_when_its_stream_is_another_by_now_and_leaves_that_as_it_is(
    pushing: Broker, receiver: Receiver, client: Client, answer: PostAnswer, change: str
) -> None:
    for number in range(4):
        consented(pushing, client, a_person(number))
    stream = streamed(pushing, client)
    which = {"client_id": client.client_id, "stream_id": stream.stream_id}

    def meanwhile(_claims: dict[str, Any]) -> PostAnswer:
        with pushing.database.transaction() as tx:
            if change == "given up":
                give_up_stream(tx, pushing, **which)
            elif change == "changed":
                update_stream(tx, pushing, **which, wish=PUSH, whole=True, said={})
            else:
                set_status(tx, pushing, **which, status=StreamStatus(change), reason=None)
        return answer

    consented(pushing, client, a_person(9))
    with pushing.database.transaction() as tx:
        update_stream(tx, pushing, **which, wish=replace(PUSH, description="before"), whole=False, said={})
    receiver.answers = meanwhile
    assert 1 == push_events(pushing, client.client_id, holder="a worker")
    waiting = [it for it in deliveries(pushing, client) if it.state.value == "pending"]
    assert (4 if answer == ACCEPTED else 5) == len(waiting)
    assert {(0, None, pushing.now() >= waiting[0].next_attempt_at)} == {
        (it.attempts, it.problem, True) for it in waiting
    }
    with pushing.database.transaction() as tx:
        until = pushing.now() + LEASE
        work = lease_stream(tx, client.client_id, "another", now=pushing.now(), until=until)
        assert (None if change == "given up" else Work()) == work


def test_a_suspended_business_still_hears_of_the_end_of_what_it_holds(
    pushing: Broker, receiver: Receiver, client: Client
) -> None:
    record = consented(pushing, client)
    streamed(pushing, client)
    with pushing.database.transaction() as tx:
        suspend_client(tx, pushing, client.client_id, Change(who="an operator", why="it misused what it had"))
    withdrawn(pushing, record)
    pushed(pushing, client)
    assert ["consent-granted", "consent-withdrawn"] == receiver.kinds()

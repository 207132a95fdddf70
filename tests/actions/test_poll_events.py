"""Polling: what is acknowledged does not come again, what is not does; an account's next event waits for its first."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import Clock, all_at_once, consented
from events import POLL, PUSH, a_person, deliveries, pushed, states, streamed, withdrawn
from receivers import Receiver, a_receiver, read_set
from sqlalchemy import event

from broker.actions import poll_events as poll_events_module
from broker.actions.broker import Broker
from broker.actions.manage_stream import (
    VERIFICATION_INTERVAL,
    StreamExists,
    TooOften,
    Wish,
    ask_verification,
    check_wish,
    configuration,
    create_stream,
    give_up_stream,
    own_stream,
    set_status,
    streams_of,
    update_stream,
)
from broker.actions.poll_events import MOST, Poll, Polled, has_events, poll_events
from broker.actions.push_events import give_up
from broker.core.client import Client
from broker.core.delivery import Method, Stream, StreamStatus
from broker.errors import MalformedRequest, NotFound

LATE = timedelta(hours=72)


def polled(broker: Broker, stream: Stream, *acknowledged: str, most: int = MOST, **errors: str) -> Polled:
    """Poll once."""
    poll = Poll(most=most, acknowledged=acknowledged, errors=errors)
    with broker.database.transaction() as tx:
        return poll_events(tx, broker, client_id=stream.client_id, stream_id=stream.stream_id, poll=poll)


def kinds(sets: Sequence[str]) -> list[str]:
    """The types of some SETs, by their last words."""
    payloads: list[dict[str, Any]] = [json.loads(urlsafe_b64decode(text.split(".")[1] + "==")) for text in sets]
    return [next(iter(payload["events"])).rpartition("/")[2] for payload in payloads]


def turned(broker: Broker, stream: Stream, status: StreamStatus) -> None:
    """Turn a stream."""
    with broker.database.transaction() as tx:
        set_status(tx, broker, client_id=stream.client_id, stream_id=stream.stream_id, status=status, reason="as asked")


def test_what_is_handed_out_is_a_set_of_the_clients_own(broker: Broker, client: Client, other_client: Client) -> None:
    consented(broker, client)
    consented(broker, other_client)
    sets = polled(broker, streamed(broker, client, POLL)).sets
    (claims,) = [read_set(text, broker.keys.jwks()) for text in sets.values()]
    assert (client.client_id, {claims["jti"]}) == (claims["aud"], set(sets))


def test_nobody_acknowledges_or_refuses_what_is_anothers(broker: Broker, client: Client, other_client: Client) -> None:
    consented(broker, client)
    (event_id,) = polled(broker, streamed(broker, client, POLL)).sets
    others = streamed(broker, other_client, POLL)
    polled(broker, others, event_id, **{event_id: "invalid_key"})
    assert [("pending", None)] == [(it.state.value, it.problem) for it in deliveries(broker, client)]


def test_what_is_not_acknowledged_comes_again_and_what_is_does_not(broker: Broker, client: Client) -> None:
    consented(broker, client)
    stream = streamed(broker, client, POLL)
    first, second = polled(broker, stream).sets, polled(broker, stream).sets
    assert first.keys() == second.keys()
    assert {} == polled(broker, stream, *first).sets
    assert {} == polled(broker, stream, *first).sets


def test_the_next_event_of_an_account_comes_when_the_one_before_is_acknowledged(
    broker: Broker, client: Client, clock: Clock
) -> None:
    stream = streamed(broker, client, POLL)
    withdrawn(broker, consented(broker, client))
    clock.passes(seconds=1)
    consented(broker, client, a_person(1))
    first = polled(broker, stream)
    assert ["consent-granted", "consent-granted"] == kinds(list(first.sets.values()))
    mine = deliveries(broker, client)[0].event_id
    assert mine in first.sets
    then = polled(broker, stream, mine)
    assert ["consent-granted", "consent-withdrawn"] == sorted(kinds(list(then.sets.values())))


def test_no_more_is_handed_out_than_asked_for_and_what_was_longest_ago_goes_first(
    broker: Broker, client: Client, clock: Clock
) -> None:
    stream = streamed(broker, client, POLL)
    for number in range(3):
        consented(broker, client, a_person(number))
    seen = []
    for _ in range(3):
        clock.passes(seconds=1)
        answer = polled(broker, stream, most=1)
        assert (1, True) == (len(answer.sets), answer.more)
        seen += answer.sets
    assert 3 == len(set(seen))
    assert (({}, True), ({}, False)) == tuple(
        (answer.sets, answer.more) for answer in (polled(broker, stream, most=0), polled(broker, stream, *seen, most=0))
    )


def test_what_a_receiver_cannot_take_is_left_alone_for_a_while_and_given_up_in_the_end(
    broker: Broker, client: Client, clock: Clock
) -> None:
    stream = streamed(broker, client, POLL)
    withdrawn(broker, consented(broker, client))
    (event_id,) = polled(broker, stream).sets
    polled(broker, stream, **{event_id: "invalid_key"})
    assert ("the receiver refused it: invalid_key", {}) == (
        deliveries(broker, client)[0].problem, polled(broker, stream).sets
    )  # fmt: skip
    clock.passes(hours=1)
    assert {event_id} == polled(broker, stream).sets.keys()
    clock.passes(hours=71)
    assert 1 == give_up(broker)
    assert ["consent-withdrawn"] == kinds(list(polled(broker, stream).sets.values()))


@pytest.fixture
def asked(broker: Broker) -> Iterator[list[str]]:
    """Give the statements that the database is asked."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(broker.database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(broker.database.engine, "before_cursor_execute", note)


def test_refusing_what_is_not_there_costs_one_statement_however_much_it_is(
    broker: Broker, client: Client, asked: list[str]
) -> None:
    stream, counts = streamed(broker, client, POLL), list[int]()
    for made_up in (1, 1000):
        asked.clear()
        polled(broker, stream, **{f"{number:026}": "invalid_request" for number in range(made_up)})
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_an_acknowledgement_that_comes_late_counts(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client)
    stream = streamed(broker, client, POLL)
    (event_id,) = polled(broker, stream).sets
    clock.passes(days=4)
    give_up(broker)
    assert ["dead"] == states(broker, client)
    polled(broker, stream, event_id)
    assert ["delivered"] == states(broker, client)


def test_what_nobody_has_polled_waits_for_as_long_as_it_takes(broker: Broker, client: Client, clock: Clock) -> None:
    stream = streamed(broker, client, POLL)
    consented(broker, client)
    clock.passes(days=400)
    assert (0, 1) == (give_up(broker), len(polled(broker, stream).sets))


def test_two_polls_at_once_are_handed_the_same_and_lose_nothing(broker: Broker, client: Client) -> None:
    stream = streamed(broker, client, POLL)
    for number in range(4):
        consented(broker, client, a_person(number))
    answers = all_at_once(4, lambda _: polled(broker, stream))
    assert {frozenset(answers[0].sets)} == {frozenset(answer.sets) for answer in answers}
    all_at_once(2, lambda _: polled(broker, stream, *answers[0].sets))
    assert ["delivered"] * 4 == states(broker, client)


def test_a_stream_that_is_not_enabled_hands_out_nothing_and_takes_acknowledgements(
    broker: Broker, client: Client
) -> None:
    stream = streamed(broker, client, POLL)
    consented(broker, client)
    (event_id,) = polled(broker, stream).sets
    turned(broker, stream, StreamStatus.PAUSED)
    with broker.database.reading() as tx:
        assert not has_events(tx, broker, client_id=client.client_id)
    assert {} == polled(broker, stream).sets
    polled(broker, stream, event_id)
    assert ["delivered"] == states(broker, client)


def test_what_a_stream_does_not_ask_for_is_passed_over(broker: Broker, client: Client) -> None:
    wanted = "https://consent.example/secevent/consent/event-type/consent-withdrawn"
    stream = streamed(broker, client, POLL, wanted)
    withdrawn(broker, consented(broker, client))
    assert ["consent-withdrawn"] == kinds(list(polled(broker, stream).sets.values()))


def test_of_what_a_stream_does_not_ask_for_only_some_is_passed_over_in_one_request(
    broker: Broker, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll_events_module, "MOST", 1)
    wanted = "https://consent.example/secevent/consent/event-type/consent-withdrawn"
    stream = streamed(broker, client, POLL, wanted)
    for number in range(5):
        consented(broker, client, a_person(number))
    answers = [polled(broker, stream) for _ in range(2)]
    assert [({}, True), ({}, False)] == [(answer.sets, answer.more) for answer in answers]
    assert ["unwanted"] * 5 == states(broker, client)


def test_a_stream_that_is_pushed_is_not_polled(broker: Broker, client: Client) -> None:
    stream = streamed(broker, client, PUSH)
    with pytest.raises(MalformedRequest, match="pushed on this stream"):
        polled(broker, stream)


# --- the stream itself ---------------------------------------------------------------------------------------------


def test_a_client_has_one_stream_and_sees_no_other(broker: Broker, client: Client, other_client: Client) -> None:
    stream = streamed(broker, client, POLL)
    with pytest.raises(StreamExists):
        streamed(broker, client, POLL)
    with broker.database.reading() as tx:
        assert [] == streams_of(tx, broker, client_id=other_client.client_id)
    find_nothing(broker, other_client, stream)
    streamed(broker, other_client, POLL)
    find_nothing(broker, other_client, stream)


def find_nothing(broker: Broker, other: Client, stream: Stream) -> None:
    """Ask for another's stream by its id."""
    for act in (own_stream, give_up_stream):
        with pytest.raises(NotFound), broker.database.transaction() as tx:
            act(tx, broker, client_id=other.client_id, stream_id=stream.stream_id)


def test_of_two_streams_set_up_at_once_there_is_one(broker: Broker, client: Client) -> None:
    made = all_at_once(4, lambda _: streamed(broker, client, POLL))
    assert [1, 3] == [sum(isinstance(it, kind) for it in made) for kind in (Stream, StreamExists)]


def test_a_stream_is_shown_as_it_is_and_without_what_goes_with_each_push(broker: Broker, client: Client) -> None:
    stream = streamed(broker, client, replace(PUSH, description="the shop's own"))
    shown = configuration(broker, stream)
    assert {"method": Method.PUSH.value, "endpoint_url": PUSH.endpoint_url} == shown["delivery"]
    assert (client.client_id, "https://consent.example", "the shop's own") == (
        shown["aud"], shown["iss"], shown["description"]
    )  # fmt: skip
    assert shown["events_supported"] == shown["events_delivered"]
    assert "events_requested" not in shown
    assert str(PUSH.authorization) not in json.dumps(shown) + repr(stream)


def updated(broker: Broker, stream: Stream, wish: Wish, *, whole: bool = False, **said: object) -> Stream:
    """Change a stream."""
    with broker.database.transaction() as tx:
        same = {"client_id": stream.client_id, "stream_id": stream.stream_id}
        return update_stream(tx, broker, **same, wish=wish, whole=whole, said=said)


def test_what_a_change_does_not_speak_of_stays_and_what_a_replacement_does_not_goes(
    broker: Broker, client: Client
) -> None:
    stream = streamed(broker, client, replace(PUSH, description="one"), "https://a.example/event")
    assert replace(stream, description="two") == updated(broker, stream, Wish(description="two"))
    assert replace(stream, description="two", requested=()) == updated(broker, stream, Wish(requested=()))
    polls = replace(stream, method=Method.POLL, endpoint_url=None, authorization=None, description=None, requested=())
    assert polls == updated(broker, stream, Wish(), whole=True)
    with broker.database.reading() as tx:
        assert [polls] == streams_of(tx, broker, client_id=client.client_id)


def test_what_is_said_of_what_is_the_brokers_must_be_so(broker: Broker, client: Client) -> None:
    stream = streamed(broker, client, POLL)
    shown = configuration(broker, stream)
    said = {name: shown[name] for name in ("iss", "aud", "events_supported", "events_delivered")}
    said["events_supported"] = list(reversed(shown["events_supported"]))  # type: ignore[call-overload]
    assert stream == updated(broker, stream, Wish(), **said)
    for name, value in (("iss", "https://other.example"), ("aud", "other"), ("events_delivered", [])):
        with pytest.raises(MalformedRequest, match=name):
            updated(broker, stream, Wish(), **{name: value})


def test_a_stream_that_is_given_up_leaves_its_events_to_the_next(broker: Broker, client: Client) -> None:
    consented(broker, client)
    stream = streamed(broker, client, POLL)
    with broker.database.transaction() as tx:
        give_up_stream(tx, broker, client_id=client.client_id, stream_id=stream.stream_id)
    assert 1 == len(polled(broker, streamed(broker, client, POLL)).sets)


def test_a_verification_may_be_asked_for_now_and_then_on_a_stream_that_sends(
    broker: Broker, client: Client, clock: Clock
) -> None:
    stream = streamed(broker, client, POLL)

    def ask() -> None:
        with broker.database.transaction() as tx:
            ask_verification(tx, broker, client_id=client.client_id, stream_id=stream.stream_id, state=None)

    ask()
    with pytest.raises(TooOften):
        ask()
    clock.passes(seconds=VERIFICATION_INTERVAL.seconds)
    ask()
    assert ["verification"] == kinds(list(polled(broker, stream).sets.values()))  # the later one alone
    turned(broker, stream, StreamStatus.DISABLED)
    clock.passes(seconds=VERIFICATION_INTERVAL.seconds)
    with pytest.raises(MalformedRequest, match="disabled"):
        ask()


def test_an_address_is_checked_before_a_stream_is_set_up(broker: Broker) -> None:
    reached: Receiver = a_receiver(broker)
    able = replace(broker, courier=reached)
    check_wish(able, PUSH)
    check_wish(able, POLL)
    for wish in (replace(PUSH, endpoint_url="https://another.example/"), replace(PUSH, endpoint_url=None)):
        with pytest.raises(MalformedRequest, match="endpoint_url"):
            check_wish(able, wish)
    with pytest.raises(MalformedRequest):
        check_wish(broker, PUSH)


def test_a_broker_without_a_courier_pushes_nothing_and_says_so(broker: Broker, client: Client) -> None:
    consented(broker, client)
    with broker.database.transaction() as tx:
        create_stream(tx, broker, client_id=client.client_id, wish=PUSH)
    assert 1 == pushed(broker, client)
    assert "this broker pushes to nobody" == deliveries(broker, client)[0].problem

"""Events are pushed (RFC 8935): at least once, those of an account in order, until a 202 says that they are there.

Whoever works on a stream leases it; what was sent and what came of it is written in the transaction that gives it back.
Killed in between, it leaves a lease that ends by itself and events that are sent once more.

A failure is the event's or the receiver's. Refused with a 400, or by some fault once, an event is left alone for a
while, and the others go on. When nobody answers, or three in a row fail, the receiver is left alone, and every
event waits with it. What has failed for 72 hours, either way, is given up: a dead letter, for an operator to look at.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.actions.broker import Broker
from broker.actions.sign_delivery import sign_delivery, sorted_out
from broker.core.delivery import LONGEST_REST, LONGEST_WAIT, PATIENCE, Method, Stream, StreamStatus, wait_after
from broker.core.post import NotPosted
from broker.core.reading import read_json_object
from broker.errors import BrokerError
from broker.proof.secevent import MEDIA_TYPE
from broker.store.deliveries import (
    Delivery,
    Key,
    bury,
    mark_delivered,
    mark_tried,
    mark_unwanted,
    next_deliveries,
    overdue,
    waiting_for,
)
from broker.store.streams import (
    Work,
    disabled_streams,
    find_stream,
    lease_stream,
    release_stream,
    streams_to_push,
    troubled_streams,
)
from broker.store.transaction import Transaction

#: How long a stream is anybody's. What a round sends must be over by then.
LEASE = timedelta(seconds=15)
#: Events in one round, and the seconds after which it begins no further one: a post takes five at most.
BATCH, ROUND = 50, timedelta(seconds=5)
#: So many failures in a row are the receiver's, and not those of an event.
IN_A_ROW = 3
ACCEPTED, REFUSED = 202, 400
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """What came of sending one event: no problem, one of this event, or one of the receiver, which is *gone*.

    *heard*: the receiver has read the event, and took it or said that it cannot.
    """

    delivery: Delivery
    problem: str | None = None
    gone: bool = False
    heard: bool = False


def clients_to_push(broker: Broker, *, limit: int) -> list[str]:
    """The clients to whom something can be pushed now, and that nobody works for. A look that writes nothing."""
    with broker.database.reading() as tx:
        return streams_to_push(tx, now=broker.now(), limit=limit)


def push_events(broker: Broker, client_id: str, *, holder: str, wanted: Callable[[], bool] = lambda: True) -> int:
    """Work on one stream for a round; return how many events were sent, acknowledged or not.

    0 when there is nothing to send, or somebody else works on it. *wanted* is asked before each event.
    """
    with broker.database.transaction() as tx:
        now = broker.now()
        until = now + LEASE
        work = lease_stream(tx, client_id, holder, now=now, until=until)
        stream = find_stream(tx, client_id, store=broker.sealer)
        if work is None or stream is None:
            return 0
        goes, unwanted = sorted_out(broker, stream, _found(tx, stream, now))
        mark_unwanted(tx, client_id, unwanted, now=now)
    attempts = _send(broker, stream, goes, wanted)
    with broker.database.transaction() as tx:
        mine = release_stream(tx, client_id, holder, _behaved(broker, work, attempts), until=until)
        _write_down(tx, broker, client_id, attempts, failures=mine)
    return len(attempts) + len(unwanted)


def give_up(broker: Broker) -> int:
    """Give up what was tried for too long, and what a disabled stream does not take; return how many those were."""
    buried = 0
    for name, problem in (("tried", ""), ("gone", "the receiver is gone"), ("disabled", "the stream is disabled")):
        while keys := _look(broker, name):
            with broker.database.transaction() as tx:
                found = bury(tx, keys, now=broker.now(), problem=problem or "not acknowledged")
            _alarm(found)
            buried += len(found)
    return buried


def _look(broker: Broker, name: str) -> list[Key]:
    """Some of what is to be given up, found without keeping any writer waiting."""
    now = broker.now()
    with broker.database.reading() as tx:
        if name == "tried":
            return overdue(tx, since=now - PATIENCE)
        if name == "disabled":
            return waiting_for(tx, disabled_streams(tx), until=now)
        # Whoever was gone for all of it never had what happened meanwhile; what happened since has time left.
        return waiting_for(tx, troubled_streams(tx, since=now - PATIENCE), until=now - PATIENCE)


def _alarm(buried: list[Delivery]) -> None:
    for client_id, count in Counter(delivery.client_id for delivery in buried).items():
        log.critical("%d events for client %s were given up: see `broker deliveries list --dead`", count, client_id)


def _found(tx: Transaction, stream: Stream, now: datetime) -> list[Delivery]:
    """What may go now; nothing where the stream was paused or turned to polling a moment ago."""
    if (stream.method, stream.status) != (Method.PUSH, StreamStatus.ENABLED):
        return []
    return next_deliveries(tx, stream.client_id, now=now, limit=BATCH)


def _send(broker: Broker, stream: Stream, goes: list[Delivery], wanted: Callable[[], bool]) -> list[Attempt]:
    attempts: list[Attempt] = []
    ends = broker.now() + ROUND
    for delivery in goes:
        if broker.now() >= ends or not wanted() or _is_gone(attempts) or not _stands(broker, stream):
            break
        attempts.append(_attempt(broker, stream, delivery))
    return attempts


def _stands(broker: Broker, stream: Stream) -> bool:
    """Whether a stream is what it was when its round began: paused or disabled, it is sent nothing (SSF 8.1.2.1)."""
    with broker.database.reading() as tx:
        return find_stream(tx, stream.client_id, store=broker.sealer) == stream


def _is_gone(attempts: list[Attempt]) -> bool:
    """Whether the receiver, and not an event, is what fails."""
    last = attempts[-IN_A_ROW:]
    return bool(last) and (last[-1].gone or (len(last) == IN_A_ROW and all(it.problem for it in last)))


def _attempt(broker: Broker, stream: Stream, delivery: Delivery) -> Attempt:
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    if stream.authorization is not None:
        headers["Authorization"] = stream.authorization
    assert stream.endpoint_url is not None  # noqa: S101 - a stream that is pushed has one
    try:
        answer = broker.courier.post(stream.endpoint_url, sign_delivery(broker, delivery).encode(), headers=headers)
    except NotPosted as error:
        return Attempt(delivery, str(error), gone=True)
    if answer.status == ACCEPTED:
        return Attempt(delivery, heard=True)
    if answer.status == REFUSED:
        return Attempt(delivery, f"the receiver refused it: {_code_in(answer.body)}", heard=True)
    return Attempt(delivery, f"the receiver answered {answer.status}, where 202 says that it has it")


def _code_in(body: bytes) -> str:
    """RFC 8935's error code. What the receiver says besides is left out: it may repeat what it was sent."""
    try:
        code = read_json_object(body).get("err")
    except BrokerError:
        code = None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "without an error code"


def _write_down(tx: Transaction, broker: Broker, client_id: str, attempts: list[Attempt], *, failures: bool) -> None:
    """What came of a round. *failures* of a receiver that was changed meanwhile are none of the new one's."""
    now = broker.now()
    there = [attempt.delivery.event_id for attempt in attempts if attempt.problem is None]
    if there:
        mark_delivered(tx, client_id, there, now=now)
    for attempt in (attempt for attempt in attempts if failures and attempt.problem is not None):
        failed = attempt.delivery
        # Whom nobody reaches is looked for at the pace of a receiver, also where one event is all that waits.
        longest = LONGEST_REST if attempt.gone else LONGEST_WAIT
        again_at = now + wait_after(failed.attempts + 1, chance=broker.chance(), longest=longest)
        mark_tried(tx, client_id, failed.event_id, now=now, again_at=again_at, problem=attempt.problem)


def _behaved(broker: Broker, work: Work, attempts: list[Attempt]) -> Work:
    """How the receiver has behaved by now."""
    if not attempts:
        return replace(work, rests_until=None)
    if not _is_gone(attempts):
        # Who refuses one event is there: what waits behind that one has not failed.
        return Work() if any(attempt.heard for attempt in attempts) else work
    now, failures = broker.now(), work.failures + 1
    rest = wait_after(failures, chance=broker.chance(), longest=LONGEST_REST)
    return Work(failures=failures, rests_until=now + rest, troubled_since=work.troubled_since or now)

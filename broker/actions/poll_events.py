"""A client fetches its events (RFC 8936): it acknowledges what it has, says what it cannot read, and is handed more.

Handed out is the first event of each account that is not acknowledged. Whoever polls again without acknowledging gets
the same again, what was handed out longest ago first, so that one event which a receiver cannot make out does not keep
it from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broker.actions.broker import Broker
from broker.actions.manage_stream import own_stream
from broker.actions.sign_delivery import sign_delivery, sorted_out
from broker.core.delivery import Method, Stream, StreamStatus, wait_after
from broker.errors import MalformedRequest
from broker.store.deliveries import (
    Delivery,
    attempts_of,
    mark_delivered,
    mark_tried,
    mark_unwanted,
    next_deliveries,
)
from broker.store.streams import find_stream
from broker.store.transaction import Transaction

#: Events in one answer, at most; a client may ask for fewer.
MOST = 100
#: So many times a request looks past events that its stream does not ask for: everybody who writes waits meanwhile.
_LOOKS = 2


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What a client says as it polls: ``errors`` are codes of RFC 8935 by event; ``most`` is 0 to acknowledge only."""

    most: int = MOST
    acknowledged: Sequence[str] = ()
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Polled:
    """The SETs by event; ``more`` when others can be fetched at once."""

    sets: Mapping[str, str]
    more: bool = False


def poll_events(tx: Transaction, broker: Broker, *, client_id: str, stream_id: str, poll: Poll) -> Polled:
    """Take what the client says, and hand out what may go to it now."""
    stream, now = own_stream(tx, broker, client_id=client_id, stream_id=stream_id), broker.now()
    if stream.method is not Method.POLL:
        raise MalformedRequest("events are pushed on this stream; change its delivery to poll them")
    if poll.acknowledged:
        mark_delivered(tx, client_id, poll.acknowledged, now=now)
    if poll.errors:
        _note_errors(tx, broker, client_id, poll.errors)
    if stream.status is not StreamStatus.ENABLED:
        return Polled(sets={})
    (goes, others), most = _found(tx, broker, stream), min(poll.most, MOST)
    for delivery in goes[:most]:
        mark_tried(tx, client_id, delivery.event_id, now=now, again_at=now, problem=delivery.problem)
    return Polled(sets={it.event_id: sign_delivery(broker, it) for it in goes[:most]}, more=others or len(goes) > most)


def _found(tx: Transaction, broker: Broker, stream: Stream) -> tuple[list[Delivery], bool]:
    """What may be handed out, and one more than fits, by which it is seen that there is more.

    True beside it where not all was looked at that may go: what follows is for the next request.
    """
    now = broker.now()
    for _ in range(_LOOKS):
        found = next_deliveries(tx, stream.client_id, now=now, limit=MOST + 1)
        goes, unwanted = sorted_out(broker, stream, found)
        mark_unwanted(tx, stream.client_id, unwanted, now=now)
        if not unwanted:
            return goes, False
    return goes, True


def has_events(tx: Transaction, broker: Broker, *, client_id: str) -> bool:
    """Whether a poll would find something now; reads only. On a stream that is not enabled it never does."""
    stream = find_stream(tx, client_id, store=broker.sealer)
    enabled = stream is not None and stream.status is StreamStatus.ENABLED
    return enabled and bool(next_deliveries(tx, client_id, now=broker.now(), limit=1))


def _note_errors(tx: Transaction, broker: Broker, client_id: str, errors: Mapping[str, str]) -> None:
    # One statement says which of them there are: a client that makes a thousand ids up must hold up nobody's writes.
    for event_id, attempts in attempts_of(tx, client_id, list(errors)).items():
        again_at = broker.now() + wait_after(attempts, chance=broker.chance())
        problem = f"the receiver refused it: {errors[event_id]}"
        mark_tried(tx, client_id, event_id, now=broker.now(), again_at=again_at, problem=problem)

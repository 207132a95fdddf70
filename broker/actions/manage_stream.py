"""A client's event stream: set up, changed, paused, verified, given up (OpenID SSF 1.0 section 8).

A client has one stream at most. What happened before it had one waits for it: a withdrawal must reach whoever acted on
the consent, however late they come to listen. What happened while it was disabled was refused, and is given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from broker.actions.broker import Broker
from broker.core.delivery import KINDS, VERIFICATION, Method, Stream, StreamStatus, event_uri
from broker.errors import BrokerError, MalformedRequest, NotFound
from broker.store.deliveries import add_notice, begin_anew, drop_waiting, hurry, last_of_kind
from broker.store.streams import change_stream, drop_stream, find_stream, hold_stream, save_stream
from broker.store.transaction import Transaction

#: How often a client may ask for a verification event.
VERIFICATION_INTERVAL = timedelta(seconds=5)


class StreamExists(BrokerError):
    """A client that has a stream asks for another."""

    type = "stream-exists"
    title = "There is a stream already"
    status = 409


class TooOften(BrokerError):
    """Asked again before the time that the stream's configuration tells."""

    type = "too-many-requests"
    title = "This was asked a moment ago"
    status = 429


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a client wants of its stream; what it does not speak of is None.

    ``authorization`` goes with every push and is shown to nobody again.
    """

    method: Method | None = None
    endpoint_url: str | None = None
    authorization: str | None = field(default=None, repr=False)
    requested: tuple[str, ...] | None = None
    description: str | None = None


def supported_events(broker: Broker) -> list[str]:
    """The URIs of every event that there is."""
    return [event_uri(broker.issuer, kind) for kind in KINDS]


def poll_url(broker: Broker, stream: Stream) -> str:
    """Where a stream is polled."""
    return broker.url(f"/ssf/poll/{stream.stream_id}")


def check_wish(broker: Broker, wish: Wish) -> None:
    """Refuse an address that events may not be pushed to. It asks a resolver: no transaction may be open meanwhile."""
    if wish.method is Method.PUSH:
        if wish.endpoint_url is None:
            raise MalformedRequest("delivery.endpoint_url must say where events are pushed to")
        broker.courier.check(wish.endpoint_url)


def create_stream(tx: Transaction, broker: Broker, *, client_id: str, wish: Wish) -> Stream:
    """Give a client its stream, or raise :class:`StreamExists`. Nothing said of delivery, it is polled."""
    stream = _shaped(
        Stream(
            client_id=client_id,
            stream_id=broker.new_id(),
            method=Method.POLL,
            endpoint_url=None,
            created_at=broker.now(),
        ),
        replace(wish, method=wish.method or Method.POLL),
    )
    if not save_stream(tx, stream, store=broker.sealer):
        raise StreamExists("a client has one stream: read it, and change or replace it")
    begin_anew(tx, client_id, now=broker.now())
    return stream


def own_stream(tx: Transaction, broker: Broker, *, client_id: str, stream_id: str) -> Stream:
    """The client's stream, by its id. Another client's reads like none."""
    return _named(find_stream(tx, client_id, store=broker.sealer), stream_id)


def streams_of(tx: Transaction, broker: Broker, *, client_id: str) -> list[Stream]:
    """The streams of a client: one or none."""
    found = find_stream(tx, client_id, store=broker.sealer)
    return [found] if found else []


def update_stream(
    tx: Transaction,
    broker: Broker,
    *,
    client_id: str,
    stream_id: str,
    wish: Wish,
    whole: bool,
    said: Mapping[str, object],
) -> Stream:
    """Change what a client speaks of, or with *whole* all of it: what is not spoken of then goes.

    *said* is what the client says of the rest: it must be so (section 8.1.1.3).
    """
    stream = _held(tx, broker, client_id, stream_id)
    _check_said(broker, stream, said)
    if whole:
        wish = replace(wish, method=wish.method or Method.POLL, requested=wish.requested or ())
        stream = replace(stream, description=None)
    return _keep(tx, broker, _shaped(stream, wish))


def give_up_stream(tx: Transaction, broker: Broker, *, client_id: str, stream_id: str) -> None:
    """Take the client's stream away."""
    _held(tx, broker, client_id, stream_id)
    drop_stream(tx, client_id)


def set_status(
    tx: Transaction, broker: Broker, *, client_id: str, stream_id: str, status: StreamStatus, reason: str | None
) -> Stream:
    """Enable, pause or disable the client's stream. For what it kept meanwhile, patience begins anew."""
    before = _held(tx, broker, client_id, stream_id)
    if before.status is StreamStatus.PAUSED:
        begin_anew(tx, client_id, now=broker.now())
    return _keep(tx, broker, replace(before, status=status, reason=reason))


def ask_verification(tx: Transaction, broker: Broker, *, client_id: str, stream_id: str, state: str | None) -> None:
    """Leave the stream a verification event (section 8.1.4); it waits for no other.

    An earlier one that still waits goes: a stream that takes none must not be left one every few seconds.
    """
    stream, now = _held(tx, broker, client_id, stream_id), broker.now()
    if stream.status is StreamStatus.DISABLED:
        raise MalformedRequest("the stream is disabled: nothing is sent on it")
    last = last_of_kind(tx, client_id, VERIFICATION)
    if last is not None and now < last + VERIFICATION_INTERVAL:
        raise TooOften(f"ask once in {VERIFICATION_INTERVAL.seconds} seconds, as min_verification_interval says")
    drop_waiting(tx, client_id, VERIFICATION)
    told = {} if state is None else {"state": state}
    add_notice(
        tx, client_id=client_id, event_id=broker.new_id(), kind=VERIFICATION, about=stream_id, told=told, now=now
    )


def configuration(broker: Broker, stream: Stream) -> dict[str, object]:
    """A stream as it travels (section 8.1.1); what goes with each push is left out."""
    address = stream.endpoint_url if stream.method is Method.PUSH else poll_url(broker, stream)
    supported = supported_events(broker)
    known: dict[str, object] = {
        "stream_id": stream.stream_id,
        "iss": broker.issuer,
        "aud": stream.client_id,
        "delivery": {"method": stream.method.value, "endpoint_url": address},
        "events_supported": supported,
        "events_requested": list(stream.requested) or None,
        "events_delivered": stream.delivered(supported),
        "min_verification_interval": VERIFICATION_INTERVAL.seconds,
        "description": stream.description,
    }
    return {name: value for name, value in known.items() if value is not None}


def _keep(tx: Transaction, broker: Broker, stream: Stream) -> Stream:
    change_stream(tx, stream, store=broker.sealer)
    hurry(tx, stream.client_id, now=broker.now())
    return stream


def _held(tx: Transaction, broker: Broker, client_id: str, stream_id: str) -> Stream:
    return _named(hold_stream(tx, client_id, store=broker.sealer), stream_id)


def _named(stream: Stream | None, stream_id: str) -> Stream:
    if stream is None or stream.stream_id != stream_id:
        raise NotFound("this client has no stream of that id")
    return stream


def _shaped(stream: Stream, wish: Wish) -> Stream:
    """The stream as it is wished; where it goes and what goes with it are wished for together."""
    if wish.method is not None:
        pushed = wish.method is Method.PUSH
        stream = replace(
            stream,
            method=wish.method,
            endpoint_url=wish.endpoint_url if pushed else None,
            authorization=wish.authorization if pushed else None,
        )
    if wish.requested is not None:
        stream = replace(stream, requested=wish.requested)
    return stream if wish.description is None else replace(stream, description=wish.description)


def _check_said(broker: Broker, stream: Stream, said: Mapping[str, object]) -> None:
    known = configuration(broker, stream)
    for name, value in said.items():
        if _in_no_order(value) != _in_no_order(known.get(name)):
            raise MalformedRequest(f"{name} is not what this stream has; leave it out, or read it first")


def _in_no_order(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value

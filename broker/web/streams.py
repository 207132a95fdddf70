"""A client's event stream (OpenID SSF 1.0 section 8): ``/ssf/streams``, ``/ssf/status``, ``/ssf/verify``.

Subjects are neither added nor removed here: a stream carries what concerns the client's own grants, all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, jsonify, request

from broker.actions.manage_stream import (
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
from broker.core.delivery import Stream
from broker.errors import Forbidden, MalformedRequest
from broker.oauth.context import current_broker
from broker.store.transaction import Transaction
from broker.web.api import called
from broker.web.reading import read_body
from broker.web.security import query
from broker.web.ssf_wire import StreamChangeWire, StreamRequestWire, StreamStatusWire, VerificationWire

blueprint = Blueprint("streams", __name__, url_prefix="/ssf")
READ, MANAGE = "ssf.read", "ssf.manage"


@contextmanager
def held(*, scope: str) -> Iterator[tuple[Transaction, str]]:
    """The client that calls, by a token of its own: one that stands for one person's grant opens no stream."""
    with called(scope=scope) as (tx, caller):
        if caller.token.grant_id is not None:
            raise Forbidden("a stream needs a token of the client's own, from client_credentials")
        yield tx, caller.client.client_id


@blueprint.post("/streams")
def create() -> Response:
    """Section 8.1.1.1."""
    wish = _allowed(read_body(request, StreamRequestWire).wish())
    with held(scope=MANAGE) as (tx, client_id):
        stream = create_stream(tx, current_broker(), client_id=client_id, wish=wish)
    answer = _shown(stream)
    answer.status_code = 201
    return answer


@blueprint.get("/streams")
def read() -> Response:
    """Section 8.1.1.2: one by its id, or a list of all, which are one or none."""
    broker, asked = current_broker(), query(request).get("stream_id")
    with held(scope=READ) as (tx, client_id):
        if asked is not None:
            return _shown(own_stream(tx, broker, client_id=client_id, stream_id=asked))
        return jsonify([configuration(broker, stream) for stream in streams_of(tx, broker, client_id=client_id)])


@blueprint.patch("/streams")
def update() -> Response:
    """Section 8.1.1.3: what is spoken of is changed."""
    return _updated(whole=False)


@blueprint.put("/streams")
def replace() -> Response:
    """Section 8.1.1.4: what is not spoken of goes, the header that goes with each push included."""
    return _updated(whole=True)


@blueprint.delete("/streams")
def delete() -> Response:
    """Section 8.1.1.5."""
    with held(scope=MANAGE) as (tx, client_id):
        give_up_stream(tx, current_broker(), client_id=client_id, stream_id=_stream_id())
    return Response(status=204)


@blueprint.get("/status")
def status() -> Response:
    """Section 8.1.2.1."""
    with held(scope=READ) as (tx, client_id):
        return _status(own_stream(tx, current_broker(), client_id=client_id, stream_id=_stream_id()))


@blueprint.post("/status")
def change_status() -> Response:
    """Section 8.1.2.2."""
    asked = read_body(request, StreamStatusWire)
    with held(scope=MANAGE) as (tx, client_id):
        stream = set_status(
            tx,
            current_broker(),
            client_id=client_id,
            stream_id=asked.stream_id,
            status=asked.wanted,
            reason=asked.reason,
        )
    return _status(stream)


@blueprint.post("/verify")
def verify() -> Response:
    """Section 8.1.4.2: the event is on its way when this is answered, and comes when it comes."""
    asked = read_body(request, VerificationWire)
    with held(scope=MANAGE) as (tx, client_id):
        ask_verification(tx, current_broker(), client_id=client_id, stream_id=asked.stream_id, state=asked.state)
    return Response(status=204)


def _updated(*, whole: bool) -> Response:
    asked = read_body(request, StreamChangeWire)
    wish = _allowed(asked.wish())
    with held(scope=MANAGE) as (tx, client_id):
        stream = update_stream(
            tx,
            current_broker(),
            client_id=client_id,
            stream_id=asked.stream_id,
            wish=wish,
            whole=whole,
            said=asked.said(),
        )
    return _shown(stream)


def _allowed(wish: Wish) -> Wish:
    """What a caller who may ask for it may have. No transaction waits for the resolver that is asked."""
    with held(scope=MANAGE):
        pass
    check_wish(current_broker(), wish)
    return wish


def _stream_id() -> str:
    found = query(request).get("stream_id")
    if found is None:
        raise MalformedRequest("stream_id must be given in the query")
    return found


def _shown(stream: Stream) -> Response:
    return jsonify(configuration(current_broker(), stream))


def _status(stream: Stream) -> Response:
    known = {"stream_id": stream.stream_id, "status": stream.status.value, "reason": stream.reason}
    return jsonify({name: value for name, value in known.items() if value is not None})

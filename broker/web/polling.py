"""``POST /ssf/poll/{stream_id}``: a client fetches its events (RFC 8936).

A poll that finds nothing may wait a few seconds for something. Who waits holds a thread of this process, and nothing
else: no transaction, no connection. So only a few may wait at a time, one of each client; everybody else is answered at
once that there is nothing yet, which the RFC lets a transmitter do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic, sleep

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState

from broker.actions.poll_events import Poll, Polled, has_events, poll_events
from broker.oauth.context import current_broker, request_reading
from broker.web.reading import read_body
from broker.web.ssf_wire import PollWire
from broker.web.streams import READ, held

blueprint = Blueprint("polling", __name__, url_prefix="/ssf/poll")
#: Polls that wait at a time in one process: few of the places that programs have there (web/front).
PLACES = 8
#: Seconds that a poll waits, and between two looks.
PATIENCE, PERIOD = 8.0, 0.5


class WaitingRoom:
    """Who waits here: so many at a time, and each client once."""

    def __init__(self, places: int = PLACES) -> None:
        self._lock, self._places, self._inside = Lock(), places, set[str]()

    @contextmanager
    def place(self, client_id: str) -> Iterator[bool]:
        """Take a place; False when there is none."""
        with self._lock:
            got = client_id not in self._inside and len(self._inside) < self._places
            if got:
                self._inside.add(client_id)
        try:
            yield got
        finally:
            if got:
                with self._lock:
                    self._inside.remove(client_id)


@blueprint.post("/<stream_id>")
def poll(stream_id: str) -> Response:
    """Acknowledge, and be handed what there is."""
    asked = read_body(request, PollWire)
    client_id, polled = _polled(stream_id, asked.poll())
    waits = not polled.sets and not polled.more and not asked.return_immediately and asked.max_events != 0
    if waits and _has_come(client_id):
        _, polled = _polled(stream_id, Poll(most=asked.poll().most))
    return jsonify({"sets": polled.sets, "moreAvailable": polled.more})


def _polled(stream_id: str, asked: Poll) -> tuple[str, Polled]:
    with held(scope=READ) as (tx, client_id):
        return client_id, poll_events(tx, current_broker(), client_id=client_id, stream_id=stream_id, poll=asked)


def _has_come(client_id: str) -> bool:
    """Wait for an event, where there is a place to wait."""
    broker, room = current_broker(), current_app.extensions["waiting_room"]
    ends = monotonic() + PATIENCE
    with room.place(client_id) as got:
        while got and monotonic() < ends:
            sleep(PERIOD)
            with request_reading(whose=client_id) as tx:
                if has_events(tx, broker, client_id=client_id):
                    return True
    return False


@blueprint.record_once
def _make_room(setup: BlueprintSetupState) -> None:
    setup.app.extensions["waiting_room"] = WaitingRoom()

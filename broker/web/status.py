"""Token Status Lists, for anybody: ``/status`` names them all, ``/status/{n}`` is one of them as a signed token.

A list says nothing about who asks for which entry of it; a holder who fetches them all does not even say which list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from threading import Lock

from flask import Blueprint, Response, current_app, g, jsonify, request
from flask.blueprints import BlueprintSetupState

from broker.actions.broker import Broker
from broker.actions.publish_status import LIFE, TTL, list_entries, list_uris, sign_entries
from broker.errors import BrokerError, NotFound
from broker.oauth.context import current_broker, request_reading
from broker.proof.status import MEDIA_TYPE

blueprint = Blueprint("status", __name__, url_prefix="/status")
#: How long one process answers with the list it made last: a withdrawal shows within this.
_KEPT = timedelta(seconds=2)
#: Half of a token's life: an answer of "not modified" leaves its holder at least that much.
_STRETCH = LIFE // 2
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class NotAcceptable(BrokerError):
    """The caller takes none of the forms that there are."""

    type = "not-acceptable"
    title = "There is no such form"
    status = 406


class NoHistory(BrokerError):
    """Lists of the past are not kept: they would show what became of an entry, and when (draft section 12.7)."""

    type = "not-implemented"
    title = "Lists of the past are not kept"
    status = 501


@blueprint.before_request
def _speak_to_programs() -> None:
    g.for_programs = True


@blueprint.get("")
def lists() -> Response:
    """Where every list is (section 9.3)."""
    broker = current_broker()
    with request_reading() as tx:
        uris = list_uris(tx, broker)
    return _public(jsonify(status_lists=uris))


@blueprint.get("/<number>")
def status_list(number: str) -> Response:
    """One list, of this moment or of two seconds ago."""
    if request.accept_mimetypes.provided and not request.accept_mimetypes.quality(MEDIA_TYPE):
        raise NotAcceptable(f"a status list is {MEDIA_TYPE}")
    if "time" in request.args:
        raise NoHistory("a list is given as it stands now")
    if not _NUMBER.fullmatch(number):
        raise NotFound("there is no status list of that number")
    shelf: Shelf = current_app.extensions["status_lists"]
    made = shelf.list_of(current_broker(), int(number))
    answer = _public(Response(made.token, content_type=MEDIA_TYPE))
    answer.set_etag(made.etag, weak=True)
    answer.make_conditional(request)
    return answer


@dataclass(frozen=True, kw_only=True)
class Made:
    """A list that was made, until when it is good enough, and the name of what it says."""

    token: str
    etag: str
    until: float


class Shelf:
    """The lists that this process made last. One thread makes a list; those who ask meanwhile get that one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[int, Made] = {}

    def list_of(self, broker: Broker, number: int) -> Made:
        """The list of that number, at most :data:`_KEPT` old, or :class:`NotFound`."""
        with self._lock:
            now = broker.now().timestamp()
            kept = self._made.get(number)
            # A clock that was put back must not keep a list for longer.
            if kept is None or not kept.until - _KEPT.total_seconds() <= now < kept.until:
                self._made[number] = kept = _make(broker, number)
            return kept


def _make(broker: Broker, number: int) -> Made:
    now = broker.now()
    with request_reading() as tx:
        packed = list_entries(tx, number, now=now)
    token = sign_entries(broker, number, packed, now=now)
    # Signatures differ each time and the entries seldom do: who has the same entries needs no newer copy for a while.
    stretch = int(now.timestamp()) // _STRETCH
    return Made(
        token=token,
        etag=f"{sha256(packed).hexdigest()[:32]}-{stretch}",
        until=(now + _KEPT).timestamp(),
    )


def _public(answer: Response) -> Response:
    answer.headers["Cache-Control"] = f"public, max-age={TTL}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@blueprint.record_once
def _make_shelf(setup: BlueprintSetupState) -> None:
    setup.app.extensions["status_lists"] = Shelf()
